"""Reading receivables as the finance system keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, LiteralString
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload

from skarbnik.db import TenantSession
from skarbnik.money import Amounts, Money
from skarbnik.receivables.models import Kind

# A liability `l` that holds today, and one of this payer or of a payer that was merged into it.
IN_FORCE: LiteralString = """
    l.closed_at IS NULL AND (l.from_on IS NULL OR l.from_on <= %(today)s)
        AND (l.until_on IS NULL OR l.until_on >= %(today)s)
"""
LIABLE: LiteralString = f"""
    {IN_FORCE} AND l.payer_id = ANY ((SELECT id || merged_from FROM payers WHERE id = %(payer)s)::uuid[])
"""  # noqa: S608  # our own words
_LIABLE_FOR: LiteralString = f"""
    SELECT DISTINCT l.receivable_id FROM liabilities l WHERE {LIABLE} AND l.receivable_id = ANY (%(ids)s)
"""  # noqa: S608  # our own words

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


def list_kinds(session: Session) -> Sequence[Kind]:
    """As the office put them, each with the account it is paid to."""
    found = select(Kind).options(joinedload(Kind.creditor_account))
    return session.scalars(found.order_by(Kind.position, Kind.title, Kind.id)).all()


def list_liable(session: TenantSession, receivable_ids: Iterable[UUID], *, payer_id: UUID, today: date) -> set[UUID]:
    """Those of some receivables that a payer is liable for on a day."""
    rows = session.read(_LIABLE_FOR, ids=list(receivable_ids), payer=payer_id, today=today)
    return {row.receivable_id for row in rows}
