"""Interest on what is paid late (odsetki), as pure functions of amounts, days and dated tables.

Tax law: odsetki za zwłokę, art. 53-57 and 63 Ordynacji podatkowej and the Minister's regulation on charging them
(Dz.U. 2015 poz. 2233): principal x days x yearly rate / 365, always 365; what the periods of several rates give is
added up, and only the sum is rounded. Civil law: odsetki ustawowe za opóźnienie, art. 481 Kodeksu cywilnego, to the
grosz.

Interest runs from the day after the due date to the day of payment, both included. A due date on a Saturday or a
holiday moves to the next working day (art. 12 § 5 Ordynacji, art. 115 Kodeksu); the date itself is never changed.
There is no interest on interest or on costs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

from skarbnik.errors import Invalid
from skarbnik.money import ZERO, Money
from skarbnik.plugin_api import Regime
from skarbnik.receivables.workdays import ONE_DAY, Workdays

DAYS = 365  # of every year, leap or not
HUNDREDTHS = 100 * 100  # a rate of 10.5 % is written as 1050


class NoRate(Invalid):
    """The table of rates begins after the day that is asked for: nobody can say what the interest is."""


class Variant(StrEnum):
    """What the law makes of the basic rate of tax interest."""

    BASIC = "basic"
    REDUCED = "reduced"  # a return corrected and paid by oneself, art. 56a
    RAISED = "raised"  # art. 56b
    PROLONGATION = "prolongation"  # opłata prolongacyjna for a deferral or instalments, art. 57 § 2


PER_CENT = {Variant.BASIC: 100, Variant.REDUCED: 50, Variant.RAISED: 150, Variant.PROLONGATION: 50}  # of the rate


class DatedTable:
    """Whole numbers that each hold from a day on, until the next one does: rates, thresholds, costs."""

    def __init__(self, steps: Iterable[tuple[date, int]]) -> None:
        self.steps = tuple(sorted(dict(steps).items()))
        self._days = [day.toordinal() for day, _value in self.steps]
        self._sums = [0]  # of value x days, before each step
        for (first, value), (following, _next) in pairwise(self.steps):
            self._sums.append(self._sums[-1] + value * (following - first).days)

    def value_on(self, day: date) -> int:
        """NoRate before the first step."""
        return self.steps[self._place(day.toordinal())][1]

    def sum_over(self, first: date, last: date) -> int:
        """Of the values of each day from `first` to `last`, both included; nothing when `last` comes before."""
        if last < first:
            return 0
        return self._sum_before(last.toordinal() + 1) - self._sum_before(first.toordinal())

    def periods(self, first: date, last: date) -> list[tuple[date, date, int]]:
        """The days from `first` to `last` as `(from, until, value)`, one for each value."""
        found = []
        while first <= last:
            place = self._place(first.toordinal())
            end = min(last, self.steps[place + 1][0] - ONE_DAY) if place + 1 < len(self.steps) else last
            found.append((first, end, self.steps[place][1]))
            first = end + ONE_DAY
        return found

    def _place(self, day: int) -> int:
        place = bisect_right(self._days, day) - 1
        if place < 0:
            raise NoRate(f"no value is known for {date.fromordinal(day)}")
        return place

    def _sum_before(self, day: int) -> int:
        place = self._place(day)
        return self._sums[place] + self.steps[place][1] * (day - self._days[place])


@dataclass(frozen=True)
class Rules:
    """What a gmina computes interest with: dated tables and the days on which nobody has to pay."""

    tax: DatedTable  # hundredths of a per cent a year
    civil: DatedTable
    threshold: DatedTable  # grosze; tax interest of no more than this is not charged (art. 54 § 1 pkt 5)
    reminder_cost: DatedTable  # grosze (art. 15 ustawy o postępowaniu egzekucyjnym w administracji)
    others_limit: DatedTable  # grosze of a tax that anybody may pay in another's name (art. 62b § 1 pkt 3 Ordynacji)
    workdays: Workdays

    def first_day(self, due_on: date) -> date:
        """The first day of interest for something due on that day."""
        return self.workdays.move(due_on) + ONE_DAY

    def is_overdue(self, due_on: date, today: date) -> bool:
        return today >= self.first_day(due_on)

    def interest(
        self, regime: Regime, principal: Money, *, due_on: date, paid_on: date, variant: Variant = Variant.BASIC
    ) -> Money:
        """What is owed besides a principal that is paid on `paid_on`. NoRate when the tables do not reach back."""
        first = self.first_day(due_on)
        if regime is Regime.NONE or principal <= ZERO or paid_on < first:
            return ZERO
        if regime is Regime.CIVIL:
            return civil_interest(principal, self.civil, first=first, last=paid_on)
        threshold = Money(self.threshold.value_on(paid_on))
        return tax_interest(principal, self.tax, threshold, first=first, last=paid_on, variant=variant)


def accrued(principal: Money, table: DatedTable, *, first: date, last: date, per_cent: int = 100) -> tuple[int, int]:
    """The exact interest from `first` to `last` as a fraction of grosze: numerator and denominator."""
    return principal.grosze * table.sum_over(first, last) * per_cent, DAYS * HUNDREDTHS * 100


def tax_interest(
    principal: Money,
    table: DatedTable,
    threshold: Money,
    *,
    first: date,
    last: date,
    variant: Variant = Variant.BASIC,
) -> Money:
    """In whole złote, halves up (art. 63 § 1); nothing when it is no more than the threshold (art. 54 § 1 pkt 5).

    The threshold is looked at before rounding, and not for the prolongation fee, which is no interest.
    """
    above, below = accrued(principal, table, first=first, last=last, per_cent=PER_CENT[variant])
    if variant is not Variant.PROLONGATION and above <= threshold.grosze * below:
        return ZERO
    return Money(_rounded(above, below * 100) * 100)


def civil_interest(principal: Money, table: DatedTable, *, first: date, last: date) -> Money:
    """To the grosz, halves up (art. 481 § 2 Kodeksu cywilnego)."""
    return Money(_rounded(*accrued(principal, table, first=first, last=last)))


def _rounded(above: int, below: int) -> int:
    """A fraction that is not negative, to the nearest whole; halves go up."""
    return (2 * above + below) // (2 * below)
