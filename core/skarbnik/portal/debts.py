"""Everything a payer can still pay: one statement, whatever the number of kinds, receivables and instalments."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from skarbnik.db import TenantSession
from skarbnik.money import ZERO, Amounts, Money
from skarbnik.payments.states import ON_ITS_WAY_SQL
from skarbnik.plugin_api import Regime
from skarbnik.receivables.interest import Rules
from skarbnik.receivables.models import InterestMode
from skarbnik.receivables.queries import LIABLE
from skarbnik.receivables.rules import CHANGED_AT, interest_to, rules_of

SOON = timedelta(days=14)

# The figures of the finance system less captured money it has not echoed yet; never below zero in any part.
COMING: LiteralString = f"""
    LEFT JOIN LATERAL (
        SELECT sum(b.principal)::bigint AS principal, sum(b.interest)::bigint AS interest,
            sum(b.costs)::bigint AS costs
        FROM booking_lines b
        WHERE b.instalment_id = i.id AND b.seen_at IS NULL AND b.state IN ({ON_ITS_WAY_SQL})
    ) AS c ON true
"""  # noqa: S608  # our own words

# What is left of an instalment, also when the finance system has not heard yet that money for it went back. That is
# looked up by the index, of which OFFSET makes sure: else the open bookings of everybody might be read.
OWED: LiteralString = f"""
    (i.principal + i.interest + i.costs > 0 OR EXISTS (
        SELECT FROM booking_lines b
        WHERE b.instalment_id = i.id AND b.seen_at IS NULL AND b.refund_id IS NOT NULL
            AND b.state IN ({ON_ITS_WAY_SQL}) OFFSET 0
    ))
"""  # our own words

OVERPAID: LiteralString = """
    (SELECT coalesce(sum(amount), 0)::bigint FROM overpayments
     WHERE payer_id = ANY ((SELECT id || merged_from FROM payers WHERE id = %(payer)s)::uuid[]) AND closed_at IS NULL)
"""

# As `Kind.takes_parts`.
TAKES_PARTS: LiteralString = f"""
    (k.in_parts AND NOT (k.regime = '{Regime.CIVIL}' AND k.interest = '{InterestMode.COMPUTED}'))
"""  # our own words

TO_PAY: LiteralString = f"""
    SELECT i.id, r.id AS receivable_id, r.title, r.number AS decision, k.id AS kind_id, k.title AS kind,
        k.online AND k.creditor_account_id IS NOT NULL AS online, k.creditor_account_id, i.number, i.due_on,
        greatest(i.principal - coalesce(c.principal, 0), 0) AS principal,
        greatest(i.interest - coalesce(c.interest, 0), 0) AS interest,
        greatest(i.costs - coalesce(c.costs, 0), 0) AS costs,
        coalesce(c.principal + c.interest + c.costs, 0) AS captured, h.held_until, h.own_order,
        {TAKES_PARTS} AS takes_parts, k.resolution, k.regime, k.interest AS mode, r.period_from, {OVERPAID} AS overpaid,
        (SELECT s.as_of FROM payers p JOIN sources s ON s.id = p.source WHERE p.id = %(payer)s) AS as_of,
        {CHANGED_AT} AS rules_changed_at
    FROM (
        SELECT DISTINCT l.receivable_id FROM liabilities l WHERE {LIABLE}
    ) AS l
    JOIN receivables r ON r.id = l.receivable_id AND r.closed_at IS NULL
    JOIN kinds k ON k.id = r.kind_id
    JOIN instalments i ON i.receivable_id = r.id AND i.closed_at IS NULL AND {OWED}
    {COMING}
    LEFT JOIN LATERAL (
        SELECT o.held_until, CASE WHEN o.payer_id = %(payer)s AND o.link_id IS NULL THEN o.number END AS own_order
        FROM order_lines ol JOIN payment_orders o ON o.id = ol.order_id
        WHERE ol.instalment_id = i.id AND o.held_until > %(now)s AND o.state IN ('created', 'started')
        ORDER BY own_order NULLS LAST, o.held_until DESC LIMIT 1
    ) AS h ON true
    ORDER BY k.position, k.title, i.due_on, r.external_id, i.number
    LIMIT 20000
"""  # noqa: S608  # our own words


class ToPay(NamedTuple):
    """One instalment that is left to pay, as a line of the list.

    The first columns of the query in their order, then what follows from the rules. Hundreds are read for one page, so
    amounts become `Money` only where somebody looks at them.
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
    principal: int  # grosze
    interest: int  # to the day that was asked for
    costs: int
    captured: int  # on its way to the finance system
    held_until: datetime | None
    own_order: str | None  # the number of this payer's own order that holds it
    overdue: bool
    year: int
    takes_parts: bool = False  # less than all of it may be paid
    resolution: str | None = None  # of the council that allows payment online
    regime: str = Regime.TAX

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
    """All that is left to pay on a day, with its sums."""

    rows: list[ToPay]
    total: Money = ZERO
    interest: Money = ZERO
    overdue: Money = ZERO
    soon: Money = ZERO  # due within a fortnight
    as_of: datetime | None = None
    estimated: bool = False  # some interest is ours, for a day the finance system has not spoken of
    overpaid: Money = ZERO  # paid, and for nothing yet (nadpłata)


def list_to_pay(
    session: TenantSession,
    *,
    payer_id: UUID,
    today: date,
    now: datetime,
    day: date | None = None,
    kinds: Collection[UUID] | None = None,
) -> Debts:
    """In the order of the page: kinds as the office put them, then due dates. Interest to `day`, else to today.

    With `kinds` nothing of other kinds is listed or summed, nor an overpayment, which may be of any or of none.
    """
    found = session.read(TO_PAY, payer=payer_id, today=today, now=now)
    if kinds is not None:
        found = [each for each in found if each.kind_id in kinds]
        if not found:
            return Debts([])
    if not found:
        (sums,) = session.read(f"SELECT {OVERPAID} AS overpaid", payer=payer_id)
        return Debts([], overpaid=Money(sums.overpaid))
    rules = rules_of(session, changed_at=found[0].rules_changed_at, known=True)
    other_day = None if day == today else day
    rows: list[ToPay] = []
    total = interest = overdue = soon = 0
    soon_until = today + SOON
    for each in found:
        due_on = each.due_on
        late = due_on < today and rules.is_overdue(due_on, today)
        own = interest_of(rules, each, other_day, today)
        year = (each.period_from or due_on).year
        rows.append(ToPay._make((*each[:11], own, *each[12:16], late, year, *each[16:19])))
        left = each.principal + own + each.costs
        total += left
        interest += own
        if late:
            overdue += left
        elif due_on <= soon_until:
            soon += left
    return Debts(
        rows,
        total=Money(total),
        interest=Money(interest),
        overdue=Money(overdue),
        soon=Money(soon),
        as_of=found[0].as_of,
        overpaid=Money(found[0].overpaid) if kinds is None else ZERO,
        estimated=is_estimated(found, other_day),
    )


def interest_of(rules: Rules, each: Any, day: date | None, today: date) -> int:
    """Grosze: what the finance system said of an instalment, or computed to today or to another `day`."""
    if (day is None and each.mode != InterestMode.COMPUTED) or each.regime == Regime.NONE:
        given: int = each.interest
        return given
    return interest_to(
        rules, each.regime, Money(each.principal), Money(each.interest), each.due_on, day or today
    ).grosze


def is_estimated(rows: Iterable[Any], day: date | None) -> bool:
    """Whether some interest for another day than today is ours, and not as the finance system will count it."""
    return day is not None and any(each.mode == InterestMode.GIVEN and each.regime != Regime.NONE for each in rows)
