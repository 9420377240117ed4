"""What a resident's pages show, joined over features. Each page costs one or two statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import LiteralString
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from skarbnik.db import TenantSession
from skarbnik.money import Money

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
