"""Bookings a file says are in its balances, batch by batch: the echo of a system that cannot name each of them.

It is still what the finance system says and never a guess by time: only answered batches count, and of those the lines
it booked.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from skarbnik.errors import FileProblem
from skarbnik.exchange.models import BatchLine, BatchState, BookingBatch, Source
from skarbnik.payments.bookings import mark_in_balance
from skarbnik.payments.models import BookingLine


def check_included(session: Session, source: Source, last: int) -> list[FileProblem]:
    """Are batches up to `last` ones it may speak of? All must be answered, and none that was in goes out again."""
    open_batch = session.scalar(
        select(func.min(BookingBatch.number)).where(
            BookingBatch.source == source.id,
            BookingBatch.number <= last,
            BookingBatch.state != BatchState.ANSWERED,
        )
    )
    missing = open_batch or (source.last_batch + 1 if last > source.last_batch else None)
    if missing is not None:
        message = f"Plik mówi, że obejmuje wpłaty z paczek do nr {last}, a paczka nr {missing} nie ma potwierdzenia."
        return [FileProblem(None, "batch-not-answered", message)]
    before = session.scalar(
        select(func.max(BookingBatch.number))
        .join(BatchLine, BatchLine.batch_id == BookingBatch.id)
        .join(BookingLine, BookingLine.id == BatchLine.booking_line_id)
        .where(BookingBatch.source == source.id, BatchLine.refusal.is_(None), BookingLine.seen_at.is_not(None))
    )
    if before is not None and before > last:
        message = f"Plik mówi, że obejmuje wpłaty z paczek do nr {last}, a wcześniejszy obejmował do nr {before}."
        return [FileProblem(None, "batches-taken-back", message)]
    return []


def mark_included(session: Session, source: Source, last: int) -> int:
    """Close the booked lines of batches up to `last`. How many were closed."""
    booked = session.scalars(
        select(BookingLine.id)
        .join(BatchLine, BatchLine.booking_line_id == BookingLine.id)
        .join(BookingBatch, BookingBatch.id == BatchLine.batch_id)
        .where(
            BookingBatch.source == source.id,
            BookingBatch.number <= last,
            BatchLine.refusal.is_(None),
            BookingLine.seen_at.is_(None),
        )
    )
    return mark_in_balance(session, booked.all())
