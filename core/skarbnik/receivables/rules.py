"""The law's values by date: as shipped for the country, and what a gmina's office added to them or corrected."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import LiteralString

from skarbnik.db import TenantSession
from skarbnik.money import Money
from skarbnik.plugin_api import Regime
from skarbnik.receivables.interest import DatedTable, NoRate, Rules
from skarbnik.receivables.models import DatedKind
from skarbnik.receivables.workdays import Workdays

Own = Mapping[tuple[str, date], int]  # what an office added: kind and day, and the value from that day on


@dataclass(frozen=True)
class Step:
    """A value from a day on. `verified`: compared with the announcement itself."""

    from_on: date
    value: int  # hundredths of a per cent, or grosze
    verified: bool


@dataclass(frozen=True)
class Shipped:
    """One table of the country."""

    unit: str  # percent, money
    source: str
    steps: tuple[Step, ...]


def _read() -> dict[str, Shipped]:
    words = tomllib.loads((files("skarbnik.receivables") / "rates.toml").read_text(encoding="utf-8"))
    return {
        name: Shipped(
            unit=table["unit"],
            source=table["source"],
            steps=tuple(
                Step(date.fromisoformat(day), Money.parse(value).grosze, verified=not unsure)
                for day, value, *unsure in table["steps"]
            ),
        )
        for name, table in words.items()
    }


SHIPPED = _read()


def make_rules(own: Own | None = None) -> Rules:
    """Rules of a gmina: its own values win over the country's of the same day."""
    own = own or {}

    def table(kind: DatedKind) -> DatedTable:
        shipped = {step.from_on: step.value for step in SHIPPED[kind].steps}
        added = {day: value for (name, day), value in own.items() if name == kind}
        return DatedTable((shipped | added).items())

    return Rules(
        tax=table(DatedKind.TAX_RATE),
        civil=table(DatedKind.CIVIL_RATE),
        threshold=table(DatedKind.TAX_THRESHOLD),
        reminder_cost=table(DatedKind.REMINDER_COST),
        others_limit=table(DatedKind.OTHERS_LIMIT),
        workdays=Workdays(day for (name, day), _value in own.items() if name == DatedKind.FREE_DAY),
    )


def interest_to(rules: Rules, regime: str, principal: Money, given: Money, due_on: date, day: date) -> Money:
    """Interest of a principal to a day; what the finance system gave where the tables do not reach back."""
    try:
        return rules.interest(Regime(regime), principal, due_on=due_on, paid_on=day)
    except NoRate:
        return given


# The moment of the newest change among the office's values; a removed one leaves its moment behind in a tombstone.
CHANGED_AT: LiteralString = "(SELECT max(v.changed_at) FROM dated_values v)"
_OWN: LiteralString = "SELECT v.kind, v.from_on, v.value, v.changed_at FROM dated_values v"
_MARK: LiteralString = f"SELECT {CHANGED_AT} AS changed_at"  # our own words


def rules_of(session: TenantSession, *, changed_at: datetime | None = None, known: bool = False) -> Rules:
    """The rules of the session's gmina, remembered by the process until an office changes a value.

    Who has read `CHANGED_AT` beside something else gives it with `known`, and saves a question.
    """
    if not known:
        (mark,) = session.read(_MARK)
        changed_at = mark.changed_at
    return _remembered(session, changed_at)


_REMEMBERED: dict[str, tuple[datetime | None, Rules]] = {}


def _remembered(session: TenantSession, changed_at: datetime | None) -> Rules:
    found = _REMEMBERED.get(session.tenant_id)
    if found is not None and found[0] == changed_at:
        return found[1]
    if changed_at is None:
        rules = _of_the_country()
    else:
        rows = session.read(_OWN)
        rules = make_rules({(row.kind, row.from_on): row.value for row in rows if row.value is not None})
        changed_at = max(row.changed_at for row in rows)
    _REMEMBERED[session.tenant_id] = (changed_at, rules)
    return rules


@lru_cache
def _of_the_country() -> Rules:
    return make_rules()
