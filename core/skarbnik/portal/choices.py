"""Which of the debts somebody wants to see, and in which order: read from the address, so that it can be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from skarbnik.portal.debts import SOON, ToPay

LONGEST_TEXT = 80
ORDERS = ("due", "amount")
STATES = ("overdue", "soon")
MARKS = str.maketrans("ąćęłńóśźż", "acelnoszz")


@dataclass(frozen=True)
class Choice:
    """What was chosen. What the address asked for and nobody has is left out: it filters nothing."""

    q: str = ""
    kind: UUID | None = None
    state: str = ""
    year: int | None = None
    sort: str = ""

    @property
    def words(self) -> dict[str, str]:
        """The same as words of an address."""
        found = {"q": self.q, "kind": self.kind, "state": self.state, "year": self.year, "sort": self.sort}
        return {name: str(value) for name, value in found.items() if value}

    @property
    def is_any(self) -> bool:
        return bool(self.words)

    def apply(self, rows: Sequence[ToPay], today: date) -> list[ToPay]:
        if not self.is_any:
            return list(rows)
        found = [row for row in rows if self._fits(row, today)]
        if self.sort == "due":
            found.sort(key=lambda row: row.due_on)
        elif self.sort == "amount":
            found.sort(key=lambda row: -row.grosze)
        return found

    def _fits(self, row: ToPay, today: date) -> bool:
        if self.kind not in {None, row.kind_id} or self.year not in {None, row.year}:
            return False
        if self.state == "overdue" and not row.overdue:
            return False
        if self.state == "soon" and (row.overdue or row.due_on > today + SOON):
            return False
        return not self.q or _bare(self.q) in _bare(f"{row.title}\n{row.decision or ''}")


def _bare(text: str) -> str:
    """Without capitals and Polish marks, which many leave out on a telephone."""
    return text.casefold().translate(MARKS)


def read_choice(address: Mapping[str, str], rows: Sequence[ToPay]) -> Choice:
    """The choice of an address among these rows."""
    if not address:
        return Choice()
    kind, year = address.get("kind"), address.get("year")
    return Choice(
        q=address.get("q", "").strip()[:LONGEST_TEXT],
        kind=next((row.kind_id for row in rows if str(row.kind_id) == kind), None),
        state=_one_of(STATES, address.get("state")),
        year=next((row.year for row in rows if str(row.year) == year), None),
        sort=_one_of(ORDERS, address.get("sort")),
    )


def _one_of(known: tuple[str, ...], wanted: str | None) -> str:
    return wanted if wanted in known else ""
