"""The whole trail as JSON lines, with its seals, so that it can be checked by whoever has it and nobody else's help.

An entry is the array that was sealed: id, microseconds since 1970, actor, actor's id, action, subject, subject's id,
request, address, payers. A seal stands behind its entries: `seal` is the array its digest is of (number, digest before,
entries, first id, last id, microseconds, digest of the entries). docs/operators.md has the recipe.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select, text

from skarbnik.audit.chain import Header
from skarbnik.audit.models import AuditSeal
from skarbnik.tenancy.registry import Tenant

AT_ONCE = 50  # seals of one transaction

_LINES = text("""
    SELECT audit_line(e) FROM audit_entries e WHERE e.seal = :number AND e.id BETWEEN :first AND :last ORDER BY e.id
""")
_TAIL = text("""
    SELECT e.id, audit_line(e) AS line FROM audit_entries e
    WHERE e.seal IS NULL AND (CAST(:after AS uuid) IS NULL OR e.id > :after) ORDER BY e.id LIMIT 1000
""")


def stream_trail(tenant: Tenant) -> Iterator[str]:
    """Every line, without its end. Short transactions: what is sealed meanwhile is under a seal, or waits at the end."""
    number, previous = 0, ""
    while True:
        with tenant.session() as session:
            seals = session.scalars(
                select(AuditSeal).where(AuditSeal.number > number).order_by(AuditSeal.number).limit(AT_ONCE)
            ).all()
            page = [(each, _lines_of(session, each)) for each in seals]
        for seal, lines in page:
            yield from lines
            yield _seal_line(seal, previous)
            number, previous = seal.number, seal.digest
        if not seals:
            break
    after = None
    while True:
        with tenant.session() as session:
            rows = session.execute(_TAIL, {"after": after}).all()
        if not rows:
            return
        yield from (row.line for row in rows)
        after = rows[-1].id


def _lines_of(session: Any, seal: AuditSeal) -> list[str]:
    words = {"number": seal.number, "first": seal.first_id, "last": seal.last_id}
    return list(session.scalars(_LINES, words))


def _seal_line(seal: AuditSeal, previous: str) -> str:
    header = Header(
        seal.number, previous, seal.entries, seal.first_id, seal.last_id, seal.sealed_at, seal.content
    ).line()
    removed = seal.removed_at.isoformat() if seal.removed_at else None
    return f'{{"seal": {header}, "digest": "{seal.digest}", "removed_at": {json.dumps(removed)}}}'
