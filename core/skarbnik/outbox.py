"""What must happen later is a row, written in the same transaction as its reason. The queue is only a doorbell.

`work.outbox` belongs to the PostgreSQL server, not to a gmina; a gmina's role reaches it only through
`work.publish`, which stamps the gmina by the role of the transaction. The scheduler's relay claims due rows with a
lease and rings the workers; a row whose work was not finished before its lease ends is claimed again. Everything
that is done for a row is therefore done at least once, and must be safe to repeat.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from skarbnik import clock

LEASE = timedelta(seconds=20)  # renewed by the worker while it works, so a killed one is noticed soon
MOST_ATTEMPTS = 25  # starts; then the row is parked, which is an alert, and never thrown away

_PUBLISH = sa.text("SELECT work.publish(:topic, :subject, :due_at)")


def publish(session: Session, topic: str, subject_id: UUID, *, due_at: datetime | None = None) -> None:
    """Tell whoever subscribed `topic`, once this transaction is committed and `due_at` has come."""
    session.execute(_PUBLISH, {"topic": topic, "subject": subject_id, "due_at": due_at or clock.now()})


_RING = sa.text("""
    INSERT INTO work.outbox (tenant_id, topic, subject_id, due_at)
    SELECT tenant, CAST(:topic AS varchar), gen_random_uuid(), :now FROM unnest(CAST(:tenants AS varchar[])) AS tenant
    WHERE NOT EXISTS (
        SELECT FROM work.outbox o
        WHERE o.tenant_id = tenant AND o.topic = CAST(:topic AS varchar) AND o.parked_at IS NULL
    )
    RETURNING tenant_id
""")


def ring(connection: sa.Connection, topic: str, tenants: Iterable[str]) -> set[str]:
    """Tell the subscriber of `topic` in many gminas at once; who was rung. Not where it was told and is not done.

    For a topic that says only that there is something: whoever comes looks at all of it, whatever the subject.
    """
    return set(connection.scalars(_RING, {"topic": topic, "tenants": sorted(set(tenants)), "now": clock.now()}))


_OCCURS = sa.text("""
    INSERT INTO work.occurrences (schedule, local_time) VALUES (:schedule, :local_time)
    ON CONFLICT DO NOTHING RETURNING schedule
""")


def occurs(connection: sa.Connection, schedule: str, local_time: datetime) -> bool:
    """Whether it is ours to ring for that time: once, however many schedulers there are."""
    return connection.execute(_OCCURS, {"schedule": schedule, "local_time": local_time}).one_or_none() is not None


@dataclass(frozen=True)
class Again:
    """What a subscriber answers when it is not done and nothing is wrong: come back at that moment."""

    at: datetime


@dataclass(frozen=True)
class Errand:
    """A claimed row: somebody has until the lease ends to do it and take it off."""

    id: int
    tenant_id: str
    topic: str
    subject_id: UUID
    attempts: int


_CLAIM = sa.text("""
    WITH due AS MATERIALIZED (  -- as a subquery it may be run once for each row, and LIMIT limits nothing
        SELECT id FROM work.outbox
        WHERE due_at <= :now AND parked_at IS NULL AND (lease_until IS NULL OR lease_until < clock_timestamp())
        ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
    )
    UPDATE work.outbox AS o SET lease_until = clock_timestamp() + :lease
    FROM due
    WHERE o.id = due.id
    RETURNING o.id, o.tenant_id, o.topic, o.subject_id, o.attempts
""")


def claim(connection: sa.Connection, *, most: int = 200) -> list[Errand]:
    """Take due rows for one lease. Rows whose earlier lease ran out come along: that is the sweep.

    A claim is no attempt: while no worker lives, rows are claimed again and again.
    """
    rows = connection.execute(_CLAIM, {"now": clock.now(), "lease": LEASE, "most": most})
    return [Errand(row.id, row.tenant_id, row.topic, row.subject_id, row.attempts) for row in rows]


_BEGIN = sa.text("""
    UPDATE work.outbox SET attempts = attempts + 1, lease_until = clock_timestamp() + :lease
    WHERE id = :id AND parked_at IS NULL AND due_at <= :soon
    RETURNING id, tenant_id, topic, subject_id, attempts
""")


def begin(connection: sa.Connection, errand_id: int) -> Errand | None:
    """Start on a row, which counts also when the worker dies of it. None when it was done, put off or parked."""
    soon = clock.now() + LEASE  # clocks of machines differ a little
    row = connection.execute(_BEGIN, {"id": errand_id, "soon": soon, "lease": LEASE}).one_or_none()
    return Errand(row.id, row.tenant_id, row.topic, row.subject_id, row.attempts) if row is not None else None


def keep(connection: sa.Connection, ids: list[int]) -> None:
    """Still at it: renew the leases of rows that are being worked on."""
    connection.execute(
        sa.text("UPDATE work.outbox SET lease_until = clock_timestamp() + :lease WHERE id = ANY(:ids)"),
        {"lease": LEASE, "ids": ids},
    )


def take_off(connection: sa.Connection, errand: Errand) -> None:
    """It is done."""
    connection.execute(sa.text("DELETE FROM work.outbox WHERE id = :id"), {"id": errand.id})


def put_off(connection: sa.Connection, errand: Errand, *, until: datetime) -> None:
    """Not done yet, and nobody's fault: ask again at a moment, with the attempts counted anew."""
    connection.execute(
        sa.text("UPDATE work.outbox SET due_at = :until, lease_until = NULL, attempts = 0 WHERE id = :id"),
        {"id": errand.id, "until": until},
    )


def give_back(connection: sa.Connection, errand: Errand, *, reason: str) -> bool:
    """It failed: try again later and later, at last park it for a person. True when it was parked."""
    parked = errand.attempts >= MOST_ATTEMPTS
    later = clock.now() + timedelta(seconds=min(2**errand.attempts, 3600))
    connection.execute(
        sa.text(
            "UPDATE work.outbox SET due_at = :later, lease_until = NULL, last_error = :reason,"
            " parked_at = CASE WHEN :parked THEN clock_timestamp() END WHERE id = :id"
        ),
        {"id": errand.id, "later": later, "reason": reason[:500], "parked": parked},
    )
    return parked
