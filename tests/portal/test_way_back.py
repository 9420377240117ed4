"""Secrets in addresses: nobody else learns them, and a gateway is told a way back that shows one payment."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from tests.portal.strangers import form_of, order_of

from skarbnik import clock
from skarbnik.db import TenantSession
from skarbnik.errors import NotFound
from skarbnik.payments import links, starting
from skarbnik.payments.models import PaymentLink, Transaction
from skarbnik.payments.services import record_report
from skarbnik.plugin_api import StartedPayment, TransactionState
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    PayerFactory,
    ReceivableFactory,
    UserFactory,
    bound_to,
    report_on,
)

NAME, STREET, TITLE, NUMBER = "Brzęczyszczykiewicz", "Zażółcona 7", "Dom przy ul. Długiej 5", "FN.3120.777.2026"


@pytest.fixture
def town(tenant, open_account):
    """Anna owes two instalments, and made a link for both."""
    with tenant.session() as session, bound_to(session):
        payer = PayerFactory(name=NAME, street=STREET)
        receivable = ReceivableFactory(title=TITLE, number=NUMBER)
        first = InstalmentFactory(payer=payer, receivable=receivable, overdue=True)
        second = InstalmentFactory(receivable=receivable, number=2)
        open_account(session, tenant, receivable.kind.creditor_account)
        user = UserFactory(name="Anna Tajna", acts_for=[payer])
        ids = [first.id, second.id]
        secret = links.make_link(session, payer_id=payer.id, user_id=user.id, instalment_ids=ids)
    return {"user": user, "first": first, "second": second, "secret": secret}


@pytest.fixture
def secret(town):
    return town["secret"]


@pytest.fixture
def anna(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["user"].email, PASSWORD)
    browser.get("/acting")
    return browser


@pytest.fixture
def stranger(browse):
    return browse("lipowo")


def assert_unseen(answer):
    assert answer.headers.get_all("X-Robots-Tag") == ["noindex, nofollow"]
    assert answer.headers.get_all("Referrer-Policy") == ["no-referrer"]
    assert answer.headers.get_all("Cache-Control") == ["no-store"]


@pytest.mark.parametrize("page", ["", "/orders/{number}", "/orders/{number}/go"])
def test_no_search_engine_and_no_other_site_learns_the_address(stranger, secret, town, tenant, page):
    stranger.post(f"/pay/{secret}", form_of(stranger.get(f"/pay/{secret}"), town["first"]))
    answer = stranger.get(f"/pay/{secret}{page}".format(number=order_of(tenant).number))

    assert_unseen(answer)


@pytest.mark.parametrize("page", ["", "/orders/ABCDE-FGHJK", "/nothing/such", "/orders/ABCDE-FGHJK/pay"])
def test_nor_from_a_page_that_says_it_opens_nothing(stranger, page):
    answer = stranger.get(f"/pay/{'0' * 64}{page}")

    assert answer.status_code in {404, 405}
    assert_unseen(answer)


def test_nor_from_one_that_says_to_come_later(limits, stranger, secret):
    for _ in range(70):
        answer = stranger.get(f"/pay/{secret}")
    assert answer.status_code == 429
    assert_unseen(answer)


def test_nor_from_one_that_says_that_nothing_works(stranger, secret, monkeypatch):
    def away(*_args):
        raise OperationalError("", {}, Exception("the database is away"))

    with monkeypatch.context() as broken:
        broken.setattr(links, "open_link", away)
        answer = stranger.get(f"/pay/{secret}")
    assert answer.status_code == 503
    assert_unseen(answer)

    monkeypatch.setattr(TenantSession, "commit", away)
    answer = stranger.get(f"/pay/{secret}")
    assert answer.status_code == 503
    assert_unseen(answer)


def test_the_page_where_codes_are_typed_may_be_found(stranger):
    assert "X-Robots-Tag" not in stranger.get("/pay/code").headers


@pytest.fixture
def asked(monkeypatch):
    """What the gateway is told when somebody pays."""
    requests = []

    class Gateway:
        def start(self, request):
            requests.append(request)
            return StartedPayment("G-1", "https://gateway.example/page")

    monkeypatch.setattr(starting, "open_gateway", lambda tenant, account, version=None: Gateway())
    return requests


def test_a_gateway_is_never_told_the_secret_of_a_link(stranger, secret, town, asked, tenant):
    stranger.post(f"/pay/{secret}", form_of(stranger.get(f"/pay/{secret}"), town["first"]))

    (told,) = asked
    assert secret not in str(told)
    with tenant.session() as session:
        link = session.scalars(select(PaymentLink)).one()
        for word in told.return_url.split("/"):
            with pytest.raises(NotFound):
                links.open_link(session, word)
            assert link.secret_hash != links.hash_secret(word)


def test_who_comes_back_without_a_cookie_sees_the_payment_and_may_do_nothing(
    stranger, secret, town, asked, browse, tenant
):
    form = form_of(stranger.get(f"/pay/{secret}"), town["first"], email="ktos@example.pl")
    stranger.post(f"/pay/{secret}", form)
    back = asked[0].return_url.partition("lipowo.skarbnik.test")[2]

    page = browse("lipowo").get(back)
    number = order_of(tenant).number
    assert page.status_code == 200
    assert number in page.text
    assert "109,00" in page.text
    assert_unseen(page)
    for hidden in (NAME, STREET, TITLE, NUMBER, "Tajna", "ktos@example.pl", secret, 'method="post" action="/pay'):
        assert hidden not in page.text
    word = back.rpartition("/")[2]
    for address in (f"/pay/{word}", f"/pay/{word}/orders/{number}", f"/pay/{word}/orders/{number}/go"):
        assert stranger.get(address).status_code == 404
    assert stranger.post(f"/pay/{word}/orders/{number}/pay", {"rest": "10900"}).status_code == 404
    assert browse("debina").get(back).status_code == 404


def test_who_comes_back_sees_that_it_was_paid_and_only_this_payment(stranger, secret, town, asked, browse, tenant):
    stranger.post(f"/pay/{secret}", form_of(stranger.get(f"/pay/{secret}"), town["first"]))
    stranger.post(f"/pay/{secret}", form_of(stranger.get(f"/pay/{secret}"), town["second"]))
    first, second = (each.return_url.partition("lipowo.skarbnik.test")[2] for each in asked)
    with tenant.session() as session:
        transaction = session.get_one(Transaction, asked[0].transaction_id)
        record_report(session, transaction.id, report_on(transaction))

    assert 'class="tile good"' in stranger.get(first).text
    assert 'class="tile good"' not in stranger.get(second).text
    one, other = first.split("/"), second.split("/")
    for mixed in ("/".join([*one[:-1], other[-1]]), "/".join([*one[:-1], ""]), "/".join([*one[:-1], "ą"])):
        assert stranger.get(mixed).status_code == 404
    with clock.stopped_at(clock.now() + timedelta(days=15)):
        assert stranger.get(first).status_code == 404


def test_nobody_is_asked_to_pay_again_while_the_money_may_be_on_its_way(stranger, secret, town, asked, tenant):
    stranger.post(f"/pay/{secret}", form_of(stranger.get(f"/pay/{secret}"), town["first"]))
    back = asked[0].return_url.partition("lipowo.skarbnik.test")[2]
    assert 'href="/pay/code"' not in stranger.get(back).text

    with tenant.session() as session:
        transaction = session.get_one(Transaction, asked[0].transaction_id)
        record_report(session, transaction.id, report_on(transaction, state=TransactionState.REJECTED))
    assert 'href="/pay/code"' in stranger.get(back).text


def test_the_payment_of_who_signed_in_has_no_such_way_back(anna, town, asked, tenant):
    own = {"i": str(town["second"].id), "p": "10000", "n": "0", "k": "0"}
    anna.post("/payments", own | {"request_key": "6f1c6f7e-7b0d-4a55-9f8e-0c3f3a1d2b4c"})

    number = order_of(tenant).number
    assert asked[0].return_url.endswith(f"/payments/{number}")
    for word in ("None", ""):
        assert anna.get(f"/pay/back/{number}/{word}").status_code == 404
