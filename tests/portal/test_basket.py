"""The page where amounts are checked: how much is paid may be typed, and nothing that was typed is lost."""

import re
from datetime import timedelta
from html import unescape
from io import BytesIO
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from skarbnik import clock
from skarbnik.accounts.models import WebSession
from skarbnik.money import Amounts, Money
from skarbnik.payments.models import MerchantAccount, OrderLine, PaymentOrder
from skarbnik.payments.states import CommissionPayer
from skarbnik.receivables.models import Receivable
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    KindFactory,
    PayerFactory,
    ReceivableFactory,
    UserFactory,
    bound_to,
)


@pytest.fixture
def town(tenant, open_account):
    """Anna owes 109,00 of a tax that may be paid in parts, and 100,00 of a fee that may not."""
    with tenant.session() as session, bound_to(session):
        anna = PayerFactory()
        tax = KindFactory(in_parts=True, resolution="XII/123/2025")
        fee = KindFactory(creditor_account=tax.creditor_account)
        parts = InstalmentFactory(payer=anna, receivable=ReceivableFactory(kind=tax), overdue=True)
        whole = InstalmentFactory(payer=anna, receivable=ReceivableFactory(kind=fee))
        open_account(session, tenant, tax.creditor_account)
        user = UserFactory(acts_for=[anna])
    return {"user": user, "parts": parts, "whole": whole}


@pytest.fixture
def anna(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["user"].email, PASSWORD)
    browser.get("/acting")
    return browser


def fields(page):
    """The inputs of the page by name."""
    found = {}
    for tag in re.findall(r"<input\b[^>]*>", page.text):
        words = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if "name" in words:
            found.setdefault(words["name"], []).append(unescape(words.get("value", "")))
    return found


def form_of(page, **changes):
    """What a browser sends of the first form of the page."""
    found = fields(page)
    kept = {name: found[name] for name in found if name in {"i", "p", "n", "k", "c"} or name.startswith("a-")}
    return kept | {"request_key": found["request_key"][0]} | changes


def orders(tenant):
    with tenant.session() as session:
        return session.scalars(select(PaymentOrder)).all()


def lines(tenant):
    with tenant.session() as session:
        return session.scalars(select(OrderLine)).all()


def test_only_a_kind_that_allows_it_has_a_field_for_the_amount(anna, town):
    page = anna.get(f"/payments/new?i={town['parts'].id}&i={town['whole'].id}")

    assert fields(page)[f"a-{town['parts'].id}"] == ["109,00"]
    assert f"a-{town['whole'].id}" not in fields(page)


def test_counting_anew_puts_the_amounts_into_the_address_and_shows_their_parts(anna, town):
    name = f"a-{town['parts'].id}"
    page = anna.get(f"/payments/new?i={town['parts'].id}")
    answer = anna.post("/payments/new", form_of(page, **{name: "50,25"}))

    assert answer.status_code == 303
    address = urlsplit(answer.location)
    assert parse_qs(address.query) == {"i": [str(town["parts"].id)], name: ["50,25"]}
    counted = anna.get(answer.location)
    assert fields(counted)["c"] == ["5025"]
    assert fields(counted)[name] == ["50,25"]
    for part in ("46,10", "4,15", "58,75"):  # principal, interest, left
        assert part in counted.text


@pytest.mark.parametrize("typed", ["0", "-5", "abc", "12,345", "", "109,01", "0,99", "1.234,56", "<b>", "1" * 30])
def test_what_cannot_be_paid_is_said_beside_the_field_and_stays_typed(anna, town, tenant, typed):
    name = f"a-{town['parts'].id}"
    page = anna.get("/payments/new", query_string={"i": str(town["parts"].id), name: typed})

    assert page.status_code == 200
    assert fields(page)[name] == [typed]
    assert f'id="e-{town["parts"].id}"' in page.text
    assert 'role="alert"' in page.text
    sent = anna.post("/payments", form_of(page))
    assert sent.status_code == 422
    assert fields(sent)[name] == [typed]
    assert orders(tenant) == []


def test_an_amount_that_was_not_counted_yet_is_not_paid_before_it_was_seen(anna, town, tenant):
    name = f"a-{town['parts'].id}"
    page = anna.get(f"/payments/new?i={town['parts'].id}")
    answer = anna.post("/payments", form_of(page, **{name: "50,25"}))

    assert answer.status_code == 303
    assert answer.location.startswith("/payments/new?")
    assert orders(tenant) == []


def test_the_part_that_was_seen_is_ordered(anna, town, tenant):
    page = anna.get(f"/payments/new?i={town['parts'].id}&i={town['whole'].id}&a-{town['parts'].id}=50,25")
    assert anna.post("/payments", form_of(page)).status_code == 303

    by_instalment = {line.instalment_id: line for line in lines(tenant)}
    assert by_instalment[town["parts"].id].amounts == Amounts(Money(4_610), Money(415))
    assert by_instalment[town["whole"].id].amounts == Amounts(Money(10_000))
    assert [each.is_part for each in (by_instalment[town["parts"].id], by_instalment[town["whole"].id])] == [
        True,
        False,
    ]


@pytest.mark.parametrize("paid", ["1", "99", "10901", "-5", "x", "1" * 20])
def test_a_part_written_into_the_form_by_hand_is_refused(anna, town, tenant, paid):
    page = anna.get(f"/payments/new?i={town['parts'].id}")
    sent = {name: value for name, value in form_of(page, c=paid).items() if not name.startswith("a-")}

    assert anna.post("/payments", sent).status_code in {400, 409}
    assert orders(tenant) == []


def test_a_part_of_what_takes_none_is_refused(anna, town, tenant):
    page = anna.get(f"/payments/new?i={town['whole'].id}&a-{town['whole'].id}=50")
    assert fields(page)["c"] == ["10000"]

    sent = form_of(page, **{"c": "5000", f"a-{town['whole'].id}": "50"})
    assert anna.post("/payments", sent).status_code == 409
    assert orders(tenant) == []


def test_after_a_change_of_the_debt_the_page_comes_anew_with_what_was_typed(anna, town, tenant):
    page = anna.get(f"/payments/new?i={town['parts'].id}&a-{town['parts'].id}=50,25")
    with tenant.session() as session:
        session.get_one(type(town["parts"]), town["parts"].id).interest = Money(1_000)

    answer = anna.post("/payments", form_of(page))
    assert answer.status_code == 409
    assert fields(answer)[f"a-{town['parts'].id}"] == ["50,25"]
    assert orders(tenant) == []


def test_a_transfer_order_is_of_the_part(anna, town):
    page = anna.get(f"/payments/new?i={town['parts'].id}&a-{town['parts'].id}=50,25")
    (address,) = {unescape(each) for each in re.findall(r'href="(/transfer-orders\?[^"]+)"', page.text)}
    text = PdfReader(BytesIO(anna.get(address).data)).pages[0].extract_text()

    assert "50,25" in text
    assert "109,00" not in text


def test_a_transfer_order_of_a_part_that_cannot_be_paid_asks_again(anna, town):
    answer = anna.get(f"/transfer-orders?i={town['parts'].id}&a-{town['parts'].id}=12,345")

    assert (answer.status_code, urlsplit(answer.location).path) == (303, "/payments/new")
    assert parse_qs(urlsplit(answer.location).query)[f"a-{town['parts'].id}"] == ["12,345"]


def test_an_order_of_a_part_that_lasted_overnight_is_printed_with_its_part(anna, town, tenant):
    page = anna.get(f"/payments/new?i={town['parts'].id}&a-{town['parts'].id}=50,25")
    anna.post("/payments", form_of(page))
    (order,) = orders(tenant)
    with tenant.session() as session:
        session.get_one(PaymentOrder, order.id).ordered_on -= timedelta(days=1)

    assert f"a-{town['parts'].id}=50,25" in unescape(anna.get(f"/payments/{order.number}").text)


def test_the_older_arrears_are_added_without_losing_the_amount(anna, town, tenant):
    with tenant.session() as session, bound_to(session):
        receivable = session.get_one(Receivable, town["parts"].receivable_id)
        newer = InstalmentFactory(receivable=receivable, number=2, due_on=clock.today())
    page = anna.get(f"/payments/new?i={newer.id}&a-{newer.id}=20")

    (address,) = (unescape(each) for each in re.findall(r'href="(/payments/new\?[^"]+)"', page.text))
    assert parse_qs(urlsplit(address).query) == {
        "i": [str(town["parts"].id), str(newer.id)],
        f"a-{newer.id}": ["20,00"],
    }


def test_a_session_that_ended_comes_back_to_the_same_amounts(anna, town, tenant):
    name = f"a-{town['parts'].id}"
    page = anna.get(f"/payments/new?i={town['parts'].id}&{name}=50,25")
    with tenant.session() as session:
        for each in session.scalars(select(WebSession)):
            each.expires_at = clock.now() - timedelta(minutes=1)
    door = anna.post("/payments", form_of(page))
    assert door.status_code == 401

    kept = fields(door)["kept"][0]
    back = anna.post("/sign-in", {"email": town["user"].email, "password": PASSWORD, "next": "", "kept": kept})
    assert parse_qs(urlsplit(back.location).query) == {"i": [str(town["parts"].id)], name: ["50,25"]}


def test_the_resolution_of_the_council_is_named(anna, town):
    assert "XII/123/2025" in anna.get(f"/payments/new?i={town['parts'].id}").text
    assert "XII/123/2025" in anna.get(f"/receivables/{town['parts'].receivable_id}").text
    assert "XII/123/2025" not in anna.get(f"/receivables/{town['whole'].receivable_id}").text


def test_a_commission_the_payer_bears_is_shown_before_paying(anna, town, tenant):
    assert "0,99" not in anna.get(f"/payments/new?i={town['whole'].id}").text
    with tenant.session() as session:
        account = session.scalars(select(MerchantAccount)).one()
        account.commission_payer, account.commission_rate = CommissionPayer.PAYER, 99
        account.commission_fixed = Money(5)

    assert "1,04\u00a0zł" in anna.get(f"/payments/new?i={town['whole'].id}").text
    assert "0,55\u00a0zł" in anna.get(f"/payments/new?i={town['parts'].id}&a-{town['parts'].id}=50,25").text


def test_the_gateway_is_asked_for_what_was_ordered_without_the_commission(anna, town, tenant):
    with tenant.session() as session:
        account = session.scalars(select(MerchantAccount)).one()
        account.commission_payer, account.commission_rate = CommissionPayer.PAYER, 99
    anna.post("/payments", form_of(anna.get(f"/payments/new?i={town['whole'].id}")))

    (order,) = orders(tenant)
    assert order.amount == Money(10_000)
    with tenant.session() as session:
        assert [each.amount for each in session.get_one(PaymentOrder, order.id).transactions] == [Money(10_000)]


def test_more_instalments_than_an_order_holds_are_not_looked_at(anna, town):
    many = "&".join(f"i={uuid4()}" for _ in range(300))
    assert anna.get(f"/payments/new?{many}&i={town['parts'].id}").status_code == 303
