"""The form a resident sends: what it says is compared with what is owed, and nothing else is believed."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.errors import Conflict
from skarbnik.money import Money
from skarbnik.payments.models import PaymentOrder, Transaction
from skarbnik.payments.services import record_report
from skarbnik.payments.states import PaymentOrderState
from skarbnik.plugin_api import LiabilityRole, TransactionState
from skarbnik.receivables.models import Liability
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    LiabilityFactory,
    MandateFactory,
    PayerFactory,
    UserFactory,
    bound_to,
    report_on,
)


@pytest.fixture
def town(tenant, open_account):
    """Anna owes two instalments, a stranger owes one; PayU does not answer."""
    with tenant.session() as session, bound_to(session):
        anna, stranger = PayerFactory(), PayerFactory()
        user = UserFactory(acts_for=[anna])
        own = InstalmentFactory(payer=anna)
        second = InstalmentFactory(receivable=own.receivable, number=2, overdue=True)
        foreign = InstalmentFactory(payer=stranger, receivable__kind=own.receivable.kind)
        open_account(session, tenant, own.receivable.kind.creditor_account)
        session.flush()
    return {"user": user, "own": own, "second": second, "foreign": foreign, "anna": anna}


@pytest.fixture
def anna(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["user"].email, PASSWORD)
    browser.get("/acting")
    return browser


def form(*instalments, **changes):
    fields = {"request_key": str(uuid4()), "i": [], "p": [], "n": [], "k": []}
    for each in instalments:
        fields["i"].append(str(each.id))
        fields["p"].append(str(each.principal.grosze))
        fields["n"].append(str(each.interest.grosze))
        fields["k"].append(str(each.costs.grosze))
    return fields | changes


def orders(tenant):
    with tenant.session() as session:
        return session.scalars(select(PaymentOrder)).all()


def test_what_was_shown_is_ordered_for_the_payer_acted_for(anna, town, tenant):
    assert anna.post("/payments", form(town["own"], town["second"])).status_code == 303

    (order,) = orders(tenant)
    assert (order.payer_id, order.user_id) == (town["anna"].id, town["user"].id)
    assert order.amount == Money(20_900)


def test_a_double_click_orders_once(anna, town, tenant):
    twice = form(town["own"])

    for _ in range(2):
        anna.post("/payments", twice)
    assert len(orders(tenant)) == 1


@pytest.mark.parametrize("chosen", [["foreign"], ["own", "foreign"]])
def test_somebody_elses_debt_is_not_ordered_through_the_form(anna, town, tenant, chosen):
    answer = anna.post("/payments", form(*(town[name] for name in chosen)))

    assert answer.status_code == 409
    assert str(town["foreign"].id) not in answer.text
    assert orders(tenant) == []


@pytest.mark.parametrize("field", ["p", "n", "k"])
@pytest.mark.parametrize("value", ["1", "0", "10001"])
def test_amounts_changed_by_hand_are_refused(anna, town, tenant, field, value):
    right = form(town["second"])
    if right[field] == [value]:
        value = "77"
    answer = anna.post("/payments", right | {field: [value]})

    assert answer.status_code == 409
    assert "109,00" in answer.text  # the true amount is shown anew
    assert orders(tenant) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"p": ["-1"]},
        {"p": ["1.5"]},
        {"p": ["١٠"]},
        {"p": ["1" * 20]},
        {"p": [""]},
        {"p": []},
        {"p": ["1", "2"]},
        {"i": [], "p": [], "n": [], "k": []},
        {"i": ["nobody"]},
        {"request_key": "x"},
        {"request_key": ""},
    ],
)
def test_a_form_that_makes_no_sense_is_refused(anna, town, tenant, changes):
    assert anna.post("/payments", form(town["own"]) | changes).status_code == 400
    assert orders(tenant) == []


def test_more_lines_than_an_order_may_have_are_refused(anna, town, tenant):
    many = [town["own"]] * 201

    assert anna.post("/payments", form(*many)).status_code == 400
    assert orders(tenant) == []


def test_who_may_only_look_does_not_pay(browse, town, tenant):
    with tenant.session() as session, bound_to(session):
        user = UserFactory()
        MandateFactory(user_id=user.id, payer_id=town["anna"].id, may_pay=False)
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)
    assert browser.get("/receivables").status_code == 200

    assert browser.post("/payments", form(town["own"])).status_code == 403
    assert orders(tenant) == []


def test_a_gateway_that_cannot_be_reached_leaves_an_order_nobody_was_charged_for(anna, town, tenant):
    anna.post("/payments", form(town["own"]))

    (order,) = orders(tenant)
    assert order.state is PaymentOrderState.ABANDONED
    with tenant.session() as session:
        assert session.scalars(select(Transaction.state)).all() == [TransactionState.REJECTED]
    assert anna.get(f"/payments/{order.number}/go").status_code == 303
    assert anna.get(f"/payments/{order.number}").status_code == 200


def test_somebody_elses_order_does_not_exist(anna, town, tenant, browse):
    anna.post("/payments", form(town["own"]))
    (order,) = orders(tenant)
    with tenant.session() as session, bound_to(session):
        other = UserFactory(acts_for=[PayerFactory()])
    browser = browse("lipowo")
    browser.sign_in(other.email, PASSWORD)

    for path in (f"/payments/{order.number}", f"/payments/{order.number}/go"):
        assert browser.get(path).status_code == 404
    browser.get("/acting")
    assert browser.post(f"/payments/{order.number}/pay").status_code == 404


def test_a_debt_one_is_liable_for_in_two_ways_is_owed_once(anna, town, tenant):
    with tenant.session() as session, bound_to(session):
        LiabilityFactory(
            receivable_id=town["own"].receivable_id, payer_id=town["anna"].id, role=LiabilityRole.GUARANTOR
        )

    page = anna.get("/receivables").text
    assert page.count(f'value="{town["own"].id}"') == 1
    assert "209,00" in page
    assert anna.post("/payments", form(town["own"])).status_code == 303


def test_the_form_sent_again_while_the_money_is_being_clarified_asks_for_no_more(anna, town, tenant):
    fields = form(town["own"])
    anna.post("/payments", fields)
    with tenant.session() as session:
        transaction = session.scalars(select(Transaction)).one()
        record_report(session, transaction.id, report_on(transaction, "EXT-1", Money(9_999)))
    (order,) = orders(tenant)

    answer = anna.post("/payments", fields)

    assert (answer.status_code, answer.location) == (303, f"/payments/{order.number}")
    with tenant.session() as session:
        assert len(session.scalars(select(Transaction)).all()) == 1


def test_who_is_no_longer_liable_does_not_see_what_happens_to_the_debt(anna, town, tenant):
    address = f"/receivables/{town['own'].receivable_id}"
    assert anna.get(address).status_code == 200
    with tenant.session() as session:
        for liability in session.scalars(select(Liability).where(Liability.payer_id == town["anna"].id)):
            liability.closed_at = clock.now()

    assert anna.get(address).status_code == 404


def test_a_merchant_account_does_not_silently_stay_with_another_bank_account(tenant, town, open_account):
    with tenant.session() as session, bound_to(session), pytest.raises(Conflict):
        open_account(session, tenant)


def test_a_button_of_before_a_part_came_in_does_not_pay_the_next_part(anna, town, tenant):
    """Who paid the first part and goes back to a page of before is shown what is left, and sent nowhere."""
    anna.post("/payments", form(town["own"]))
    (order,) = orders(tenant)

    old = anna.post(f"/payments/{order.number}/pay", {"rest": "1"})

    assert (old.status_code, old.location) == (303, f"/payments/{order.number}")
    assert "W międzyczasie wpłynęła część" in anna.get(old.location).text
