"""What a resident's pages show, joined over features. Each page costs one or two statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.db import TenantSession
from skarbnik.errors import NotFound
from skarbnik.money import Amounts, Money
from skarbnik.payments.states import ON_ITS_WAY_SQL
from skarbnik.receivables.queries import IN_FORCE, LIABLE

# The figures of the finance system less captured money it has not echoed yet; never below zero in any part.
_COMING: LiteralString = f"""
    LEFT JOIN LATERAL (
        SELECT sum(b.principal)::bigint AS principal, sum(b.interest)::bigint AS interest,
            sum(b.costs)::bigint AS costs
        FROM booking_lines b
        WHERE b.instalment_id = i.id AND b.seen_at IS NULL AND b.state IN ({ON_ITS_WAY_SQL})
    ) AS c ON true
"""  # noqa: S608  # our own words

_TO_PAY: LiteralString = f"""
    SELECT i.id, r.id AS receivable_id, r.title, r.number AS decision, k.id AS kind_id, k.title AS kind,
        k.online AND k.creditor_account_id IS NOT NULL AS online, k.creditor_account_id, i.number, i.due_on,
        greatest(i.principal - coalesce(c.principal, 0), 0) AS principal,
        greatest(i.interest - coalesce(c.interest, 0), 0) AS interest,
        greatest(i.costs - coalesce(c.costs, 0), 0) AS costs,
        coalesce(c.principal + c.interest + c.costs, 0) AS captured,
        (SELECT max(o.held_until) FROM order_lines ol JOIN payment_orders o ON o.id = ol.order_id
         WHERE ol.instalment_id = i.id AND o.held_until > %(now)s AND o.state IN ('created', 'started')) AS held_until,
        (SELECT max(s.as_of) FROM sources s) AS as_of
    FROM (
        SELECT DISTINCT l.receivable_id FROM liabilities l WHERE {LIABLE}
    ) AS l
    JOIN receivables r ON r.id = l.receivable_id AND r.closed_at IS NULL
    JOIN kinds k ON k.id = r.kind_id
    JOIN instalments i ON i.receivable_id = r.id AND i.closed_at IS NULL
        AND i.principal + i.interest + i.costs > 0
    {_COMING}
    ORDER BY k.position, k.title, i.due_on, r.external_id, i.number
    LIMIT 2000
"""  # noqa: S608  # our own words


class ToPay(NamedTuple):
    """One instalment that is left to pay, as a line of the list.

    The columns of the query in their order, then `overdue`. Hundreds are read for one page, so amounts become `Money`
    only where somebody looks at them.
    """

    id: UUID
    receivable_id: UUID
    title: str
    decision: str | None
    kind_id: UUID
    kind: str
    online: bool
    creditor_account_id: UUID | None
    number: int
    due_on: date
    principal: int  # grosze, as the query gives them
    interest: int
    costs: int
    captured: int  # on its way to the finance system
    held_until: datetime | None
    overdue: bool

    @property
    def grosze(self) -> int:
        """What is left, for sums."""
        return self.principal + self.interest + self.costs

    @property
    def total(self) -> Money:
        return Money(self.grosze)

    @property
    def amounts(self) -> Amounts:
        return Amounts(Money(self.principal), Money(self.interest), Money(self.costs))

    @property
    def coming(self) -> Money:
        return Money(self.captured)

    @property
    def is_split(self) -> bool:
        """There is more to it than the principal."""
        return self.interest != 0 or self.costs != 0


@dataclass(frozen=True)
class Debts:
    """All that is left to pay, with its sums."""

    rows: list[ToPay]
    total: Money
    overdue: Money
    as_of: datetime | None


def list_to_pay(session: TenantSession, *, payer_id: UUID, today: date, now: datetime) -> Debts:
    """Everything a payer can still pay, in the order of the page: kinds as the office put them, then due dates."""
    rows: list[ToPay] = []
    total = overdue = 0
    as_of = None
    for found in session.read(_TO_PAY, payer=payer_id, today=today, now=now):
        as_of = found.as_of
        row = ToPay._make((*found[:-1], found.due_on < today))
        total += row.grosze
        overdue += row.grosze if row.overdue else 0
        rows.append(row)
    return Debts(rows, Money(total), Money(overdue), as_of)


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
    FROM instalments i {_COMING}
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
    return {
        "receivable": found[0],
        "instalments": [
            _with_amounts(row._mapping) | {"overdue": row.due_on < clock.today()}
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


_OVERPAID = text("""
    SELECT coalesce(sum(amount), 0)::bigint FROM overpayments
    WHERE payer_id = ANY ((SELECT id || merged_from FROM payers WHERE id = :payer)::uuid[]) AND closed_at IS NULL
""")


def sum_overpayments(session: Session, *, payer_id: UUID) -> Money:
    return Money(int(session.execute(_OVERPAID, {"payer": payer_id}).scalar_one()))
