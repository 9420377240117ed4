"""Refunds in the browsers of two officials: four eyes, limits, who may what, and what the page says."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.audit.models import AuditEntry
from skarbnik.money import Money
from skarbnik.office import queries
from skarbnik.payers.models import Payer
from skarbnik.payments.models import BookingLine, Capture, Difference, PaymentOrder, Refund
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, CaptureState, PaymentOrderState, RefundKind, RefundStage
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import TransactionFactory, bound_to, report_on
from skarbnik_payu.gateway import PayuGateway


@pytest.fixture
def paid(tenant):
    """`paid()`: a payment of 100,00 zł that came; `paid(amount=…)` is of another amount than was ordered."""

    def make(where=tenant, **report):
        with where.session() as session, bound_to(session):
            transaction = TransactionFactory(started=True)
            record_report(session, transaction.id, report_on(transaction, f"E-{transaction.id}", **report))
            return session.scalars(select(Capture).where(Capture.transaction_id == transaction.id)).one()

    return make


@pytest.fixture
def address(tenant):
    """`address(capture)`: the page of its payment."""

    def of(capture):
        with tenant.session() as session:
            number = session.scalar(
                select(PaymentOrder.number).where(PaymentOrder.transactions.any(id=capture.transaction_id))
            )
        return f"/office/payments/{number}"

    return of


def field_of(tenant, capture):
    with tenant.session() as session:
        line = session.scalars(
            select(BookingLine).where(BookingLine.capture_id == capture.id, BookingLine.refund_id.is_(None))
        ).one()
    return f"line_{line.id.hex}"


def words(**more):
    return {"kind": "gateway", "reason": "Zapłacone dwa razy"} | more


@pytest.fixture
def propose(tenant, address):
    """`propose(browser, capture, **fields)`: fill the form and send it; the answer."""

    def send(browser, capture, **more):
        path = f"{address(capture)}/captures/{capture.id}/refund"
        browser.get(path)
        return browser.post(path, words(**more))

    return send


def refunds(tenant):
    with tenant.session() as session:
        return session.scalars(select(Refund).order_by(Refund.requested_at)).all()


def acts(tenant):
    with tenant.session() as session:
        rows = session.scalars(
            select(AuditEntry.action).where(AuditEntry.action.like("refund.%")).order_by(AuditEntry.id)
        )
        return [each for each in rows if each != "refund.viewed"]


def test_one_proposes_and_another_approves(official, paid, tenant, propose, lab):
    capture, first, second = paid(), official(), official()
    answer = propose(first, capture, **{field_of(tenant, capture): "40,00 zł"})
    assert answer.status_code == 303
    page = answer.location

    assert "/approve" not in first.get(page).text
    assert "/withdraw" in first.text
    assert "/approve" in second.get(page).text
    assert second.post(f"{page}/approve").status_code == 303

    (refund,) = refunds(tenant)
    assert (refund.state, refund.amount, refund.kind) == (RefundStage.APPROVED, Money(4_000), RefundKind.GATEWAY)
    assert refund.decided_by not in {None, refund.requested_by}
    assert acts(tenant) == ["refund.proposed", "refund.approved"]
    with lab.as_admin() as connection:
        rung = connection.execute("SELECT subject_id FROM work.outbox WHERE topic = 'payments.refund'").fetchall()
    assert rung == [(refund.id,)]


def test_who_proposed_cannot_approve_or_decline_not_even_by_hand(official, paid, tenant, propose):
    capture, first = paid(), official()
    page = propose(first, capture, **{field_of(tenant, capture): "40"}).location
    first.get(page)

    assert first.post(f"{page}/approve").status_code == 403
    assert first.post(f"{page}/decline", {"reason": "nie"}).status_code == 403
    assert refunds(tenant)[0].state is RefundStage.PROPOSED


def test_only_who_proposed_withdraws(official, paid, tenant, propose):
    capture, first, second = paid(), official(), official()
    page = propose(first, capture, **{field_of(tenant, capture): "40"}).location
    second.get(page)
    assert second.post(f"{page}/withdraw").status_code == 403

    first.get(page)
    assert first.post(f"{page}/withdraw").status_code == 303
    assert refunds(tenant)[0].state is RefundStage.WITHDRAWN


def test_who_declines_says_why_and_the_other_reads_it(official, paid, tenant, propose):
    capture, first, second = paid(), official(), official(Role.ADMINISTRATOR)
    page = propose(first, capture, **{field_of(tenant, capture): "40"}).location
    second.get(page)
    assert second.post(f"{page}/decline", {"reason": " "}).status_code == 422
    assert second.post(f"{page}/decline", {"reason": "To nie ta wpłata"}).status_code == 303

    assert "To nie ta wpłata" in first.get(page).text
    (refund,) = refunds(tenant)
    assert refund.state is RefundStage.DECLINED
    with tenant.session() as session:
        assert session.scalars(select(BookingLine.state).where(BookingLine.refund_id == refund.id)).all() == [
            BookingState.DROPPED
        ]


def test_a_decision_that_was_taken_stays(official, paid, tenant, propose):
    capture, first, second, third = paid(), official(), official(), official()
    page = propose(first, capture, **{field_of(tenant, capture): "40"}).location
    for browser in (second, third):
        browser.get(page)
    second.post(f"{page}/decline", {"reason": "nie"})

    assert third.post(f"{page}/approve").status_code == 303
    assert refunds(tenant)[0].state is RefundStage.DECLINED


@pytest.mark.parametrize(
    "wrong",
    [
        {"line": "100,01"},
        {"line": ""},
        {"line": "0"},
        {"line": "-5"},
        {"line": "1,234"},
        {"line": "dużo"},
        {"line": "9" * 30},
        {"reason": " "},
        {"reason": "x" * 201},
        {"kind": "magic"},
        {"kind": "outside"},
        {"kind": "outside", "reference": "WB 1"},
        {"kind": "outside", "happened_on": "", "reference": "WB 1"},
        {"kind": "outside", "happened_on": "yesterday", "reference": "WB 1"},
        {"kind": "chargeback", "happened_on": "2020-01-01", "reference": "WB 1"},
        {"kind": "outside", "happened_on": str(clock.today() + timedelta(days=2)), "reference": "WB 1"},
        {"kind": "outside", "happened_on": str(clock.today()), "reference": " "},
        {"kind": "outside", "happened_on": str(clock.today()), "reference": "x" * 81},
    ],
    ids=str,
)
def test_a_form_that_cannot_be_meant_is_shown_again_and_nothing_is_proposed(official, paid, tenant, propose, wrong):
    capture, browser = paid(), official()
    more = {field_of(tenant, capture): "40"} | {
        field_of(tenant, capture) if name == "line" else name: value for name, value in wrong.items()
    }

    answer = propose(browser, capture, **more)

    assert answer.status_code == 422
    assert 'id="errors"' in answer.text
    assert refunds(tenant) == []


def test_the_form_offers_what_is_left_and_no_more(official, paid, tenant, propose, address):
    capture, browser = paid(), official()
    name = field_of(tenant, capture)
    form = f"{address(capture)}/captures/{capture.id}/refund"
    assert f'name="{name}" type="text" value="100,00"' in browser.get(form).text
    propose(browser, capture, **{name: "40"})
    assert f'name="{name}" type="text" value="60,00"' in browser.get(form).text
    assert propose(browser, capture, **{name: "60,01"}).status_code == 422
    assert propose(browser, capture, **{name: "60"}).status_code == 303

    assert browser.get(form).status_code == 409
    assert f"{capture.id}/refund" not in browser.get(address(capture)).text


def test_money_given_back_by_transfer_is_recorded_by_two(official, paid, tenant, propose, address):
    capture, first, second = paid(), official(), official(Role.ADMINISTRATOR)
    answer = propose(
        first, capture, kind="outside", happened_on=str(clock.today()), reference="WB 12/2026",
        **{field_of(tenant, capture): "100"},
    )  # fmt: skip
    second.get(answer.location)
    assert "WB 12/2026" in second.text
    second.post(f"{answer.location}/approve")

    (refund,) = refunds(tenant)
    assert (refund.state, refund.reference) == (RefundStage.COMPLETED, "WB 12/2026")
    with tenant.session() as session:
        assert session.scalars(select(PaymentOrder.state)).all() == [PaymentOrderState.REFUNDED]
        assert set(session.scalars(select(BookingLine.state))) == {BookingState.REFUNDED}
        assert session.scalars(select(Difference).where(Difference.closed_at.is_(None))).all() == []


def test_a_proposal_waits_in_the_queue_until_it_is_decided(official, paid, tenant, propose):
    capture, first, second = paid(), official(), official()
    page = propose(first, capture, **{field_of(tenant, capture): "40"}).location
    with tenant.session() as session:
        assert session.scalars(select(Difference.kind).where(Difference.closed_at.is_(None))).all() == [
            "refund_proposed"
        ]
    assert second.get("/office/differences").status_code == 200
    second.get(page)
    second.post(f"{page}/approve")

    with tenant.session() as session:
        (found,) = session.scalars(select(Difference))
        assert (found.resolution, found.closed_by) == ("approved", refunds(tenant)[0].decided_by)


ROUTES = [
    ("GET", "/captures/{capture}/refund", {Role.ACCOUNTANT}),
    ("POST", "/captures/{capture}/refund", {Role.ACCOUNTANT}),
    ("POST", "/captures/{capture}/book", {Role.ACCOUNTANT}),
    ("POST", "/bookings/{line}/release", {Role.ACCOUNTANT}),
    ("GET", "/refunds/{refund}", {Role.ACCOUNTANT, Role.ADMINISTRATOR, Role.AUDITOR}),
    ("POST", "/refunds/{refund}/approve", {Role.ACCOUNTANT, Role.ADMINISTRATOR}),
    ("POST", "/refunds/{refund}/decline", {Role.ACCOUNTANT, Role.ADMINISTRATOR}),
    ("POST", "/refunds/{refund}/withdraw", {Role.ACCOUNTANT}),
    ("POST", "/refunds/{refund}/ask", {Role.ACCOUNTANT}),
    ("POST", "/refunds/{refund}/seen", {Role.ACCOUNTANT}),
    ("GET", "", {Role.ACCOUNTANT, Role.ADMINISTRATOR, Role.AUDITOR}),
]


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_what_it_is_for_and_nothing_else(official, paid, tenant, propose, address, role):
    capture = paid()
    page = propose(official(), capture, **{field_of(tenant, capture): "40"}).location
    line = UUID(field_of(tenant, capture).removeprefix("line_"))
    refund = page.rpartition("/")[2]
    browser = official(role)
    for method, path, roles in ROUTES:
        browser.token()
        where = address(capture) + path.format(capture=capture.id, line=line, refund=refund)
        answer = browser.get(where) if method == "GET" else browser.post(where, {"csrf_token": "none"}, token=False)
        # somebody who may is asked for a right form; for the others there is no such page
        assert (answer.status_code != 404) == (role in roles), (method, path, answer.status_code)
    assert refunds(tenant)[0].state is RefundStage.PROPOSED


def test_a_form_that_is_not_ours_decides_nothing(official, paid, tenant, propose):
    capture, first, second = paid(), official(), official()
    page = propose(first, capture, **{field_of(tenant, capture): "40"}).location
    second.get(page)
    for what in ("approve", "decline", "withdraw", "ask", "seen"):
        assert second.post(f"{page}/{what}", {"reason": "x"}, token=False).status_code in {400, 422}
    assert refunds(tenant)[0].state is RefundStage.PROPOSED


def test_a_refund_of_another_gmina_or_of_another_payment_does_not_exist(
    official, paid, tenant, neighbour, propose, address
):
    capture, other = paid(), paid()
    page = propose(official(), capture, **{field_of(tenant, capture): "40"}).location
    refund = page.rpartition("/")[2]
    mine, theirs = official(), official()
    mine.get(page)

    assert mine.get(f"{address(other)}/refunds/{refund}").status_code == 404
    assert mine.post(f"{address(other)}/refunds/{refund}/approve").status_code == 404
    assert mine.get(f"{address(other)}/captures/{capture.id}/refund").status_code == 404
    assert mine.post(f"{address(other)}/captures/{capture.id}/book").status_code == 404
    theirs.base = "https://debina.skarbnik.test"
    assert theirs.get(page).status_code in {303, 404}
    assert theirs.post(f"{page}/approve").status_code in {303, 400, 404}
    assert refunds(tenant)[0].state is RefundStage.PROPOSED


def test_too_much_money_is_booked_as_far_as_it_goes_and_the_rest_goes_back(official, paid, tenant, propose, address):
    capture, first, second = paid(amount=Money(10_500)), official(), official()
    page = first.get(address(capture)).text
    assert "/book" in page
    assert first.post(f"{address(capture)}/captures/{capture.id}/book").status_code == 303
    with tenant.session() as session:
        assert session.get_one(Capture, capture.id).state is CaptureState.ALLOCATED
        (found,) = session.scalars(select(Difference))
        assert (found.closed_at, found.amount) == (None, Money(500))
    assert first.post(f"{address(capture)}/captures/{capture.id}/book").status_code == 409

    answer = propose(
        first, capture, kind="outside", happened_on=str(clock.today()), reference="WB 1",
        on_no_line="5", **{field_of(tenant, capture): ""},
    )  # fmt: skip
    second.get(answer.location)
    second.post(f"{answer.location}/approve")

    with tenant.session() as session:
        differences = session.scalars(select(Difference).order_by(Difference.opened_at)).all()
        assert [each.resolution for each in differences] == ["refunded", "approved"]
        assert session.scalars(select(PaymentOrder.state)).one() is PaymentOrderState.PAID


@pytest.mark.parametrize("wrong", [{"currency": "EUR"}, {"merchant": "999999"}])
def test_money_of_another_currency_or_account_can_only_go_back(official, paid, address, wrong):
    capture, browser = paid(**wrong), official()
    page = browser.get(address(capture)).text

    assert "/book" not in page
    assert f"/captures/{capture.id}/refund" in page
    assert browser.post(f"{address(capture)}/captures/{capture.id}/book").status_code == 409


def test_money_of_another_currency_is_never_written_as_zlote(official, paid, tenant, propose, address):
    capture, first, second = paid(currency="EUR", amount=Money(1_200)), official(), official()
    told = {"kind": "outside", "happened_on": str(clock.today()), "reference": "WB 1", "on_no_line": "12"}
    page = propose(first, capture, **told).location
    second.get(page)
    second.post(f"{page}/approve")

    for path in (page, address(capture)):
        shown = second.get(path).text
        assert "12,00\u00a0EUR" in shown
        assert "12,00\u00a0zł" not in shown.replace("100,00\u00a0zł", "")


def test_a_gateway_that_cannot_refund_is_not_offered(official, paid, address, tenant, monkeypatch):
    capture, browser = paid(), official()
    form = f"{address(capture)}/captures/{capture.id}/refund"
    assert 'value="gateway"' in browser.get(form).text
    monkeypatch.setattr(PayuGateway, "capabilities", frozenset())

    assert 'value="gateway"' not in browser.get(form).text
    assert browser.post(form, words(**{field_of(tenant, capture): "40"})).status_code == 422


def test_what_a_gateway_sent_is_shown_as_text_and_who_looked_is_remembered(official, tenant, app, pay, notify):
    account = pay(tenant)
    address = f"https://lipowo.skarbnik.test/hooks/payments/payu/{account.hook_secret}"
    notify(app.test_client(), "lipowo", account, buyer="<script>alert(1)</script>", notifyUrl=address)
    browser = official(Role.AUDITOR)
    with tenant.session() as session:
        number = session.scalars(select(PaymentOrder.number)).one()
    link = re.search(
        r'href="(/office/payments/[^"]+/notifications/[^"]+)"', browser.get(f"/office/payments/{number}").text
    )

    text = browser.get(link[1]).text

    assert "&lt;script&gt;alert(1)" in text
    assert "/hooks/payments/payu/…" in text
    assert account.hook_secret not in text
    with tenant.session() as session:
        assert session.scalars(select(AuditEntry.action).where(AuditEntry.action == "notification.viewed")).all()


def test_payments_are_found_by_state_number_payer_gateway_and_day(official, paid, tenant):
    captures = [paid(), paid(amount=Money(1))]
    browser = official(Role.AUDITOR)
    with tenant.session() as session:
        orders = {order.state: order for order in session.scalars(select(PaymentOrder))}
        one = orders[PaymentOrderState.PAID]
        other = orders[PaymentOrderState.STARTED]
        payer = session.execute(select(PaymentOrder.payer_id).where(PaymentOrder.id == one.id)).scalar_one()
        name = session.get_one(Payer, payer).name
    assert len(captures) == 2
    today, tomorrow = clock.today(), clock.today() + timedelta(days=1)

    def found(query):
        text = browser.get(f"/office/payments?{query}").text
        return one.number in text, other.number in text

    assert found("") == (True, True)
    assert found("state=paid") == (True, False)
    assert found(f"number={one.number.lower()}") == (True, False)
    assert found(f"payer={name[-6:]}") == (True, False)
    assert found("payer=%25") == (False, False)
    assert found("gateway=payu") == (True, True)
    assert found("gateway=nobody") == (True, True)
    assert found(f"from={today}&until={today}") == (True, True)
    assert found(f"from={tomorrow}") == (False, False)
    assert found(f"until={today - timedelta(days=1)}") == (False, False)
    assert found("from=x&until=y&state=z") == (True, True)


def test_the_next_page_of_payments_keeps_what_was_asked_for(official, tenant, monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 2)
    with tenant.session() as session, bound_to(session):
        for _ in range(5):
            TransactionFactory(started=True)
    browser = official(Role.AUDITOR)
    path, seen = "/office/payments?state=started&from=2020-01-01", []
    while path:
        page = browser.get(path).text
        seen += re.findall(r'href="/office/payments/([^"?]+)"', page)
        link = re.search(r'href="(/office/payments\?[^"]*before=[^"]*)"', page)
        path = link and link[1].replace("&amp;", "&")
        assert path is None or ("state=started" in path and "from=2020-01-01" in path)

    assert len(seen) == len(set(seen)) == 5
