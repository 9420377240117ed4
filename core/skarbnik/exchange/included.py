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
            BookingBatch.number.between(source.last_included + 1, last),  # the others were answered
            BookingBatch.state != BatchState.ANSWERED,
        )
    )
    missing = open_batch or (source.last_batch + 1 if last > source.last_batch else None)
    if missing is not None:
        message = f"Plik mówi, że obejmuje wpłaty z paczek do nr {last}, a paczka nr {missing} nie ma potwierdzenia."
        return [FileProblem(None, "batch-not-answered", message)]
    before = source.last_included
    if before > last:
        message = f"Plik mówi, że obejmuje wpłaty z paczek do nr {last}, a wcześniejszy obejmował do nr {before}."
        return [FileProblem(None, "batches-taken-back", message)]
    return []


def mark_included(session: Session, source: Source, last: int) -> int:
    """Close the booked lines of batches up to `last`. How many were closed.

    Only batches since the last file are looked at, and those of which a line was booked after it had been refused.
    """
    _lock(session, source)
    booked = session.scalars(
        select(BookingLine.id)
        .join(BatchLine, BatchLine.booking_line_id == BookingLine.id)
        .join(BookingBatch, BookingBatch.id == BatchLine.batch_id)
        .where(
            BookingBatch.source == source.id,
            BookingBatch.number.between(source.last_closed + 1, last),
            BatchLine.refusal.is_(None),
            BookingLine.seen_at.is_(None),
        )
    )
    marked = mark_in_balance(session, booked.all())
    source.last_included = source.last_closed = last
    return marked


def note_mended(session: Session, source: Source, batch: BookingBatch) -> None:
    """A line that was refused is booked after all: the next file closes it, though its batch was included before."""
    _lock(session, source)
    source.last_closed = min(source.last_closed, batch.number - 1)


def _lock(session: Session, source: Source) -> None:
    """An answer and a file may come at once: what one has noted the other sees."""
    session.refresh(source, ["last_closed"], with_for_update={"key_share": True})
