"""Which state may follow which, over every pair. Captured money is lowered by nothing but a refund."""

from itertools import product

import pytest

from skarbnik.errors import ForbiddenTransition
from skarbnik.payments.models import BookingLine, Capture, PaymentOrder, Refund, Transaction
from skarbnik.payments.states import (
    BOOKING_NEXT,
    CAPTURE_NEXT,
    DEAD_REFUNDS,
    ORDER_NEXT,
    REFUND_NEXT,
    TRANSACTION_NEXT,
    BookingState,
    CaptureState,
    PaymentOrderState,
    RefundStage,
    step,
)
from skarbnik.plugin_api import TransactionState

P, T, C, R, B = PaymentOrderState, TransactionState, CaptureState, RefundStage, BookingState

DRAWN = {
    PaymentOrder: {
        (P.CREATED, P.STARTED), (P.CREATED, P.ABANDONED), (P.CREATED, P.PARTLY_PAID), (P.CREATED, P.PAID),
        (P.CREATED, P.REFUNDED), (P.STARTED, P.REFUNDED), (P.ABANDONED, P.REFUNDED),
        (P.STARTED, P.PARTLY_PAID), (P.STARTED, P.PAID), (P.STARTED, P.ABANDONED),
        (P.ABANDONED, P.STARTED), (P.ABANDONED, P.PARTLY_PAID), (P.ABANDONED, P.PAID),
        (P.PARTLY_PAID, P.PAID), (P.PARTLY_PAID, P.REFUNDED), (P.PAID, P.REFUNDED),
        (P.REFUNDED, P.PARTLY_PAID), (P.REFUNDED, P.PAID),
    },
    Transaction: {
        (T.CREATED, T.UNKNOWN), (T.CREATED, T.PENDING), (T.CREATED, T.COMPLETED), (T.CREATED, T.REJECTED),
        (T.UNKNOWN, T.PENDING), (T.UNKNOWN, T.COMPLETED), (T.UNKNOWN, T.REJECTED),
        (T.PENDING, T.UNKNOWN), (T.PENDING, T.COMPLETED), (T.PENDING, T.REJECTED),
        (T.REJECTED, T.COMPLETED),
    },
    Capture: {(C.ALLOCATED, C.REFUNDED), (C.IN_SUSPENSE, C.ALLOCATED), (C.IN_SUSPENSE, C.REFUNDED)},
    Refund: {
        (R.PROPOSED, R.WITHDRAWN), (R.PROPOSED, R.DECLINED), (R.PROPOSED, R.APPROVED), (R.PROPOSED, R.COMPLETED),
        (R.APPROVED, R.SENT), (R.APPROVED, R.COMPLETED), (R.APPROVED, R.REJECTED),
        (R.SENT, R.COMPLETED), (R.SENT, R.REJECTED),
    },
    BookingLine: {
        (B.PLANNED, B.DROPPED), (B.PLANNED, B.WAITING), (B.PLANNED, B.IN_SUSPENSE), (B.PLANNED, B.REFUSED),
        (B.WAITING, B.SENT), (B.WAITING, B.BOOKED), (B.WAITING, B.REFUNDED), (B.WAITING, B.REFUSED),
        (B.IN_SUSPENSE, B.WAITING), (B.IN_SUSPENSE, B.REFUNDED),
        (B.SENT, B.BOOKED), (B.SENT, B.REFUSED),
        (B.REFUSED, B.WAITING), (B.REFUSED, B.BOOKED), (B.REFUSED, B.REFUNDED),
        (B.REFUNDED, B.BOOKED), (B.REFUNDED, B.WAITING),
    },
}  # fmt: skip
STATES = {PaymentOrder: P, Transaction: T, Capture: C, Refund: R, BookingLine: B}
TABLES = {
    PaymentOrder: ORDER_NEXT,
    Transaction: TRANSACTION_NEXT,
    Capture: CAPTURE_NEXT,
    Refund: REFUND_NEXT,
    BookingLine: BOOKING_NEXT,
}
PAIRS = [(model, *pair) for model, states in STATES.items() for pair in product(states, repeat=2)]


@pytest.mark.parametrize(("model", "current", "to"), PAIRS, ids=lambda value: getattr(value, "__name__", value))
def test_a_state_follows_another_only_where_an_arrow_is_drawn(model, current, to):
    row = model(state=current)
    if current == to or (current, to) in DRAWN[model]:
        row.move_to(to)
        assert row.state is to
    else:
        with pytest.raises(ForbiddenTransition, match=f"{current} cannot become {to}"):
            row.move_to(to)
        assert row.state is current


@pytest.mark.parametrize("model", STATES, ids=lambda model: model.__name__)
def test_every_state_has_a_place_in_its_table(model):
    assert set(TABLES[model]) == set(STATES[model])


def reachable(table, start):
    found, todo = set(), {start}
    while todo:
        found |= todo
        todo = set().union(*(table[state] for state in todo)) - found
    return found - {start}


def test_money_that_came_is_lowered_only_by_a_refund():
    assert ORDER_NEXT[P.PAID] == {P.REFUNDED}
    assert reachable(TRANSACTION_NEXT, T.COMPLETED) == set()
    assert reachable(CAPTURE_NEXT, C.ALLOCATED) == {C.REFUNDED}
    assert reachable(BOOKING_NEXT, B.BOOKED) == set()


def test_a_refund_that_is_done_or_came_to_nothing_stays_so():
    assert all(REFUND_NEXT[state] == set() for state in (R.COMPLETED, *DEAD_REFUNDS))


def test_a_gateway_is_never_asked_for_what_one_person_wants():
    assert {state for state in R if R.SENT in REFUND_NEXT[state]} == {R.APPROVED}


def test_money_may_come_late_for_every_attempt_and_every_order_that_failed():
    assert all(T.COMPLETED in reachable(TRANSACTION_NEXT, state) | {state} for state in T)
    assert all(P.PAID in reachable(ORDER_NEXT, state) for state in set(P) - {P.PAID, P.REFUNDED})


def test_staying_where_one_is_changes_nothing():
    for model, table in TABLES.items():
        for state in STATES[model]:
            assert step(table, state, state) is state
