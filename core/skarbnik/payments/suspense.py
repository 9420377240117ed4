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
from skarbnik.payments.services import MISFIT, allocate, close_difference, lower_difference, money_here
from skarbnik.payments.states import CaptureState
from skarbnik.receivables.parts import divide


def is_bookable(capture: Capture) -> bool:
    """Whether it can be put on lines: of another amount than was ordered, and not on its way back."""
    fits = capture.state is CaptureState.IN_SUSPENSE and capture.reason == "amount"
    return fits and left_on_no_line(capture) > ZERO


def book_capture(session: TenantSession, capture_id: UUID, *, user_id: UUID) -> Capture:
    """Put money of another amount than was ordered on what is left of the lines of its order, as far as it goes.

    What came above them stays in suspense, and is to go back. Conflict for money in another currency or for another
    merchant, which can only go back, and where all of it is on its way back already.
    """
    capture = lock_capture(session, capture_id)
    if not is_bookable(capture):
        raise Conflict(f"capture {capture_id} cannot be booked")
    order = lock_order(session, capture.transaction.order_id)
    lines, here = lines_of(order, capture.transaction.merchant_account), money_here(session, order)
    wanting = [(line, line.amounts - here[line.id]) for line in lines if here[line.id].total < line.amounts.total]
    whole = [(line, line.amounts) for line in lines]  # where each was paid already: a person decides about the second
    allocate(session, order, capture, list(spread(wanting or whole, left_on_no_line(capture))))
    session.expire(capture, ["booking_lines"])
    left = on_no_line(capture)
    if left:
        lower_difference(session, capture.id, MISFIT, to=left)
    else:
        close_difference(session, capture.id, MISFIT, resolution="released", user_id=user_id)
    return capture


def spread(left: Sequence[tuple[OrderLine, Amounts]], money: Money) -> Iterator[tuple[OrderLine, Amounts]]:
    """On what is left of one line after the other, the earliest due first. What is too little for the last one is
    divided as the law divides a part that somebody chose to pay."""
    for line, wanting in left:
        regime = line.instalment.receivable.kind.regime
        amounts = divide(regime, wanting.not_below_zero(), min(money, wanting.total))
        if amounts.total:
            yield line, amounts
        money = money - amounts.total
