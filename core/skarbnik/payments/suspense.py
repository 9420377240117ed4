"""Money that does not fit its order, put right by an official."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from skarbnik.db import TenantSession
from skarbnik.errors import Conflict
from skarbnik.money import ZERO, Amounts, Money
from skarbnik.payments.models import Capture, OrderLine
from skarbnik.payments.ordering import lines_of, lock_order
from skarbnik.payments.queries import left_on_no_line, on_no_line
from skarbnik.payments.refunds import lock_capture
from skarbnik.payments.services import allocate, close_difference, lower_difference
from skarbnik.payments.states import CaptureState
from skarbnik.receivables.parts import divide


def is_bookable(capture: Capture) -> bool:
    """Whether it can be put on lines: of another amount than was ordered, and not on its way back."""
    fits = capture.state is CaptureState.IN_SUSPENSE and capture.reason == "amount"
    return fits and left_on_no_line(capture) > ZERO


def book_capture(session: TenantSession, capture_id: UUID, *, user_id: UUID) -> Capture:
    """Put money of another amount than was ordered on the lines of its order, as far as it goes.

    What came above them stays in suspense, and is to go back. Conflict for money in another currency or for another
    merchant, which can only go back, and where all of it is on its way back already.
    """
    capture = lock_capture(session, capture_id)
    if not is_bookable(capture):
        raise Conflict(f"capture {capture_id} cannot be booked")
    order = lock_order(session, capture.transaction.order_id)
    lines = lines_of(order, capture.transaction.merchant_account)
    allocate(session, order, capture, list(spread(lines, left_on_no_line(capture))))
    session.expire(capture, ["booking_lines"])
    left = on_no_line(capture)
    if left:
        lower_difference(session, capture.id, left)
    else:
        close_difference(session, capture.id, resolution="booked", user_id=user_id)
    return capture


def spread(lines: Sequence[OrderLine], money: Money) -> Iterator[tuple[OrderLine, Amounts]]:
    """One line after the other, the earliest due first. What is too little for the last one is divided as the law
    divides a part that somebody chose to pay."""
    for line in lines:
        regime = line.instalment.receivable.kind.regime
        amounts = divide(regime, line.amounts, min(money, line.amounts.total))
        if amounts.total:
            yield line, amounts
        money = money - amounts.total
