"""One receivable of a payer: what it is, each instalment with its interest, costs of reminders, the last operations.

Three statements, whatever the number of instalments and operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, LiteralString
from uuid import UUID

from skarbnik.db import TenantSession
from skarbnik.errors import NotFound
from skarbnik.money import ZERO, Amounts, Money
from skarbnik.plugin_api import LiabilityRole, OperationKind
from skarbnik.portal.debts import COMING, interest_of, is_estimated
from skarbnik.receivables.interest import Rules
from skarbnik.receivables.queries import IN_FORCE, LIABLE
from skarbnik.receivables.rules import CHANGED_AT, rules_of
from skarbnik.tenancy.models import SwitchName

LAST_OPERATIONS = 20  # the rest is a page of its own
MOST_NAMED: LiteralString = "100"  # a block of flats has more owners than anybody reads

_LIABLE_WITH: LiteralString = f"""
    FROM liabilities l JOIN payers n ON n.id = l.payer_id JOIN payers e ON e.id = coalesce(n.merged_into, n.id)
    WHERE l.receivable_id = r.id AND {IN_FORCE} AND e.id <> %(payer)s
"""
_OTHERS: LiteralString = f"(SELECT count(DISTINCT e.id) {_LIABLE_WITH})"
# Names stay in the database unless the gmina gives them away; addresses and PESEL always do.
_NAMED: LiteralString = f"""
    CASE WHEN (SELECT s.is_on FROM switches s WHERE s.name = '{SwitchName.NAME_CO_OWNERS}') THEN (
        SELECT json_agg(named) FROM (
            SELECT e.name, l.role, l.share_part, l.share_whole {_LIABLE_WITH}
            ORDER BY l.role, e.name, e.id LIMIT {MOST_NAMED}
        ) AS named
    ) END
"""  # noqa: S608  # our own words

# What a reminder was about stays hidden from who sold it since and still owes the cost: its title may have changed.
_SHOWN: LiteralString = f"EXISTS (SELECT FROM liabilities l WHERE l.receivable_id = p.id AND {LIABLE})"

_RECEIVABLE: LiteralString = f"""
    SELECT r.id, r.title, r.number, r.period_from, r.period_until, r.basis, r.account, r.closed_at, p.id AS parent_id,
        k.title AS kind, CASE WHEN k.online THEN k.resolution END AS resolution, a.nrb, a.owner,
        p.title AS parent_title,
        {_OTHERS} AS others, {_NAMED} AS named, l.share_part, l.share_whole,
        (SELECT s.as_of FROM sources s WHERE s.id = r.source) AS as_of,
        {CHANGED_AT} AS rules_changed_at
    FROM receivables r JOIN kinds k ON k.id = r.kind_id
    LEFT JOIN creditor_accounts a ON a.id = k.creditor_account_id
    LEFT JOIN receivables p ON p.id = r.parent_id AND {_SHOWN}
    JOIN liabilities l ON l.receivable_id = r.id AND {LIABLE}
    WHERE r.id = %(id)s ORDER BY l.role LIMIT 1
"""  # noqa: S608  # our own words

# Of the receivable, and of the costs of its reminders. Those are found among what the payer is liable for, which is
# little, and nobody is shown a cost that is another's.
_INSTALMENTS: LiteralString = f"""
    SELECT i.id, r.id AS receivable_id, r.title, r.closed_at IS NOT NULL AS ended, i.number, i.due_on, i.charged,
        i.closed_at IS NOT NULL AS closed, k.regime, k.interest AS mode,
        greatest(i.principal - coalesce(c.principal, 0), 0) AS principal,
        greatest(i.interest - coalesce(c.interest, 0), 0) AS interest,
        greatest(i.costs - coalesce(c.costs, 0), 0) AS costs,
        coalesce(c.principal + c.interest + c.costs, 0)::bigint AS captured
    FROM (
        SELECT %(id)s::uuid AS id
        UNION SELECT l.receivable_id FROM liabilities l JOIN receivables n ON n.id = l.receivable_id
        WHERE n.parent_id = %(id)s AND {LIABLE}
    ) AS wanted
    JOIN receivables r ON r.id = wanted.id
    JOIN kinds k ON k.id = r.kind_id
    JOIN instalments i ON i.receivable_id = r.id {COMING}
    ORDER BY r.title, r.id, i.number, i.due_on
"""  # noqa: S608  # our own words

_OPERATIONS: LiteralString = """
    SELECT kind, booked_on, document, principal, interest, costs, booking_id IS NOT NULL AS ours
    FROM operations WHERE receivable_id = %(id)s AND closed_at IS NULL
    ORDER BY booked_on DESC, id DESC LIMIT %(most)s
"""


@dataclass(frozen=True)
class InstalmentLine:
    """One instalment. Of what is closed nothing can be paid."""

    id: UUID
    number: int
    due_on: date
    charged: Money
    amounts: Amounts  # left, with interest to the day that was asked for
    coming: Money  # on its way to the finance system
    closed: bool
    overdue: bool


@dataclass
class ReminderCost:
    """The cost of a reminder (upomnienie) or of a summons, which is a receivable of its own."""

    id: UUID
    title: str
    left: Money = ZERO
    overdue: bool = False


@dataclass(frozen=True)
class OperationLine:
    booked_on: date
    kind: OperationKind
    document: str
    amount: Money
    ours: bool  # the echo of a payment through this portal


@dataclass(frozen=True)
class CoOwner:
    """Somebody who is liable as well: what the gmina lets a co-owner know of another."""

    name: str
    role: LiabilityRole
    share: str  # 1/2


@dataclass(frozen=True)
class OneReceivable:
    """What the page of a receivable shows. `head` is its row, as the finance system keeps it."""

    head: Any
    instalments: Sequence[InstalmentLine]
    costs: Sequence[ReminderCost]
    operations: Sequence[OperationLine]
    more_operations: bool
    estimated: bool = False  # some interest is ours, for a day the finance system has not spoken of
    left: Amounts = field(default_factory=Amounts)
    co_owners: Sequence[CoOwner] = ()  # none when the gmina does not name them

    @property
    def is_closed(self) -> bool:
        return self.head.closed_at is not None

    @property
    def is_payable(self) -> bool:
        return bool(self.left.total)

    @property
    def with_costs(self) -> Money:
        """What is left of it and of the costs of its reminders."""
        return Money.total([self.left.total, *(each.left for each in self.costs)])


def get_receivable(
    session: TenantSession, receivable_id: UUID, *, payer_id: UUID, today: date, day: date | None = None
) -> OneReceivable:
    """With interest to `day`, else to today. NotFound when this payer is not liable for it today."""
    found = session.read(_RECEIVABLE, id=receivable_id, payer=payer_id, today=today)
    if not found:
        raise NotFound(f"no receivable {receivable_id}")
    head, other_day = found[0], None if day == today else day
    rules = rules_of(session, changed_at=head.rules_changed_at, known=True)
    rows = session.read(_INSTALMENTS, id=receivable_id, payer=payer_id, today=today)
    lines = [_line(rules, row, other_day, today) for row in rows]
    own = [line for row, line in zip(rows, lines, strict=True) if row.receivable_id == receivable_id]
    operations = session.read(_OPERATIONS, id=receivable_id, most=LAST_OPERATIONS + 1)
    return OneReceivable(
        head=head,
        instalments=own,
        costs=_costs((row, line) for row, line in zip(rows, lines, strict=True) if row.receivable_id != receivable_id),
        operations=[_operation(row) for row in operations[:LAST_OPERATIONS]],
        more_operations=len(operations) > LAST_OPERATIONS,
        estimated=is_estimated((row for row in rows if not row.closed and row.principal), other_day),
        left=Amounts.sum(line.amounts for line in own),
        co_owners=[
            CoOwner(each["name"], LiabilityRole(each["role"]), f"{each['share_part']}/{each['share_whole']}")
            for each in head.named or ()
        ],
    )


def _line(rules: Rules, row: Any, other_day: date | None, today: date) -> InstalmentLine:
    closed = row.closed or row.ended
    interest = interest_of(rules, row, other_day, today)
    left = Amounts(Money(row.principal), Money(interest), Money(row.costs))
    return InstalmentLine(
        id=row.id,
        number=row.number,
        due_on=row.due_on,
        charged=Money(row.charged),
        amounts=Amounts() if closed else left,
        coming=Money(row.captured),
        closed=closed,
        overdue=not closed and bool(left.total) and rules.is_overdue(row.due_on, today),
    )


def _costs(pairs: Iterable[tuple[Any, InstalmentLine]]) -> list[ReminderCost]:
    found: dict[UUID, ReminderCost] = {}
    for row, line in pairs:
        cost = found.setdefault(row.receivable_id, ReminderCost(row.receivable_id, row.title))
        cost.left += line.amounts.total
        cost.overdue = cost.overdue or line.overdue
    return list(found.values())


def _operation(row: Any) -> OperationLine:
    amount = Money(row.principal + row.interest + row.costs)
    return OperationLine(row.booked_on, OperationKind(row.kind), row.document, amount, row.ours)


_TITLE: LiteralString = f"""
    SELECT r.title FROM receivables r WHERE r.id = %(id)s AND EXISTS (
        SELECT FROM liabilities l WHERE l.receivable_id = r.id AND {LIABLE})
"""  # noqa: S608  # our own words


def title_of(session: TenantSession, receivable_id: UUID, *, payer_id: UUID, today: date) -> str:
    """NotFound when this payer is not liable for it today."""
    found = session.read(_TITLE, id=receivable_id, payer=payer_id, today=today)
    if not found:
        raise NotFound(f"no receivable {receivable_id}")
    title: str = found[0].title
    return title
