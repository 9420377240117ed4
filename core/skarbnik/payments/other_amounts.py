"""A gateway sent back another amount than two people agreed to: the ledger shows what really went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from skarbnik.money import ZERO, Money
from skarbnik.payments.models import Capture, Refund
from skarbnik.payments.queries import left_of_lines, left_on_no_line


@dataclass(frozen=True)
class Room:
    """A place that money of a capture can go back from: what was to go, and what could go besides."""

    line_id: UUID | None  # a booking line; None is what is on no line
    planned: Money
    free: Money


def rooms_of(capture: Capture, refund: Refund) -> list[Room]:
    """What is on no line first, since it pays nobody's debt; then the lines of the refund, then the others."""
    left = left_of_lines(capture)
    planned = {line.order_line_id: -line.amounts.total for line in refund.lines}
    captured = [line for line in capture.booking_lines if line.refund_id is None]
    captured.sort(key=lambda line: (line.order_line_id not in planned, line.id))
    lines = [Room(line.id, planned.get(line.order_line_id, ZERO), left[line.id].total) for line in captured]
    of_no_line = refund.amount - Money.total(each.planned for each in lines)
    return [Room(None, of_no_line, left_on_no_line(capture)), *lines]


def share_out(went: Money, rooms: Sequence[Room]) -> dict[UUID | None, Money]:
    """What really went, from where it was to go; what is more, from what is left there, and then elsewhere.

    The sum is less than `went` where the capture has no more.
    """
    taken = dict.fromkeys((room.line_id for room in rooms), ZERO)
    for room, most in [*((room, room.planned) for room in rooms), *((room, room.free) for room in rooms)]:
        part = min(went, most)
        taken[room.line_id] += part
        went -= part
    return taken
