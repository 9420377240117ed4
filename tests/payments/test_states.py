"""Which state may follow which, over every pair. Captured money is lowered by nothing but a refund."""

from itertools import product

import pytest

from skarbnik.errors import ForbiddenTransition
from skarbnik.payments.models import BookingLine, Capture, PaymentOrder, Transaction
from skarbnik.payments.states import (
    BOOKING_NEXT,
    CAPTURE_NEXT,
    ORDER_NEXT,
    TRANSACTION_NEXT,
    BookingState,
    CaptureState,
    PaymentOrderState,
    step,
)
from skarbnik.plugin_api import TransactionState

P, T, C, B = PaymentOrderState, TransactionState, CaptureState, BookingState

DRAWN = {
    PaymentOrder: {
        (P.CREATED, P.STARTED), (P.CREATED, P.ABANDONED), (P.CREATED, P.PARTLY_PAID), (P.CREATED, P.PAID),
        (P.STARTED, P.PARTLY_PAID), (P.STARTED, P.PAID), (P.STARTED, P.ABANDONED),
        (P.ABANDONED, P.STARTED), (P.ABANDONED, P.PARTLY_PAID), (P.ABANDONED, P.PAID),
        (P.PARTLY_PAID, P.PAID), (P.PARTLY_PAID, P.REFUNDED), (P.PAID, P.REFUNDED),
    },
    Transaction: {
        (T.CREATED, T.UNKNOWN), (T.CREATED, T.PENDING), (T.CREATED, T.COMPLETED), (T.CREATED, T.REJECTED),
        (T.UNKNOWN, T.PENDING), (T.UNKNOWN, T.COMPLETED), (T.UNKNOWN, T.REJECTED),
        (T.PENDING, T.UNKNOWN), (T.PENDING, T.COMPLETED), (T.PENDING, T.REJECTED),
        (T.REJECTED, T.COMPLETED),
    },
    Capture: {(C.ALLOCATED, C.REFUNDED), (C.IN_SUSPENSE, C.ALLOCATED), (C.IN_SUSPENSE, C.REFUNDED)},
    BookingLine: {
        (B.WAITING, B.SENT), (B.WAITING, B.BOOKED), (B.WAITING, B.REFUNDED),
        (B.IN_SUSPENSE, B.WAITING), (B.IN_SUSPENSE, B.REFUNDED),
        (B.SENT, B.BOOKED), (B.SENT, B.REFUSED),
        (B.REFUSED, B.WAITING), (B.REFUSED, B.BOOKED), (B.REFUSED, B.REFUNDED),
    },
}  # fmt: skip
STATES = {PaymentOrder: P, Transaction: T, Capture: C, BookingLine: B}
TABLES = {PaymentOrder: ORDER_NEXT, Transaction: TRANSACTION_NEXT, Capture: CAPTURE_NEXT, BookingLine: BOOKING_NEXT}
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
    assert reachable(ORDER_NEXT, P.PAID) == {P.REFUNDED}
    assert reachable(TRANSACTION_NEXT, T.COMPLETED) == set()
    assert reachable(CAPTURE_NEXT, C.ALLOCATED) == {C.REFUNDED}
    assert reachable(BOOKING_NEXT, B.BOOKED) == set()


def test_money_may_come_late_for_every_attempt_and_every_order_that_failed():
    assert all(T.COMPLETED in reachable(TRANSACTION_NEXT, state) | {state} for state in T)
    assert all(P.PAID in reachable(ORDER_NEXT, state) for state in set(P) - {P.PAID, P.REFUNDED})


def test_staying_where_one_is_changes_nothing():
    for model, table in TABLES.items():
        for state in STATES[model]:
            assert step(table, state, state) is state
