"""What a resident's pages show, joined over features. Each page costs one or two statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from skarbnik.db import TenantSession, like_anywhere
from skarbnik.money import Money
from skarbnik.payers.queries import GOOD_ON

_PAYERS = text(f"""
    SELECT * FROM (
        SELECT DISTINCT ON (p.id) p.id, p.name, p.kind, p.city, m.id AS mandate_id, m.basis, m.until_on, m.may_pay
        FROM mandates m JOIN payers n ON n.id = m.payer_id JOIN payers p ON p.id = coalesce(n.merged_into, n.id)
        WHERE m.user_id = :user AND {GOOD_ON}
            AND (CAST(:payer AS uuid) IS NULL OR p.id = :payer)
        ORDER BY p.id, m.basis = 'self' DESC, m.may_pay DESC, m.until_on DESC NULLS FIRST
    ) AS found
    WHERE CAST(:like AS varchar) IS NULL OR name ILIKE :like OR city ILIKE :like
    ORDER BY basis = 'self' DESC, name, id LIMIT :most OFFSET :skip
""")  # noqa: S608  # our own words
PAYERS_ON_A_PAGE = 20


def list_payers_of(session: Session, *, user_id: UUID, today: date, wanted: str = "", page: int = 1) -> Sequence[Any]:
    """The payers a user may act for today; one more than a page may come."""
    words = {"user": user_id, "today": today, "payer": None, "like": like_anywhere(wanted) if wanted else None}
    place = {"most": PAYERS_ON_A_PAGE + 1, "skip": (page - 1) * PAYERS_ON_A_PAGE}
    return session.execute(_PAYERS, words | place).all()


def find_payer_of(session: Session, payer_id: UUID, *, user_id: UUID, today: date) -> Any:
    """A payer this user may act for today, or None."""
    words = {"user": user_id, "today": today, "payer": payer_id, "like": None, "most": 1, "skip": 0}
    return session.execute(_PAYERS, words).one_or_none()


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
