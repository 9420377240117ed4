"""Sealing the trail: entries that have no seal get one, in batches, in a chain of the gmina.

Which entries a seal is of is written on them, not told by times or ids: whoever commits late, with an older id or a
clock that went back, is under the next seal. A batch is one transaction; two workers exclude each other; the database
makes the digest once more and refuses one that is not of these entries.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.audit import chain
from skarbnik.outbox import Again, publish
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

BATCH = 1_000
AGAIN_IN = timedelta(minutes=15)
MOST_AT_ONCE = 50  # batches, after which others have their turn

_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtext('skarbnik.audit'), hashtext(current_schema()))")
_PREVIOUS = text("""
    SELECT coalesce(max(number), 0) AS number, coalesce(max(digest), '') AS digest,
        greatest(clock_timestamp(), max(sealed_at)) AS moment
    FROM (SELECT number, digest, sealed_at FROM audit_seals ORDER BY number DESC LIMIT 1) AS newest
""")
_WAITING = text(
    "SELECT e.id, audit_line(e) AS line FROM audit_entries e WHERE e.seal IS NULL ORDER BY e.id LIMIT :most"
)
_SEAL = text("SELECT audit_seal(:number, CAST(:ids AS uuid[]), :moment, :digest, :version, :mark)")


def seal(tenant: Tenant, _subject_id: UUID) -> Again | None:
    """Seal what has no seal. Comes back when it sealed something: what was committed meanwhile rang for nobody."""
    sealed = 0
    for _ in range(MOST_AT_ONCE):
        with tenant.session() as session:
            if not session.scalar(_LOCK):
                return Again(clock.now() + timedelta(seconds=30))
            made = seal_batch(tenant, session)
        if made is None:
            break
        sealed += 1
        log.info("audit.sealed", seal=made.number, entries=made.entries, digest=made.digest())
        chain.keep_anchor(tenant, chain.Anchor(made.number, made.digest()))
    else:
        return Again(clock.now())
    return Again(clock.now() + AGAIN_IN) if sealed else None


def seal_batch(tenant: Tenant, session: Session) -> chain.Header | None:
    """One seal on the oldest entries that have none; None when all have. Whoever calls it holds the lock."""
    rows: list[Any] = list(session.execute(_WAITING, {"most": BATCH}))
    if not rows:
        return None
    previous = session.execute(_PREVIOUS).one()
    header = chain.Header(
        number=previous.number + 1,
        previous=previous.digest,
        entries=len(rows),
        first_id=rows[0].id,
        last_id=rows[-1].id,
        sealed_at=previous.moment,
        content=hashlib.sha256("".join(f"{row.line}\n" for row in rows).encode()).hexdigest(),
    )
    digest = header.digest()
    session.execute(
        _SEAL,
        {
            "number": header.number,
            "ids": [row.id for row in rows],
            "moment": header.sealed_at,
            "digest": digest,
            "version": tenant.instance.keys.current,
            "mark": chain.mark_of(tenant, digest),
        },
    )
    if header.number == 1:
        publish(session, "audit.tend", rows[0].id)  # from now on it is looked after, week after week
    return header
