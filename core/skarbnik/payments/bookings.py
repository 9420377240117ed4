"""What became of captured money in the books: released, booked, refused, and at last seen in an import."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.errors import NotFound
from skarbnik.outbox import publish
from skarbnik.payments.models import BookingLine
from skarbnik.payments.services import open_difference
from skarbnik.payments.states import ON_ITS_WAY_SQL, BookingState


def release_booking(session: Session, booking_id: UUID, *, user_id: UUID) -> BookingLine:
    """An official decides that a line in suspense, or refused, is booked after all: it waits for the next batch."""
    booking = session.scalars(select(BookingLine).where(BookingLine.id == booking_id).with_for_update()).one_or_none()
    if booking is None:
        raise NotFound(f"no booking {booking_id}")
    booking.move_to(BookingState.WAITING)
    session.execute(
        text(
            "UPDATE differences SET closed_at = :now, closed_by = :user, resolution = 'booked'"
            " WHERE subject_id = :subject AND closed_at IS NULL"
        ),
        {"now": clock.now(), "user": user_id, "subject": booking_id},
    )
    publish(session, "exchange.bookings_wait", booking.capture_id)
    return booking


def mark_booked(booking: BookingLine, *, reference: str | None, booked_on: date | None) -> None:
    """The finance system booked it."""
    if booking.state is not BookingState.BOOKED:
        booking.move_to(BookingState.BOOKED)
    booking.reference = booking.reference or reference
    booking.booked_on = booking.booked_on or booked_on
    booking.answered_at = booking.answered_at or clock.now()


def mark_refused(session: Session, booking: BookingLine, *, reason: str) -> None:
    """The finance system will not book it as it is: a person has to look. A booked line stays booked."""
    if booking.state is not BookingState.SENT:
        return
    booking.move_to(BookingState.REFUSED)
    booking.reason = reason[:200]
    booking.answered_at = clock.now()
    open_difference(
        session,
        "booking_refused",
        booking.id,
        order_id=booking.order_line.order_id,
        amount=booking.amounts.total,
        account_id=booking.capture.merchant_account_id,
        moment=booking.capture.captured_at,
    )


def mark_seen(session: Session, run_id: UUID) -> int:
    """Close bookings that operations of an import echo, by our id and nothing else. How many were closed.

    Only the source an instalment came from can echo its bookings. What is in the books needs no decision any more.
    One whose echo went out of the books waits for it as before: else the debt is back, and the money is nowhere.
    """
    session.execute(
        text("""
            UPDATE booking_lines b SET seen_at = NULL WHERE b.state = 'booked' AND b.seen_at IS NOT NULL AND b.id IN (
                SELECT booking_id FROM operations
                WHERE run_id = :run AND booking_id IS NOT NULL AND closed_at IS NOT NULL
            ) AND NOT EXISTS (SELECT FROM operations o WHERE o.booking_id = b.id AND o.closed_at IS NULL)
        """),
        {"run": run_id},
    )
    seen = session.scalars(
        text(f"""
            UPDATE booking_lines b SET
                seen_at = :now, state = 'booked', reference = coalesce(b.reference, e.document),
                booked_on = coalesce(b.booked_on, e.booked_on), answered_at = coalesce(b.answered_at, :now)
            FROM (
                SELECT booking_id, source, min(document) AS document, min(booked_on) AS booked_on
                FROM operations WHERE run_id = :run AND booking_id IS NOT NULL AND closed_at IS NULL
                GROUP BY booking_id, source
            ) AS e
            WHERE b.id = e.booking_id AND b.seen_at IS NULL AND b.state IN ({ON_ITS_WAY_SQL})
                AND (SELECT i.source FROM instalments i WHERE i.id = b.instalment_id) = e.source
            RETURNING b.id
        """),  # noqa: S608  # our own words
        {"now": clock.now(), "run": run_id},
    ).all()
    session.execute(
        text("""
            UPDATE differences d SET closed_at = :now, resolution = 'booked' FROM booking_lines b
            WHERE d.kind = 'booking_refused' AND d.closed_at IS NULL AND b.id = d.subject_id AND b.seen_at IS NOT NULL
        """),
        {"now": clock.now()},
    )
    return len(seen)


def mark_in_balance(session: Session, booking_ids: Sequence[UUID]) -> int:
    """Close booked lines whose money is in the balances just imported. How many were closed."""
    seen = session.scalars(
        update(BookingLine)
        .where(
            BookingLine.id.in_(booking_ids),
            BookingLine.state == BookingState.BOOKED,
            BookingLine.seen_at.is_(None),
        )
        .values(seen_at=clock.now())
        .returning(BookingLine.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(seen)
