"""Days on which nobody has to pay: Saturdays, Sundays, and holidays of the law.

An office's own day off is none of them: it moves no due date (art. 12 § 5 Ordynacji, art. 115 Kodeksu cywilnego).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

from holidays import country_holidays

SATURDAY = 5
ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=200)
def holidays_of(year: int) -> dict[date, str]:
    """Days free from work by law, with their Polish names (ustawa z 18 stycznia 1951 r. o dniach wolnych od pracy)."""
    return dict(country_holidays("PL", years=year, language="pl"))


class Workdays:
    """The calendar of one gmina: `free` are days of a law the product does not know yet."""

    def __init__(self, free: Iterable[date] = ()) -> None:
        self.free = frozenset(free)
        self._moved: dict[date, date] = {}  # due dates are few, and asked for again and again

    def is_free(self, day: date) -> bool:
        return day.weekday() >= SATURDAY or day in self.free or day in holidays_of(day.year)

    def move(self, day: date) -> date:
        """That day, or the next working day after it."""
        moved = self._moved.get(day)
        if moved is None:
            moved = day
            while self.is_free(moved):
                moved += ONE_DAY
            self._moved[day] = moved
        return moved
