"""What the exchange page shows: sources, files, batches, and money that waits for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session, defer, selectinload

from skarbnik import clock
from skarbnik.db import first_id_of
from skarbnik.errors import NotFound
from skarbnik.exchange.models import BookingBatch, ImportRun, Source
from skarbnik.exchange.statements import KEPT_FOR
from skarbnik.exchange.states import RunState
from skarbnik.money import Money

PAGE = 30

# A booking is open until its echo is imported, which is what the partial index of open lines is for.
_WAITING = text("""
    SELECT i.source, b.state, count(*) AS number, sum(b.principal + b.interest + b.costs)::bigint AS amount,
        min(coalesce(b.answered_at, b.sent_at, b.recorded_at)) AS since
    FROM booking_lines b JOIN instalments i ON i.id = b.instalment_id
    WHERE b.seen_at IS NULL AND b.state IN ('waiting', 'sent', 'refused', 'booked')
    GROUP BY i.source, b.state
""")


@dataclass(frozen=True)
class Waiting:
    """Money on one step of its way to the finance system: how many bookings, how much, and since when the oldest."""

    number: int
    amount: Money
    since: datetime


@dataclass(frozen=True)
class SourceState:
    """A finance system and what waits between it and the portal, by state of the booking."""

    source: Source
    waiting: dict[str, Waiting]


def list_sources(session: Session) -> list[SourceState]:
    found: dict[str, dict[str, Waiting]] = {}
    for row in session.execute(_WAITING):
        found.setdefault(row.source, {})[row.state] = Waiting(row.number, Money(row.amount), row.since)
    sources = session.scalars(select(Source).order_by(Source.id))
    return [SourceState(source, found.get(source.id, {})) for source in sources]


def get_source(session: Session, source_id: str) -> Source:
    source = session.get(Source, source_id)
    if source is None:
        raise NotFound(f"no finance system {source_id}")
    return source


def list_runs(session: Session, *, state: RunState | None, before: UUID | None) -> list[ImportRun]:
    """Newest first by id, which tells the time; one more than a page may come."""
    query = select(ImportRun).order_by(ImportRun.id.desc()).limit(PAGE + 1)
    if state is not None:
        query = query.where(ImportRun.state == state)
    if before is not None:
        query = query.where(ImportRun.id < before)
    return list(session.scalars(query))


def get_run(session: Session, run_id: UUID) -> ImportRun:
    """A run with its problems."""
    found = session.get(ImportRun, run_id, options=[selectinload(ImportRun.problems)])
    if found is None:
        raise NotFound(f"no import run {run_id}")
    return found


def list_batches(session: Session, *, before: UUID | None) -> list[BookingBatch]:
    """Newest first, without their bytes; one more than a page may come."""
    query = select(BookingBatch).options(defer(BookingBatch.content)).order_by(BookingBatch.id.desc()).limit(PAGE + 1)
    if before is not None:
        query = query.where(BookingBatch.id < before)
    return list(session.scalars(query))


def get_batch(session: Session, batch_id: UUID) -> BookingBatch:
    batch = session.get(BookingBatch, batch_id, options=[defer(BookingBatch.content)])
    if batch is None:
        raise NotFound(f"no batch {batch_id}")
    return batch


def list_batches_behind(session: Session, source_id: str, *, number: int, limit: int) -> list[BookingBatch]:
    """Batches of a source with higher numbers, in their order, without their bytes."""
    query = (
        select(BookingBatch)
        .options(defer(BookingBatch.content))
        .where(BookingBatch.source == source_id, BookingBatch.number > number)
        .order_by(BookingBatch.number)
        .limit(limit)
    )
    return list(session.scalars(query))


def get_numbered_batch(session: Session, source_id: str, number: int) -> BookingBatch:
    """A batch with its bytes."""
    query = select(BookingBatch).where(BookingBatch.source == source_id, BookingBatch.number == number)
    batch = session.scalars(query).one_or_none()
    if batch is None:
        raise NotFound(f"no batch {number} of {source_id}")
    return batch


_LINES = text("""
    SELECT l.booking_line_id AS id, l.reference, l.booked_on, l.refusal, b.state, b.seen_at, o.number AS order_number,
        ol.title, (b.principal + b.interest + b.costs)::bigint AS amount
    FROM batch_lines l JOIN booking_lines b ON b.id = l.booking_line_id
    JOIN order_lines ol ON ol.id = b.order_line_id JOIN payment_orders o ON o.id = ol.order_id
    WHERE l.batch_id = :batch AND (CAST(:after AS uuid) IS NULL OR l.booking_line_id > :after)
    ORDER BY l.booking_line_id LIMIT :most
""")
_SUMS = text("""
    SELECT count(*) AS number, coalesce(sum(b.principal + b.interest + b.costs), 0)::bigint AS amount,
        count(*) FILTER (WHERE l.refusal IS NOT NULL) AS refused
    FROM batch_lines l JOIN booking_lines b ON b.id = l.booking_line_id WHERE l.batch_id = :batch
""")


def list_batch_lines(session: Session, batch_id: UUID, *, after: UUID | None) -> Sequence[Row[Any]]:
    """What is in a batch and what the finance system said of each line; one more than a page may come."""
    return session.execute(_LINES, {"batch": batch_id, "after": after, "most": PAGE + 1}).all()


def batch_sums(session: Session, batch_id: UUID) -> Row[Any]:
    """How many lines a batch has (at most 2,000), how much money, and how many were refused."""
    return session.execute(_SUMS, {"batch": batch_id}).one()


def list_applied(session: Session, source_id: str) -> list[ImportRun]:
    """The last hundred applied files whose replaced rows are kept, newest first: what a clerk compares."""
    query = (
        select(ImportRun)
        .where(
            ImportRun.source == source_id,
            ImportRun.state == RunState.APPLIED,
            ImportRun.number.is_not(None),
            ImportRun.id > first_id_of(clock.now() - KEPT_FOR),
        )
        .order_by(ImportRun.number.desc())
        .limit(100)
    )
    return list(session.scalars(query))
