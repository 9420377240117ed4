"""What became of captured money in the books: released, booked, refused, and at last seen in an import."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session, aliased

from skarbnik import clock
from skarbnik.errors import ForbiddenTransition, NotFound
from skarbnik.money import Amounts
from skarbnik.outbox import publish
from skarbnik.payments.models import BookingLine
from skarbnik.payments.services import OF_A_LINE, close_difference, lower_difference, open_difference
from skarbnik.payments.states import ON_ITS_WAY_SQL, BookingState


def release_booking(session: Session, booking_id: UUID, *, user_id: UUID) -> BookingLine:
    """An official decides that a line in suspense, or refused, is booked after all: it waits for the next batch.

    Lines of refunds that stand beside it go along: the finance system hears of both.
    """
    beside = _lock_beside(session, booking_id)
    booking = next((line for line in beside if line.id == booking_id), None)
    if booking is None:
        raise NotFound(f"no booking {booking_id}")
    state = booking.state
    if state is BookingState.WAITING:
        return booking
    if state not in {BookingState.IN_SUSPENSE, BookingState.REFUSED}:
        raise ForbiddenTransition(f"{state} cannot become {BookingState.WAITING}")
    for line in beside:
        if line.state is state:
            line.move_to(BookingState.WAITING)
            close_difference(session, line.id, *OF_A_LINE, resolution="released", user_id=user_id)
    publish(session, "exchange.bookings_wait", booking.capture_id)
    return booking


def _lock_beside(session: Session, booking_id: UUID) -> list[BookingLine]:
    """A booking and what stands beside it: the line that was captured, and those of its refunds."""
    asked = aliased(BookingLine)
    same = (asked.capture_id == BookingLine.capture_id) & (asked.order_line_id == BookingLine.order_line_id)
    return list(
        session.scalars(
            select(BookingLine)
            .where(select(asked.id).where(asked.id == booking_id, same).exists())
            .order_by(BookingLine.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def mark_booked(session: Session, booking: BookingLine, *, reference: str | None, booked_on: date | None) -> None:
    """The finance system booked it."""
    was = booking.state
    if was is not BookingState.BOOKED:
        booking.move_to(BookingState.BOOKED)
    booking.reference = booking.reference or reference
    booking.booked_on = booking.booked_on or booked_on
    booking.answered_at = booking.answered_at or clock.now()
    if was in {BookingState.REFUSED, BookingState.REFUNDED}:
        session.flush()
        _tell_the_rest(session, [booking.id])


def _tell_the_rest(session: Session, booking_ids: Sequence[UUID]) -> None:
    """The finance system booked what it had refused. What went back of it meanwhile it must hear too."""
    waiting = session.scalars(
        text("""
            UPDATE booking_lines s SET state = 'waiting' FROM booking_lines b
            WHERE b.id = ANY(:ids) AND s.capture_id = b.capture_id AND s.order_line_id = b.order_line_id
                AND s.id <> b.id AND NOT s.id = ANY(:ids)
                AND (s.state = 'refunded' OR (s.state = 'refused' AND s.refund_id IS NOT NULL AND s.sent_at IS NULL))
            RETURNING s.capture_id
        """),
        {"ids": list(booking_ids)},
    ).all()
    for capture_id in set(waiting):
        publish(session, "exchange.bookings_wait", capture_id)


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
    if booking.refund_id is None:
        _keep_beside(session, booking)


def _keep_beside(session: Session, booking: BookingLine) -> None:
    """What went back of a line that is refused waits for the same decision: alone in the books it would make the debt
    larger than it ever was."""
    session.flush()
    for line in _lock_beside(session, booking.id):
        if line.refund_id is not None and line.state is BookingState.WAITING:
            line.move_to(BookingState.REFUSED)
    session.flush()
    refused = [line for line in _lock_beside(session, booking.id) if line.state is BookingState.REFUSED]
    left = Amounts.sum(line.amounts for line in refused).total
    if left:
        lower_difference(session, booking.id, *OF_A_LINE, to=left)
        return
    for line in refused:  # all of it went back: the finance system need not hear of it
        line.move_to(BookingState.REFUNDED)
    close_difference(session, booking.id, *OF_A_LINE, resolution="refunded")


def mark_seen(session: Session, run_id: UUID) -> int:
    """Close bookings that operations of an import echo, by our id and nothing else. How many were closed.

    Only the source an instalment came from can echo its bookings. What is in the books needs no decision any more.
    One whose echo went out of the books waits for it as before: else the debt is back, and the money is nowhere.
    Also money that went back is in the books when they say so: then they must hear of its refund.
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
            WHERE b.id = e.booking_id AND b.seen_at IS NULL AND b.state IN ({ON_ITS_WAY_SQL}, 'refunded')
                AND (SELECT i.source FROM instalments i WHERE i.id = b.instalment_id) = e.source
            RETURNING b.id
        """),  # noqa: S608  # our own words
        {"now": clock.now(), "run": run_id},
    ).all()
    _tell_the_rest(session, seen)
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
