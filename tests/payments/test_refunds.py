"""Money that goes back: proposed by one, decided by another, never more than came, and once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from tests.payments.refunding import answered, holds, left_of, lines_of, open_kinds, propose, states

from skarbnik import clock
from skarbnik.errors import Forbidden, ForbiddenTransition, Invalid, NotFound
from skarbnik.money import Amounts, Money
from skarbnik.payments.models import BookingLine, Capture, Refund
from skarbnik.payments.refunds import (
    TooMuch,
    approve_refund,
    decline_refund,
    mark_refund_refused,
    propose_refund,
    withdraw_refund,
)
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, PaymentOrderState, RefundKind, RefundStage
from skarbnik.plugin_api import RefundState
from skarbnik.testing.factories import (
    OfficialFactory,
    TransactionFactory,
    bound_to,
    report_on,
)

B, R = BookingState, RefundStage


def test_nothing_moves_while_a_refund_is_only_proposed(session, paid, people):
    capture = paid()
    propose(session, capture, people[0], 5_000, kind=RefundKind.GATEWAY)

    assert states(session, capture) == [(12_500, B.WAITING), (-5_000, B.PLANNED)]
    assert left_of(session, capture) == 0
    assert holds(session)


def test_a_proposal_says_how_much_of_principal_interest_and_costs_goes_back(session, paid, people):
    capture = paid()
    refund = propose(session, capture, people[0], 5_000)

    (line,) = refund.lines
    assert line.amounts == Amounts(Money(-4_000), Money(-360), Money(-640))


@pytest.mark.parametrize("what", [approve_refund, decline_refund])
def test_who_proposed_does_not_decide(session, paid, people, what):
    refund = propose(session, paid(), people[0], 5_000)
    more = {"reason": "nie"} if what is decline_refund else {}
    with pytest.raises(Forbidden):
        what(session, refund.id, by=people[0].id, **more)
    assert refund.state is R.PROPOSED


def test_the_database_wants_four_eyes_too(session, paid, people):
    refund = propose(session, paid(), people[0], 5_000, kind=RefundKind.GATEWAY)
    refund.decided_by, refund.decided_at, refund.state = people[0].id, clock.now(), R.APPROVED
    with pytest.raises(IntegrityError, match="four_eyes"):
        session.flush()


def test_the_database_lets_no_gateway_be_asked_without_a_second_person(session, paid, people):
    refund = propose(session, paid(), people[0], 5_000, kind=RefundKind.GATEWAY)
    refund.state = R.APPROVED
    with pytest.raises(IntegrityError, match="refunds_decided_check"):
        session.flush()


def test_only_who_proposed_withdraws_and_only_before_a_decision(session, paid, people):
    refund = propose(session, paid(), people[0], 5_000, kind=RefundKind.GATEWAY)
    with pytest.raises(Forbidden):
        withdraw_refund(session, refund.id, by=people[1].id)
    approve_refund(session, refund.id, by=people[1].id)
    with pytest.raises(ForbiddenTransition):
        withdraw_refund(session, refund.id, by=people[0].id)


def test_more_than_is_left_of_a_line_is_not_proposed(session, paid, people, give_back):
    capture = paid()
    give_back(capture, 5_000)
    propose(session, capture, people[0], 4_000)
    with pytest.raises(TooMuch):
        propose(session, capture, people[0], 3_501)
    propose(session, capture, people[0], 3_500)


def test_what_came_to_nothing_can_be_proposed_again(session, paid, people):
    capture = paid()
    for end in ("withdrawn", "declined", "rejected"):
        refund = propose(session, capture, people[0], 12_500, kind=RefundKind.GATEWAY)
        if end == "withdrawn":
            withdraw_refund(session, refund.id, by=people[0].id)
        elif end == "declined":
            decline_refund(session, refund.id, by=people[1].id, reason="nie")
        else:
            approve_refund(session, refund.id, by=people[1].id)
            mark_refund_refused(session, refund.id, answer="NO_BALANCE")
    assert [line.state for line in lines_of(session, capture)][1:] == [B.DROPPED] * 3
    assert holds(session)


@pytest.mark.parametrize("wrong", [{"grosze": 0}, {"grosze": -1}, {"grosze": 5, "reason": "  "}])
def test_a_refund_is_of_something_and_has_a_reason(session, paid, people, wrong):
    with pytest.raises(Invalid):
        propose(session, paid(), people[0], **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"happened_on": None},
        {"reference": None},
        {"reference": " "},
        {"happened_on": clock.today() + timedelta(days=2)},
        {"happened_on": clock.today() - timedelta(days=9)},
    ],
)
@pytest.mark.parametrize("kind", [RefundKind.OUTSIDE, RefundKind.CHARGEBACK])
def test_money_that_went_without_us_has_a_day_and_a_reference(session, paid, people, kind, wrong):
    with pytest.raises(Invalid):
        propose(session, paid(), people[0], 100, kind=kind, **wrong)


def test_a_line_of_another_payment_is_not_refunded_here(session, paid, people):
    capture, other = paid(), paid()
    (line,) = lines_of(session, other)
    with pytest.raises(NotFound):
        propose_refund(
            session, capture.id, kind=RefundKind.GATEWAY, lines={line.id: Money(1)}, reason="x", by=people[0].id
        )


def test_a_chargeback_lowers_money_as_a_refund_does(session, paid, give_back):
    capture = paid()
    refund = give_back(capture, 12_500, kind=RefundKind.CHARGEBACK)

    assert (refund.state, capture.transaction.order.state) == (R.COMPLETED, PaymentOrderState.REFUNDED)
    assert refund.went_back_at is not None
    assert clock.local_day(refund.went_back_at) == clock.today()
    assert holds(session)


def test_an_order_whose_money_went_back_is_paid_by_money_that_comes_later(session, paid, give_back):
    capture = paid()
    give_back(capture, 12_500)
    attempt = capture.transaction
    assert attempt.order.state is PaymentOrderState.REFUNDED

    record_report(session, attempt.id, report_on(attempt, "E-LATE"))

    assert attempt.order.state is PaymentOrderState.PAID
    assert holds(session)


@pytest.mark.parametrize("other", [{"amount": Money(4_999)}, {"currency": "EUR"}])
def test_while_another_amount_is_only_on_its_way_nothing_is_counted_and_a_person_is_told(session, paid, people, other):
    capture = paid()
    refund = propose(session, capture, people[0], 5_000, kind=RefundKind.GATEWAY)
    approve_refund(session, refund.id, by=people[1].id)
    answered(session, refund, RefundState.PENDING, **other)

    assert (refund.state, refund.amount) == (R.SENT, Money(5_000))
    assert open_kinds(session) == ["refund_amount"]


@pytest.mark.parametrize("other", [{"amount": Money(0)}, {"amount": Money(-1)}, {"currency": "EUR"}])
def test_what_no_ledger_can_hold_is_never_counted(session, paid, people, other):
    capture = paid()
    refund = propose(session, capture, people[0], 5_000, kind=RefundKind.GATEWAY)
    approve_refund(session, refund.id, by=people[1].id)
    answered(session, refund, RefundState.COMPLETED, **other)

    assert refund.state is R.SENT
    assert open_kinds(session) == ["refund_amount"]
    assert holds(session)


def test_a_refund_that_went_after_a_refusal_is_shown_to_a_person(session, paid, people):
    capture = paid()
    refund = propose(session, capture, people[0], 5_000, kind=RefundKind.GATEWAY)
    approve_refund(session, refund.id, by=people[1].id)
    mark_refund_refused(session, refund.id, answer="NO_BALANCE")
    answered(session, refund, RefundState.COMPLETED)

    assert (refund.state, refund.answer) == (R.REJECTED, "NO_BALANCE")
    assert open_kinds(session) == ["refund_after_all", "refund_refused"]


@pytest.mark.parametrize("of_one_payment", [True, False])
def test_two_refunds_that_the_gateway_took_for_one_are_not_counted_twice(session, paid, people, of_one_payment):
    """One number there is one transfer, whatever it is called here: the second has not gone."""
    first = paid()
    second = first if of_one_payment else paid()
    second.transaction.merchant_account_id = second.merchant_account_id = first.merchant_account_id
    refunds = [propose(session, capture, people[0], 5_000, kind=RefundKind.GATEWAY) for capture in (first, second)]
    for refund in refunds:
        approve_refund(session, refund.id, by=people[1].id)
        answered(session, refund, RefundState.COMPLETED, external_id="R-1")

    assert [(each.state, each.external_id) for each in refunds] == [(R.COMPLETED, "R-1"), (R.APPROVED, None)]
    assert open_kinds(session) == ["refund_twice"]
    assert holds(session)

    answered(session, refunds[1], RefundState.COMPLETED, external_id="R-2")
    assert refunds[1].state is R.COMPLETED
    assert open_kinds(session) == []
    assert holds(session)


def test_two_accounts_may_have_refunds_of_one_number(session, paid, people):
    for capture in (paid(), paid()):
        refund = propose(session, capture, people[0], 5_000, kind=RefundKind.GATEWAY)
        approve_refund(session, refund.id, by=people[1].id)
        assert answered(session, refund, RefundState.COMPLETED, external_id="R-1").state is R.COMPLETED


def test_the_gateways_answer_counts_once_and_in_any_order(session, paid, people):
    capture = paid()
    refund = propose(session, capture, people[0], 5_000, kind=RefundKind.GATEWAY)
    approve_refund(session, refund.id, by=people[1].id)
    for state in (RefundState.COMPLETED, RefundState.PENDING, RefundState.COMPLETED, RefundState.REJECTED):
        answered(session, refund, state)

    assert refund.state is R.COMPLETED
    assert states(session, capture) == [(12_500, B.WAITING), (-5_000, B.WAITING)]
    assert open_kinds(session) == []


def test_a_gateway_that_answers_before_anybody_approved_is_not_believed(session, paid, people):
    capture = paid()
    refund = propose(session, capture, people[0], 5_000, kind=RefundKind.GATEWAY)
    answered(session, refund, RefundState.COMPLETED)
    assert refund.state is R.PROPOSED


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE refunds SET amount = amount + 1",
        "UPDATE booking_lines SET principal = principal - 1 WHERE refund_id IS NOT NULL",
        "UPDATE booking_lines SET principal = -10001, interest = 5001 WHERE refund_id IS NOT NULL",
        "UPDATE booking_lines SET state = 'dropped' WHERE refund_id IS NOT NULL",
    ],
)
def test_the_database_lets_no_more_go_back_than_came(session, paid, people, change):
    propose(session, paid(), people[0], 5_000)
    session.execute(text(change))
    with pytest.raises(IntegrityError, match=r"has refunds of|more goes back"):
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_of_eight_who_propose_at_once_no_more_comes_through_than_there_is(tenant):
    with tenant.session() as session, bound_to(session):
        transaction = TransactionFactory(started=True)
        record_report(session, transaction.id, report_on(transaction))
        capture_id, by = session.scalars(select(Capture.id)).one(), OfficialFactory().id
        line_id = session.scalars(select(BookingLine.id)).one()
    together = Barrier(8, timeout=20)

    def ask(_):
        together.wait()
        try:
            with tenant.session() as session:
                propose_refund(
                    session, capture_id, kind=RefundKind.GATEWAY, lines={line_id: Money(3_000)}, reason="x", by=by
                )
        except TooMuch:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 3
    with tenant.session() as session:
        assert session.scalar(select(func.count()).select_from(Refund)) == 3
