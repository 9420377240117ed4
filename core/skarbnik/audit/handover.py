"""The whole trail as JSON lines, with its seals, so that it can be checked by whoever has it and nobody else's help.

An entry is the array that was sealed: id, microseconds since 1970, actor, actor's id, action, subject, subject's id,
request, address, payers. A seal stands behind its entries: `seal` is the array its digest is of (number, digest before,
entries, first id, last id, microseconds, digest of the entries). docs/operators.md has the recipe.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from skarbnik.audit.chain import Header
from skarbnik.audit.models import AuditSeal
from skarbnik.tenancy.registry import Tenant

AT_ONCE = 5  # seals of one transaction

_LINES = text("""
    SELECT audit_line(e) FROM audit_entries e WHERE e.seal = :number AND e.id BETWEEN :first AND :last ORDER BY e.id
""")
_TAIL = text("""
    SELECT e.id, audit_line(e) AS line FROM audit_entries e
    WHERE (e.seal IS NULL OR e.seal > :number) AND e.id > :after ORDER BY e.id LIMIT 1000
""")


def stream_trail(tenant: Tenant) -> Iterator[str]:
    """Every line, without its end, in short transactions. What is sealed meanwhile stands at the end, as not sealed."""
    number, previous = 0, ""
    with tenant.session() as session:
        newest = session.scalar(select(func.max(AuditSeal.number))) or 0
    while number < newest:
        with tenant.session() as session:
            query = select(AuditSeal).where(AuditSeal.number > number, AuditSeal.number <= newest)
            seals = session.scalars(query.order_by(AuditSeal.number).limit(AT_ONCE)).all()
            page = [(each, _lines_of(session, each)) for each in seals]
        if not seals:
            break  # somebody deleted them just now
        for seal, lines in page:
            yield from lines
            yield _seal_line(seal, previous)
            number, previous = seal.number, seal.digest
    after = UUID(int=0)
    while True:
        with tenant.session() as session:
            rows = session.execute(_TAIL, {"after": after, "number": newest}).all()
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
