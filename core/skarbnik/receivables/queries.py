"""Reading receivables as the finance system keeps them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from skarbnik.money import Amounts, Money

_RECEIVABLES = text("""
    SELECT r.id, r.source, r.external_id, k.code AS kind, r.title, r.number, r.closed_at IS NOT NULL AS closed
    FROM receivables r JOIN kinds k ON k.id = r.kind_id
    WHERE CAST(:after AS uuid) IS NULL OR r.id > :after ORDER BY r.id LIMIT :most
""")
_INSTALMENTS = text("""
    SELECT receivable_id, external_id, number, due_on, principal, interest, costs
    FROM instalments WHERE receivable_id = ANY(:ids) AND closed_at IS NULL ORDER BY receivable_id, number
""")


def list_receivables(session: Session, *, after: UUID | None, limit: int) -> list[dict[str, Any]]:
    """Receivables by id with their open instalments, two statements whatever their number."""
    rows = session.execute(_RECEIVABLES, {"after": after, "most": limit}).all()
    instalments: dict[UUID, list[dict[str, Any]]] = {row.id: [] for row in rows}
    for each in session.execute(_INSTALMENTS, {"ids": list(instalments)}):
        left = Amounts(Money(each.principal), Money(each.interest), Money(each.costs))
        instalments[each.receivable_id].append({**each._mapping, "left": left})
    return [{**row._mapping, "instalments": instalments[row.id]} for row in rows]
