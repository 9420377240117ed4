"""A gateway sends back another amount than two people agreed to: what went counts, and a person is told."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from tests.payments.refunding import answered, holds, left_of, lines_of, open_kinds, propose, states

from skarbnik.money import ZERO, Amounts, Money
from skarbnik.payments.models import Capture, Difference
from skarbnik.payments.other_amounts import Room, share_out
from skarbnik.payments.refunds import approve_refund, next_refund_question, propose_refund
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, CaptureState, PaymentOrderState, RefundKind, RefundStage
from skarbnik.payments.suspense import book_capture
from skarbnik.plugin_api import RefundState
from skarbnik.testing.factories import InstalmentFactory, OrderLineFactory, TransactionFactory, report_on

B, R = BookingState, RefundStage


@pytest.fixture
def approved(session, people):
    """`approved(capture, grosze)`: a refund that two people agreed to, and the gateway has."""

    def make(capture, grosze=0, **more):
        refund = propose(session, capture, people[0], grosze, kind=RefundKind.GATEWAY, **more)
        return approve_refund(session, refund.id, by=people[1].id)

    return make


def told(session):
    session.flush()
    rows = session.scalars(select(Difference).where(Difference.closed_at.is_(None))).all()
    for each in rows:
        session.refresh(each)
    return [(each.kind, each.amount and each.amount.grosze) for each in rows]


def test_less_went_than_was_asked_and_that_is_what_counts(session, paid, approved):
    capture = paid()
    refund = approved(capture, 5_000)
    answered(session, refund, RefundState.COMPLETED, amount=Money(3_000))

    assert (refund.state, refund.amount, refund.approved_amount) == (R.COMPLETED, Money(3_000), Money(5_000))
    assert states(session, capture) == [(12_500, B.WAITING), (-3_000, B.WAITING)]
    assert left_of(session, capture) == 3_000
    assert told(session) == [("refund_amount", 3_000)]
    assert refund.answer == "completed 30.00 PLN"
    assert next_refund_question(refund) is None
    assert holds(session)


def test_what_did_not_go_can_be_proposed_anew(session, paid, approved, give_back):
    capture = paid()
    answered(session, approved(capture, 12_500), RefundState.COMPLETED, amount=Money(3_000))
    assert capture.transaction.order.state is PaymentOrderState.PAID

    give_back(capture, 9_500)
    assert (capture.state, capture.transaction.order.state) == (CaptureState.REFUNDED, PaymentOrderState.REFUNDED)
    assert left_of(session, capture) == 12_500
    assert holds(session)


def test_more_went_than_was_asked_and_all_of_it_is_owed_again(session, paid, approved):
    capture = paid()
    refund = approved(capture, 5_000)
    answered(session, refund, RefundState.COMPLETED, amount=Money(12_500))

    assert (refund.amount, refund.approved_amount) == (Money(12_500), Money(5_000))
    assert (capture.state, capture.transaction.order.state) == (CaptureState.REFUNDED, PaymentOrderState.REFUNDED)
    assert left_of(session, capture) == 12_500
    assert told(session) == [("refund_amount", 12_500)]
    assert holds(session)


def test_more_went_than_ever_came_and_the_difference_says_how_much(session, paid, approved):
    capture = paid()
    refund = approved(capture, 5_000)
    answered(session, refund, RefundState.COMPLETED, amount=Money(20_000))

    assert (refund.state, refund.amount) == (R.COMPLETED, Money(12_500))
    assert told(session) == [("refund_amount", 20_000)]
    assert holds(session)


def test_money_on_no_line_goes_before_what_pays_a_debt(session, paid, approved, people):
    capture = paid(Money(13_000))
    book_capture(session, capture.id, user_id=people[0].id)
    answered(session, approved(capture, 1_000, of_rest=500), RefundState.COMPLETED, amount=Money(400))

    assert left_of(session, capture) == 0
    assert states(session, capture) == [(12_500, B.WAITING), (-1_000, B.DROPPED)]
    assert told(session) == [("capture_in_suspense", 100), ("refund_amount", 400)]
    assert holds(session)


def test_what_nobody_decided_about_gives_way_to_what_is_gone(session, paid, approved, people):
    capture = paid()
    refund = approved(capture, 5_000)
    older = propose(session, capture, people[0], 3_500, kind=RefundKind.GATEWAY)
    newer = propose(session, capture, people[0], 4_000, kind=RefundKind.GATEWAY)
    answered(session, refund, RefundState.COMPLETED, amount=Money(9_000))

    assert (refund.amount, older.state, newer.state) == (Money(9_000), R.PROPOSED, R.WITHDRAWN)
    assert open_kinds(session) == ["refund_amount", "refund_proposed"]
    assert holds(session)


def test_what_two_people_agreed_to_or_somebody_saw_go_does_not_give_way(session, paid, approved, people):
    capture = paid()
    refund, other = approved(capture, 5_000), approved(capture, 4_000)
    outside = propose(session, capture, people[0], 3_500)
    answered(session, refund, RefundState.COMPLETED, amount=Money(9_000))

    assert (refund.amount, other.state, outside.state) == (Money(5_000), R.APPROVED, R.PROPOSED)
    assert ("refund_amount", 9_000) in told(session)
    answered(session, other, RefundState.COMPLETED)
    approve_refund(session, outside.id, by=people[1].id)
    assert capture.state is CaptureState.REFUNDED
    assert holds(session)


def test_another_line_of_the_payment_gives_what_the_line_that_was_asked_for_has_not(session, people, approved):
    first = InstalmentFactory(interest=Money(900), costs=Money(1_600))
    second = InstalmentFactory(receivable=first.receivable, number=2)
    transaction = TransactionFactory(started=True, instalment=first, amount=Money(22_500))
    OrderLineFactory(
        order=transaction.order, instalment=second, position=2, payer_id=transaction.order.payer_id,
        creditor_account_id=first.receivable.kind.creditor_account_id,
    )  # fmt: skip
    session.flush()
    session.expire(transaction.order, ["lines"])
    record_report(session, transaction.id, report_on(transaction))
    capture = session.scalars(select(Capture)).one()
    asked = next(line for line in lines_of(session, capture) if line.instalment_id == first.id)
    refund = propose_refund(
        session, capture.id, kind=RefundKind.GATEWAY, lines={asked.id: Money(5_000)}, reason="x", by=people[0].id
    )
    approve_refund(session, refund.id, by=people[1].id)
    answered(session, refund, RefundState.COMPLETED, amount=Money(14_000))

    back = {line.instalment_id: line.amounts for line in lines_of(session, capture) if line.refund_id}
    assert back == {
        first.id: Amounts(Money(-10_000), Money(-900), Money(-1_600)),
        second.id: Amounts(Money(-1_500)),
    }
    assert holds(session)


def test_the_same_answer_again_changes_nothing(session, paid, approved):
    capture = paid()
    refund = approved(capture, 5_000)
    for grosze in (3_000, 3_000, 5_000):
        answered(session, refund, RefundState.COMPLETED, amount=Money(grosze))

    assert (refund.amount, left_of(session, capture)) == (Money(3_000), 3_000)
    assert told(session) == [("refund_amount", 3_000)]


amounts = st.integers(0, 2_000).map(Money)


@given(
    st.integers(1, 20_000).map(Money), amounts, amounts, st.lists(st.tuples(st.uuids(), amounts, amounts), max_size=4)
)
def test_what_went_is_shared_out_to_the_grosz_and_planned_places_come_first(went, planned, free, lines):
    rooms = [Room(None, planned, free), *(Room(UUID(int=place), *each[1:]) for place, each in enumerate(lines))]
    taken = share_out(went, rooms)

    whole = Money.total(each.planned + each.free for each in rooms)
    assert Money.total(taken.values()) == min(went, whole)
    assert all(ZERO <= taken[each.line_id] <= each.planned + each.free for each in rooms)
    beyond = any(taken[each.line_id] > each.planned for each in rooms)
    assert not beyond or all(taken[each.line_id] >= each.planned for each in rooms)
