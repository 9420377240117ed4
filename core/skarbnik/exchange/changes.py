"""What changed for one payer between two files of their finance system.

A row tells which run wrote it last; what it was before stands in `replaced_rows` with the runs that wrote and replaced
it. So each row has one version for each file, and two files differ where their versions do.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from skarbnik.money import ZERO, Money
from skarbnik.receivables.scopes import IN_SCOPE

MOST = 500  # rows of one kind: a page that nobody reads to its end


class Version(NamedTuple):
    """What a row said; `amount` is all that was left to pay, or an overpayment."""

    closed: bool
    title: str | None
    number: str | None
    account: str | None
    due_on: date | None
    principal: Money | None
    interest: Money | None
    costs: Money | None

    @property
    def amount(self) -> Money:
        if self.closed:
            return ZERO
        return Money.total(each for each in (self.principal, self.interest, self.costs) if each is not None)


@dataclass(frozen=True)
class Changed:
    """A row that is new (no `before`) or different."""

    before: Version | None
    after: Version
    number: int | None = None  # of an instalment


@dataclass(frozen=True)
class Came:
    """An operation the files between brought."""

    kind: str
    booked_on: date
    document: str
    amount: Money


@dataclass
class Part:
    """One receivable with everything about it that the files between changed."""

    receivable_id: UUID
    title: str
    external_id: str
    itself: Changed | None = None
    instalments: list[Changed] = field(default_factory=list)
    operations: list[Came] = field(default_factory=list)
    liable: str | None = None  # "new" or "ended", for this payer

    @property
    def difference(self) -> Money:
        """How much more, or less, is left to pay."""
        return Money.total(
            each.after.amount - (each.before.amount if each.before else ZERO) for each in self.instalments
        )


@dataclass(frozen=True)
class Comparison:
    """Everything of one payer that two files say differently."""

    parts: list[Part]
    overpayments: list[Changed]
    is_cut: bool  # more changed than is shown and counted

    @property
    def difference(self) -> Money:
        return Money.total(part.difference for part in self.parts)


_MINE = f"""
    WITH mine AS (
        SELECT l.receivable_id AS id FROM payers p
        JOIN liabilities l ON l.payer_id = ANY(array_append(p.merged_from, p.id))
        JOIN receivables r ON r.id = l.receivable_id AND {IN_SCOPE}
        WHERE p.id = :payer GROUP BY 1
    )
"""  # noqa: S608  # our own words
_RECEIVABLES = text(
    f"""{_MINE} SELECT r.id, r.id AS receivable_id, r.closed_at IS NOT NULL AS closed, r.title, r.number, r.account,
        NULL AS due_on, NULL AS principal, NULL AS interest, NULL AS costs, w.number AS written, NULL AS turn
    FROM mine JOIN receivables r ON r.id = mine.id JOIN import_runs w ON w.id = r.run_id
    WHERE w.number > :older ORDER BY r.id LIMIT {MOST}"""  # noqa: S608  # our own words
)
_INSTALMENTS = text(
    f"""{_MINE} SELECT i.id, i.receivable_id, i.closed_at IS NOT NULL AS closed, NULL AS title, NULL AS number,
        NULL AS account, i.due_on, i.principal, i.interest, i.costs, w.number AS written, i.number AS turn
    FROM mine JOIN instalments i ON i.receivable_id = mine.id JOIN import_runs w ON w.id = i.run_id
    WHERE w.number > :older ORDER BY i.due_on, i.id LIMIT {MOST}"""  # noqa: S608  # our own words
)
_OVERPAYMENTS = text(
    f"""SELECT o.id, o.receivable_id, o.closed_at IS NOT NULL AS closed, NULL AS title, NULL AS number, NULL AS account,
        NULL AS due_on, o.amount AS principal, NULL AS interest, NULL AS costs, w.number AS written, NULL AS turn
    FROM payers p JOIN overpayments o ON o.payer_id = ANY(array_append(p.merged_from, p.id))
    JOIN import_runs w ON w.id = o.run_id LEFT JOIN receivables r ON r.id = o.receivable_id
    WHERE p.id = :payer AND w.number > :older AND {IN_SCOPE} ORDER BY o.id LIMIT {MOST}"""  # noqa: S608  # our own words
)
_OPERATIONS = text(
    f"""{_MINE} SELECT o.receivable_id, o.kind, o.booked_on, o.document,
        (o.principal + o.interest + o.costs)::bigint AS amount
    FROM mine JOIN operations o ON o.receivable_id = mine.id JOIN import_runs w ON w.id = o.run_id
    WHERE w.number > :older AND w.number <= :newer AND o.closed_at IS NULL
    ORDER BY o.booked_on, o.id LIMIT {MOST}"""  # noqa: S608  # our own words
)
_LIABLE = text(
    f"""SELECT l.receivable_id, bool_and(l.closed_at IS NOT NULL) AS ended
    FROM payers p JOIN liabilities l ON l.payer_id = ANY(array_append(p.merged_from, p.id))
    JOIN import_runs w ON w.id = l.run_id JOIN receivables r ON r.id = l.receivable_id AND {IN_SCOPE}
    WHERE p.id = :payer AND w.number > :older AND w.number <= :newer GROUP BY 1 LIMIT {MOST}"""  # noqa: S608  # our own words
)
_BEFORE = text("""
    SELECT v.row_id, v.closed, v.title, v.number, v.account, v.due_on, v.principal, v.interest, v.costs,
        coalesce(w.number, 0) AS written, x.number AS replaced
    FROM replaced_rows v JOIN import_runs x ON x.id = v.replaced_by LEFT JOIN import_runs w ON w.id = v.written_by
    WHERE v.row_id = ANY(:ids)
""")
_NAMES = text("SELECT id, title, external_id FROM receivables WHERE id = ANY(:ids)")


def compare(session: Session, payer_id: UUID, *, older: int, newer: int, kinds: list[UUID] | None = None) -> Comparison:
    """What file `newer` (its number) says differently from file `older`, of all this payer is or was liable for.

    With `kinds` nothing of other kinds is looked at, nor an overpayment of no kind.
    """
    words = {"payer": payer_id, "older": older, "newer": newer, "kinds": kinds}
    parts: dict[UUID, Part] = {}
    receivables = _changed(session, _RECEIVABLES, words)
    instalments = _changed(session, _INSTALMENTS, words)
    operations = session.execute(_OPERATIONS, words).all()
    liable = session.execute(_LIABLE, words).all()
    touched = {row.receivable_id for row, _ in receivables + instalments}
    touched |= {row.receivable_id for row in operations} | {row.receivable_id for row in liable}
    for row in session.execute(_NAMES, {"ids": list(touched)}):
        parts[row.id] = Part(row.id, row.title, row.external_id)
    for row, changed in receivables:
        parts[row.receivable_id].itself = changed
    for row, changed in instalments:
        parts[row.receivable_id].instalments.append(changed)
    for row in operations:
        parts[row.receivable_id].operations.append(Came(row.kind, row.booked_on, row.document, Money(row.amount)))
    for row in liable:
        parts[row.receivable_id].liable = "ended" if row.ended else "new"
    overpayments = [changed for _, changed in _changed(session, _OVERPAYMENTS, words)]
    return Comparison(
        parts=sorted(parts.values(), key=lambda part: (part.title, part.external_id)),
        overpayments=overpayments,
        is_cut=any(len(each) == MOST for each in (receivables, instalments, operations, liable, overpayments)),
    )


def _changed(session: Session, query: Any, words: dict[str, Any]) -> list[tuple[Row[Any], Changed]]:
    """Rows written after the older file, with what they were in it and in the newer one, where the two differ."""
    rows = session.execute(query, words).all()
    earlier: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for version in session.execute(_BEFORE, {"ids": [row.id for row in rows]}):
        earlier[version.row_id].append(version)
    found = []
    for row in rows:
        before = _at(words["older"], row, earlier[row.id])
        after = _at(words["newer"], row, earlier[row.id])
        if after is not None and before != after:
            found.append((row, Changed(before, after, row.turn)))
    return found


def _at(number: int, row: Row[Any], earlier: list[Row[Any]]) -> Version | None:
    """The version a row had in a file. None when it was not there yet, or longer ago than versions are kept."""
    if row.written <= number:
        return _version(row)
    return next((_version(each) for each in earlier if each.written <= number < each.replaced), None)


def _version(row: Row[Any]) -> Version:
    principal, interest, costs = (
        Money(each) if each is not None else None for each in (row.principal, row.interest, row.costs)
    )
    return Version(row.closed, row.title, row.number, row.account, row.due_on, principal, interest, costs)
