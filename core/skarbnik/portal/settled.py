"""What is behind a payer: receivables of ended years that are closed or wholly settled. Two statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import LiteralString
from uuid import UUID

from skarbnik.db import TenantSession
from skarbnik.money import Money
from skarbnik.portal.debts import OWED
from skarbnik.receivables.queries import LIABLE

PAGE = 30

# The year of a receivable is that in which its period ends, else its last due date; of one that was closed earlier (a
# contract repaid before its time) the year of that. Settled is what the finance system
# says: money on its way to it is not in its books yet. What went back is owed at once.
_SETTLED: LiteralString = f"""
    SELECT r.id, r.title, r.number, r.closed_at IS NOT NULL AS closed, k.id AS kind_id, k.title AS kind, i.charged,
        extract(year FROM least(
            coalesce(r.period_until, i.last_due, r.period_from), (r.closed_at AT TIME ZONE 'Europe/Warsaw')::date
        ))::integer AS year
    FROM (SELECT DISTINCT l.receivable_id FROM liabilities l WHERE {LIABLE}) AS l
    JOIN receivables r ON r.id = l.receivable_id
    JOIN kinds k ON k.id = r.kind_id
    CROSS JOIN LATERAL (
        SELECT max(due_on) AS last_due, sum(charged)::bigint AS charged,
            coalesce(bool_or({OWED}) FILTER (WHERE i.closed_at IS NULL), false) AS owed
        FROM instalments i WHERE i.receivable_id = r.id
    ) AS i
    WHERE r.closed_at IS NOT NULL OR NOT i.owed
"""  # noqa: S608  # our own words
_PAGE: LiteralString = f"""
    SELECT s.id, s.title, s.number, s.closed, s.kind, s.year, coalesce(o.charged, s.charged, 0) AS charged,
        coalesce(o.paid, 0) AS paid, coalesce(o.remitted, 0) AS remitted, o.last_on
    FROM (
        SELECT * FROM ({_SETTLED}) AS every
        WHERE year < %(this_year)s AND (%(year)s::integer IS NULL OR year = %(year)s)
            AND (%(kind)s::uuid IS NULL OR kind_id = %(kind)s)
        ORDER BY year DESC, title, id LIMIT {PAGE + 1} OFFSET %(skipped)s
    ) AS s
    CROSS JOIN LATERAL (
        SELECT max(booked_on) AS last_on,
            sum(principal + interest + costs) FILTER (WHERE kind IN ('charge', 'decrease'))::bigint AS charged,
            -sum(principal + interest + costs)
                FILTER (WHERE kind IN ('payment', 'refund', 'rebooking'))::bigint AS paid,
            -sum(principal + interest + costs) FILTER (WHERE kind = 'remission')::bigint AS remitted
        FROM operations WHERE receivable_id = s.id AND closed_at IS NULL
    ) AS o
    ORDER BY s.year DESC, s.title, s.id
"""  # noqa: S608  # our own words
_CHOICES: LiteralString = f"""
    SELECT DISTINCT year, kind_id, kind FROM ({_SETTLED}) AS every WHERE year < %(this_year)s ORDER BY year DESC, kind
"""  # noqa: S608  # our own words


@dataclass(frozen=True)
class SettledLine:
    """One receivable that is behind the payer, with what the finance system booked for it."""

    id: UUID
    title: str
    number: str | None
    closed: bool
    kind: str
    year: int
    charged: Money
    paid: Money  # with what was re-booked to it, less refunds
    remitted: Money
    last_on: date | None  # the day of the last booking


@dataclass(frozen=True)
class Settled:
    """A page of them by year, the newest first, and what there is to choose from."""

    years: Sequence[tuple[int, Sequence[SettledLine]]]
    more: bool
    all_years: Sequence[int]
    kinds: Mapping[UUID, str]
    year: int | None
    kind: UUID | None

    @property
    def words(self) -> dict[str, str]:
        """The choice as words of an address."""
        return {name: str(value) for name, value in (("year", self.year), ("kind", self.kind)) if value}


def list_settled(
    session: TenantSession, *, payer_id: UUID, today: date, address: Mapping[str, str], page: int = 1
) -> Settled:
    """What the address chose; what it asked for and nobody has filters nothing."""
    words = {"payer": payer_id, "today": today, "this_year": today.year}
    choices = session.read(_CHOICES, **words)
    years = list(dict.fromkeys(row.year for row in choices))
    kinds = {row.kind_id: row.kind for row in sorted(choices, key=lambda row: row.kind)}
    year = next((each for each in years if str(each) == address.get("year")), None)
    kind = next((each for each in kinds if str(each) == address.get("kind")), None)
    rows = session.read(_PAGE, **words, year=year, kind=kind, skipped=(page - 1) * PAGE)
    lines = [
        SettledLine(
            row.id, row.title, row.number, row.closed, row.kind, row.year, Money(row.charged), Money(row.paid),
            Money(row.remitted), row.last_on,
        )
        for row in rows[:PAGE]
    ]  # fmt: skip
    groups = [(each, list(found)) for each, found in groupby(lines, key=lambda line: line.year)]
    return Settled(groups, len(rows) > PAGE, years, kinds, year, kind)
