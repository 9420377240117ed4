"""What a resident's pages show, joined over features. Each page costs one or two statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.db import TenantSession
from skarbnik.errors import NotFound
from skarbnik.money import Amounts, Money
from skarbnik.portal.debts import COMING
from skarbnik.receivables.queries import IN_FORCE, LIABLE
from skarbnik.receivables.rules import rules_of

_RECEIVABLE: LiteralString = f"""
    SELECT r.id, r.title, r.number, r.period_from, r.period_until, r.basis, r.account, r.closed_at, r.parent_id,
        k.title AS kind, a.nrb, a.owner, p.title AS parent_title,
        (SELECT count(*) FROM liabilities l WHERE l.receivable_id = r.id AND {IN_FORCE}) AS liable,
        l.role, l.share_part, l.share_whole
    FROM receivables r JOIN kinds k ON k.id = r.kind_id
    LEFT JOIN creditor_accounts a ON a.id = k.creditor_account_id
    LEFT JOIN receivables p ON p.id = r.parent_id
    JOIN liabilities l ON l.receivable_id = r.id AND {LIABLE}
    WHERE r.id = %(id)s ORDER BY l.role LIMIT 1
"""  # noqa: S608  # our own words

_INSTALMENTS = text(f"""
    SELECT i.id, i.number, i.due_on, i.charged, i.closed_at,
        greatest(i.principal - coalesce(c.principal, 0), 0) AS principal,
        greatest(i.interest - coalesce(c.interest, 0), 0) AS interest,
        greatest(i.costs - coalesce(c.costs, 0), 0) AS costs,
        coalesce(c.principal + c.interest + c.costs, 0)::bigint AS coming
    FROM instalments i {COMING}
    WHERE i.receivable_id = :id ORDER BY i.number, i.due_on
""")  # noqa: S608  # our own words

_OPERATIONS = text("""
    SELECT kind, booked_on, happened_on, document, principal, interest, costs, booking_id
    FROM operations WHERE receivable_id = :id AND closed_at IS NULL ORDER BY booked_on, external_id LIMIT 500
""")


def get_receivable(session: TenantSession, receivable_id: UUID, *, payer_id: UUID) -> dict[str, object]:
    """One receivable with instalments and operations. NotFound when this payer is not liable for it today."""
    found = session.read(_RECEIVABLE, id=receivable_id, payer=payer_id, today=clock.today())
    if not found:
        raise NotFound(f"no receivable {receivable_id}")
    rules, today = rules_of(session), clock.today()
    return {
        "receivable": found[0],
        "instalments": [
            _with_amounts(row._mapping) | {"overdue": rules.is_overdue(row.due_on, today)}
            for row in session.execute(_INSTALMENTS, {"id": receivable_id})
        ],
        "operations": [_with_amounts(row._mapping) for row in session.execute(_OPERATIONS, {"id": receivable_id})],
    }


def _with_amounts(row: RowMapping) -> dict[str, Any]:
    values = dict(row)
    values["amounts"] = Amounts(Money(values["principal"]), Money(values["interest"]), Money(values["costs"]))
    return values


_PAYERS = text("""
    SELECT DISTINCT p.id, p.name, p.kind, p.city FROM mandates m JOIN payers n ON n.id = m.payer_id
    JOIN payers p ON p.id = coalesce(n.merged_into, n.id)
    WHERE m.user_id = :user AND m.from_on <= :today AND (m.until_on IS NULL OR m.until_on >= :today)
    ORDER BY p.name LIMIT 100
""")


def list_payers_of(session: Session, *, user_id: UUID, today: date) -> Sequence[object]:
    """The payers a user may act for today."""
    return session.execute(_PAYERS, {"user": user_id, "today": today}).all()


_OVERPAYMENTS: LiteralString = """
    SELECT o.amount, o.arose_on, r.id AS receivable_id, r.title, k.title AS kind
    FROM overpayments o LEFT JOIN receivables r ON r.id = o.receivable_id LEFT JOIN kinds k ON k.id = r.kind_id
    WHERE o.payer_id = ANY ((SELECT id || merged_from FROM payers WHERE id = %(payer)s)::uuid[]) AND o.closed_at IS NULL
    ORDER BY o.arose_on, o.external_id LIMIT 500
"""


@dataclass(frozen=True)
class OverpaymentLine:
    """Money that pays for nothing yet, and the receivable it was paid for, when there is one."""

    amount: Money
    arose_on: date
    receivable_id: UUID | None
    title: str | None
    kind: str | None


def list_overpayments(session: TenantSession, *, payer_id: UUID) -> list[OverpaymentLine]:
    """The oldest first."""
    rows = session.read(_OVERPAYMENTS, payer=payer_id)
    return [OverpaymentLine(Money(row.amount), row.arose_on, row.receivable_id, row.title, row.kind) for row in rows]
