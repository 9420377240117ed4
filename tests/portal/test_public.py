"""Paying without an account: what a stranger with a link or a code sees, and what never."""

import re
from datetime import timedelta

import pytest
import redis
from sqlalchemy import select
from tests.portal.strangers import form_of, order_of

from skarbnik import clock
from skarbnik.mail.models import Mail
from skarbnik.money import Money
from skarbnik.payments import links
from skarbnik.payments.models import PaymentLink, PaymentOrder, Transaction
from skarbnik.payments.services import record_report
from skarbnik.portal.tasks import confirm_payment
from skarbnik.receivables.models import DatedKind, Instalment
from skarbnik.receivables.services import set_value
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    PayerFactory,
    ReceivableFactory,
    UserFactory,
    bound_to,
    report_on,
)
from skarbnik.web import attempts

NAME, STREET, TITLE, NUMBER = "Brzęczyszczykiewicz", "Zażółcona 7", "Dom przy ul. Długiej 5", "FN.3120.777.2026"
CODE = "K7QP2M9XW4AB"
ADDRESS = re.compile(r">(https?://[^<]+/pay/[0-9a-f]{64})</textarea>")


@pytest.fixture(autouse=True)
def uncounted(lab):
    """Each test begins with no guesses."""
    client = redis.Redis.from_url(lab.settings.redis_url)
    for key in client.scan_iter("skarbnik:guesses:*"):
        client.delete(key)


@pytest.fixture
def town(tenant, open_account):
    """Anna owes two instalments; a stranger owes another."""
    with tenant.session() as session, bound_to(session):
        anna = PayerFactory(name=NAME, street=STREET)
        receivable = ReceivableFactory(title=TITLE, number=NUMBER, payment_code=CODE)
        first = InstalmentFactory(payer=anna, receivable=receivable, overdue=True)
        second = InstalmentFactory(receivable=receivable, number=2, due_on=clock.today() + timedelta(days=200))
        foreign = InstalmentFactory(payer=PayerFactory(), receivable__kind=receivable.kind)
        open_account(session, tenant, receivable.kind.creditor_account)
        user = UserFactory(name="Anna Tajna", acts_for=[anna])
    return {"user": user, "anna": anna, "first": first, "second": second, "foreign": foreign}


@pytest.fixture
def anna(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["user"].email, PASSWORD)
    browser.get("/acting")
    return browser


@pytest.fixture
def secret(anna, town):
    """Of a link Anna made for both instalments."""
    page = anna.post("/payments/links", {"instalment": [str(town["first"].id), str(town["second"].id)]})
    return ADDRESS.search(page.text)[1].rpartition("/")[2]


@pytest.fixture
def stranger(browse):
    return browse("lipowo")


def test_a_stranger_sees_kinds_days_and_amounts_and_nothing_else(stranger, secret, town):
    page = stranger.get(f"/pay/{secret}")

    assert page.status_code == 200
    for shown in ("Podatek od nieruchomości", "109,00", "100,00"):
        assert shown in page.text
    for hidden in (NAME, STREET, TITLE, NUMBER, "Tajna", town["user"].email, str(town["anna"].id)):
        assert hidden not in page.text


def test_what_is_ticked_is_ordered_for_the_payer_by_nobody(stranger, secret, town, tenant):
    form = form_of(stranger.get(f"/pay/{secret}"), town["first"], email=" ktos@example.pl ")
    answer = stranger.post(f"/pay/{secret}", form)

    made = order_of(tenant)
    assert answer.location == f"/pay/{secret}/orders/{made.number}"  # PayU does not answer here
    assert (made.payer_id, made.user_id, made.email) == (town["anna"].id, None, "ktos@example.pl")
    assert made.amount == Money(10_900)
    assert made.link_id is not None


def test_a_double_click_orders_once(stranger, secret, town, tenant):
    form = form_of(stranger.get(f"/pay/{secret}"), town["first"])
    for _ in range(2):
        stranger.post(f"/pay/{secret}", form)
    assert order_of(tenant).amount == Money(10_900)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"pay": []}, 422),
        ({"email": "nobody"}, 422),
        ({"email": "a@b.pl, c@d.pl"}, 422),
        ({"email": "a" * 120 + "@b.pl"}, 422),
        ({"blik": "12345"}, 422),
        ({"blik": "123456"}, 422),  # this gateway was not allowed to take codes
        ({"p": ["1", "1"]}, 409),
        ({"p": ["x", "1"]}, 400),
        ({"request_key": "x"}, 400),
        ({"i": ["x", "y"]}, 400),
    ],
)
def test_a_form_that_makes_no_sense_orders_nothing(stranger, secret, town, tenant, changes, status):
    form = form_of(stranger.get(f"/pay/{secret}"), town["first"]) | changes

    assert stranger.post(f"/pay/{secret}", form).status_code == status
    with tenant.session() as session:
        assert session.scalars(select(PaymentOrder)).all() == []


@pytest.mark.parametrize("other", ["foreign", "second"])
def test_what_the_link_is_not_for_is_not_paid_by_it(anna, stranger, town, tenant, other):
    page = anna.post("/payments/links", {"instalment": [str(town["first"].id)]})
    secret = ADDRESS.search(page.text)[1].rpartition("/")[2]
    each = town[other]
    assert str(each.id) not in stranger.get(f"/pay/{secret}").text

    form = form_of(stranger.get(f"/pay/{secret}"), each) | {
        "i": [str(each.id)], "p": [str(each.principal.grosze)], "n": ["0"], "k": ["0"],
    }  # fmt: skip
    assert stranger.post(f"/pay/{secret}", form).status_code == 409
    with tenant.session() as session:
        assert session.scalars(select(PaymentOrder)).all() == []


def test_an_order_made_by_a_link_is_not_found_by_its_number(stranger, secret, town, tenant, anna, browse):
    stranger.post(f"/pay/{secret}", form_of(stranger.get(f"/pay/{secret}"), town["first"]))
    number = order_of(tenant).number

    assert stranger.get(f"/pay/{secret}/orders/{number}").status_code == 200
    assert stranger.get(f"/payments/{number}").status_code == 303
    assert stranger.get(f"/pay/{'0' * 64}/orders/{number}").status_code == 404
    assert stranger.post(f"/pay/{'0' * 64}/orders/{number}/pay", {"rest": "10900"}).status_code == 404
    assert anna.get(f"/payments/{number}").status_code == 200
    with tenant.session() as session, bound_to(session):
        other = UserFactory(acts_for=[PayerFactory()])
    browser = browse("lipowo")
    browser.sign_in(other.email, PASSWORD)
    assert browser.get(f"/payments/{number}").status_code == 404


def test_the_page_of_the_payment_names_nobody(stranger, secret, town, tenant):
    stranger.post(f"/pay/{secret}", form_of(stranger.get(f"/pay/{secret}"), town["first"]))
    page = stranger.get(f"/pay/{secret}/orders/{order_of(tenant).number}").text

    for hidden in (NAME, STREET, TITLE, NUMBER, "Tajna", town["user"].email):
        assert hidden not in page


def test_another_order_of_the_payer_is_not_seen_by_the_link(stranger, secret, town, tenant, anna):
    own = {"i": str(town["second"].id), "p": "10000", "n": "0", "k": "0"}
    anna.post("/payments", own | {"request_key": "6f1c6f7e-7b0d-4a55-9f8e-0c3f3a1d2b4c"})

    assert stranger.get(f"/pay/{secret}/orders/{order_of(tenant).number}").status_code == 404


@pytest.mark.parametrize("how", ["expired", "revoked", "wrong"])
def test_links_that_open_nothing_are_one_page(stranger, secret, tenant, how):
    if how == "wrong":
        secret = "f" * 64
    with tenant.session() as session:
        link = session.scalars(select(PaymentLink)).one()
        if how == "expired":
            link.expires_at = clock.now()
        if how == "revoked":
            link.revoked_at = clock.now()

    answer = stranger.get(f"/pay/{secret}")
    plain = re.sub(r"[0-9a-f]{8}(?=</p>)|back=[^\"]+|value=\"[^\"]+\"", "", answer.text)
    other = re.sub(r"[0-9a-f]{8}(?=</p>)|back=[^\"]+|value=\"[^\"]+\"", "", stranger.get(f"/pay/{'0' * 64}").text)
    assert answer.status_code == 404
    assert plain == other


def test_a_link_of_one_gmina_opens_nothing_in_another(browse, secret):
    assert browse("debina").get(f"/pay/{secret}").status_code == 404


def test_what_is_paid_already_is_said(stranger, secret, town, tenant):
    with tenant.session() as session:
        for each in (town["first"], town["second"]):
            row = session.get_one(Instalment, each.id)
            row.principal = row.interest = Money(0)

    page = stranger.get(f"/pay/{secret}")
    assert page.status_code == 200
    assert 'name="pay"' not in page.text
    assert 'class="empty"' in page.text


def test_the_address_of_who_paid_is_not_told_to_others_who_have_the_link(stranger, secret, town, tenant):
    form = form_of(stranger.get(f"/pay/{secret}"), town["first"], email="ktos@example.pl")
    stranger.post(f"/pay/{secret}", form)
    with tenant.session() as session:
        transaction = session.scalars(select(Transaction)).one()
        record_report(session, transaction.id, report_on(transaction))
        number = session.get_one(PaymentOrder, transaction.order_id).number

    assert number in stranger.get(f"/pay/{secret}").text
    page = stranger.get(f"/pay/{secret}/orders/{number}")
    assert page.status_code == 200
    assert "ktos@example.pl" not in page.text


def test_a_payment_by_a_link_is_captured_and_confirmed_without_a_name(stranger, secret, town, tenant):
    form = form_of(stranger.get(f"/pay/{secret}"), town["first"], email="ktos@example.pl")
    stranger.post(f"/pay/{secret}", form)
    with tenant.session() as session:
        transaction = session.scalars(select(Transaction)).one()
        record_report(session, transaction.id, report_on(transaction))
        order_id = transaction.order_id
    confirm_payment(tenant, order_id)

    with tenant.session() as session:
        mail = session.scalars(select(Mail)).one()
    assert mail.recipient == "ktos@example.pl"
    assert "/payments/" not in mail.text
    assert secret not in mail.text
    for hidden in (NAME, STREET, TITLE, NUMBER, "Tajna"):
        assert hidden not in mail.text + mail.subject
    assert "109,00" not in stranger.get(f"/pay/{secret}").text.partition("<form")[2]


def test_the_payer_sees_the_payment_and_takes_the_link_back(anna, stranger, secret, town, tenant):
    stranger.post(f"/pay/{secret}", form_of(stranger.get(f"/pay/{secret}"), town["first"]))
    number = order_of(tenant).number
    listed = anna.get("/payments/links").text
    assert number in listed
    assert secret not in listed

    (address,) = re.findall(r'action="(/payments/links/[0-9a-f-]+/revoke)"', listed)
    assert anna.post(address).status_code == 303
    assert stranger.get(f"/pay/{secret}").status_code == 404
    assert stranger.get(f"/pay/{secret}/orders/{number}").status_code == 200
    assert stranger.post(f"/pay/{secret}/orders/{number}/pay", {"rest": "10900"}).status_code == 404


def test_who_may_only_look_makes_no_link(browse, town, tenant):
    with tenant.session() as session, bound_to(session):
        user = UserFactory(acts_for=[town["anna"]])
        session.flush()
        session.connection().exec_driver_sql(f"UPDATE mandates SET may_pay = false WHERE user_id = '{user.id}'")
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)
    browser.get("/acting")

    assert browser.post("/payments/links", {"instalment": str(town["first"].id)}).status_code == 403


def test_who_may_only_look_takes_no_link_back(anna, secret, town, tenant):
    (address,) = re.findall(r'action="(/payments/links/[0-9a-f-]+/revoke)"', anna.get("/payments/links").text)
    with tenant.session() as session:
        session.connection().exec_driver_sql("UPDATE mandates SET may_pay = false")

    assert anna.post(address).status_code == 403


def test_the_law_on_paying_a_tax_for_others_is_told_with_the_figure_of_the_day(stranger, secret, tenant):
    assert "5\u00a0000,00" in stranger.get(f"/pay/{secret}").text
    with tenant.session() as session:
        set_value(session, DatedKind.OTHERS_LIMIT, clock.today(), 7_500_00, note="nowa ustawa")

    assert "7\u00a0500,00" in stranger.get(f"/pay/{secret}").text


def test_a_code_is_typed_as_it_stands_on_paper(stranger, town):
    stranger.get("/pay/code")
    answer = stranger.post("/pay/code", {"code": "k7qp 2m9x-w4ab"})

    assert answer.status_code == 303
    page = stranger.get(answer.location).text
    assert "109,00" in page
    for hidden in (NAME, STREET, TITLE, NUMBER, CODE):
        assert hidden not in page


def test_by_a_code_only_what_is_due_is_ticked(stranger, town):
    stranger.get("/pay/code")
    page = stranger.get(stranger.post("/pay/code", {"code": CODE}).location).text

    assert re.search(rf'id="pay-{town["first"].id}"[^>]* checked', page)
    assert not re.search(rf'id="pay-{town["second"].id}"[^>]* checked', page)


def test_bad_codes_are_answered_with_one_page(stranger, town, tenant, neighbour):
    with neighbour.session() as session, bound_to(session):
        InstalmentFactory(payer=PayerFactory(), receivable=ReceivableFactory(payment_code="DEBINA00"))
    with tenant.session() as session, bound_to(session):
        InstalmentFactory(
            payer=PayerFactory(), receivable=ReceivableFactory(payment_code="CLOSED00", closed_at=clock.now())
        )
    pages = set()
    for code in ("UNKNOWN0", "CLOSED00", "DEBINA00"):
        stranger.get("/pay/code")
        answer = stranger.post("/pay/code", {"code": code})
        pages.add((answer.status_code, re.sub(r'value="[^"]*"', "", answer.text)))
    assert [status for status, _page in pages] == [422]


def test_few_guesses_from_one_place_and_right_ones_count_there_too(stranger, town):
    for number in range(10):
        stranger.get("/pay/code")
        assert stranger.post("/pay/code", {"code": f"WRONG{number:03}"}).status_code == 422
    assert stranger.post("/pay/code", {"code": CODE}).status_code == 429


def test_many_who_guess_from_everywhere_are_stopped_in_their_gmina_only(app, stranger, browse, town, monkeypatch):
    monkeypatch.setattr(attempts, "network_of", lambda *_args, **_words: str(clock.now().timestamp()))
    monkeypatch.setattr("skarbnik.portal.public.CODES", attempts.Guesses("payment-code", 10, 5, 900))
    statuses = []
    for number in range(6):
        stranger.get("/pay/code")
        statuses.append(stranger.post("/pay/code", {"code": f"WRONG{number:03}"}).status_code)
    assert statuses == [422] * 5 + [429]

    elsewhere = browse("debina")
    elsewhere.get("/pay/code")
    assert elsewhere.post("/pay/code", {"code": "WRONG000"}).status_code == 422


def test_honest_people_do_not_keep_others_out(stranger, town, monkeypatch):
    monkeypatch.setattr(attempts, "network_of", lambda *_args, **_words: str(clock.now().timestamp()))
    monkeypatch.setattr("skarbnik.portal.public.CODES", attempts.Guesses("payment-code", 10, 3, 900))
    for _ in range(6):
        stranger.get("/pay/code")
        assert stranger.post("/pay/code", {"code": CODE}).status_code == 303


def test_a_right_code_at_the_end_of_the_time_leaves_no_count_that_never_ends(lab, stranger, town, monkeypatch):
    client, open_code = redis.Redis.from_url(lab.settings.redis_url), links.open_code

    def slowly(*args, **words):
        for key in client.scan_iter("skarbnik:guesses:*"):
            client.delete(key)
        return open_code(*args, **words)

    monkeypatch.setattr(links, "open_code", slowly)
    stranger.get("/pay/code")
    assert stranger.post("/pay/code", {"code": CODE}).status_code == 303

    assert all(client.ttl(key) > 0 for key in client.scan_iter("skarbnik:guesses:*"))


def test_while_nobody_counts_nobody_guesses(stranger, town, monkeypatch):
    stranger.get("/pay/code")
    dead = redis.Redis(port=1, socket_connect_timeout=0.1)
    monkeypatch.setattr(attempts, "_redis", lambda _url: dead)

    assert stranger.post("/pay/code", {"code": CODE}).status_code == 503


def test_a_code_stands_in_no_log(stranger, town, capsys):
    stranger.get("/pay/code")
    stranger.post("/pay/code", {"code": "WRONGCODE123"})
    stranger.post("/pay/code", {"code": CODE})

    said = capsys.readouterr()
    assert "payment_code.wrong" in said.out + said.err
    assert "WRONGCODE123" not in said.out + said.err
    assert CODE not in said.out + said.err
