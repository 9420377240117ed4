"""From checked temporary tables into the gmina's tables, in the transaction that staged them.

Only new and changed rows are written: a row whose keyed digest is the one we have is not touched. What a full file no
longer has is closed. Instalments that change or close are locked in the order of their ids first, as payments do. What
a receivable, an instalment or an overpayment was before is kept in `replaced_rows`: a clerk compares two runs by it.

In the first load of a source every row is new, so rows go in while the file is still being read, on the other
processor. The checks still see all of it, and a refusal rolls it back (docs/decisions/0006-first-load.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from skarbnik.db import first_id_of
from skarbnik.exchange.statements import (
    BLOCKS,
    BLOCKS_LEFT,
    CODES_FREED,
    DOCUMENTS_CHANGED,
    DOCUMENTS_GONE,
    DOCUMENTS_NEW,
    DOCUMENTS_UNKNOWN,
    FORGET,
    INSTALMENTS_CHANGED,
    INSTALMENTS_GONE,
    INSTALMENTS_LOCKED,
    INSTALMENTS_MISSED,
    INSTALMENTS_NEW,
    INSTALMENTS_UNKNOWN,
    KEPT_FOR,
    KINDS,
    KNOWN,
    LIABILITIES_CHANGED,
    LIABILITIES_GONE,
    LIABILITIES_NEW,
    LIABILITIES_UNKNOWN,
    LOOK_UPS,
    OPEN_DEBTS,
    OPERATIONS_CHANGED,
    OPERATIONS_GONE,
    OPERATIONS_NEW,
    OPERATIONS_UNKNOWN,
    OVERPAYMENTS_CHANGED,
    OVERPAYMENTS_NEW,
    OVERPAYMENTS_UNKNOWN,
    PAYERS_CHANGED,
    PAYERS_MERGED,
    PAYERS_MERGED_FROM,
    PAYERS_NEW,
    PAYERS_NEXT,
    PAYERS_UNKNOWN,
    PLACES,
    RECEIVABLES_CHANGED,
    RECEIVABLES_NEW,
    RECEIVABLES_PARENT,
    RECEIVABLES_UNKNOWN,
    VANISHING,
    keeping,
    vanished,
)
from skarbnik.plugin_api import ImportKind

# Order matters: what is referred to comes first.
NEW: dict[str, tuple[str, str]] = {
    "payers": (PAYERS_NEW, PAYERS_UNKNOWN),
    "receivables": (RECEIVABLES_NEW, RECEIVABLES_UNKNOWN),
    "liabilities": (LIABILITIES_NEW, LIABILITIES_UNKNOWN),
    "instalments": (INSTALMENTS_NEW, INSTALMENTS_UNKNOWN),
    "operations": (OPERATIONS_NEW, OPERATIONS_UNKNOWN),
    "overpayments": (OVERPAYMENTS_NEW, OVERPAYMENTS_UNKNOWN),
    "documents": (DOCUMENTS_NEW, DOCUMENTS_UNKNOWN),
}
LATER: dict[str, list[tuple[str, str]]] = {
    "payers": [("changed", PAYERS_CHANGED), ("merged", PAYERS_MERGED)],
    "receivables": [("changed", RECEIVABLES_CHANGED), ("moved", RECEIVABLES_PARENT)],
    "liabilities": [("changed", LIABILITIES_CHANGED), ("closed", LIABILITIES_GONE)],
    "instalments": [("changed", INSTALMENTS_CHANGED), ("closed", INSTALMENTS_GONE)],
    "operations": [("changed", OPERATIONS_CHANGED)],
    "overpayments": [("changed", OVERPAYMENTS_CHANGED)],
    "documents": [("changed", DOCUMENTS_CHANGED), ("closed", DOCUMENTS_GONE)],
}
LINKED = {"merged", "moved"}  # rows that name rows of their own table: last, when all of them are there

# What names a row that may come later in the file waits for the end of it.
NOT_YET = {
    "operations": " WHERE (s.instalment IS NULL) = (i.id IS NULL)",
    "overpayments": " WHERE (s.receivable IS NULL) = (r.id IS NULL)",
}

NOTHING_YET = " AND ".join(
    f"NOT EXISTS (SELECT FROM {table} WHERE source = %(source)s)" for table in NEW if table != "liabilities"
)


@dataclass
class Merged:
    """How many rows of which table became new, changed, closed."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, table: str, what: str, number: int) -> None:
        if number:
            numbers = self.counts.setdefault(table, {})
            numbers[what] = numbers.get(what, 0) + number


@dataclass(frozen=True)
class Vanishing:
    """Open debts of one kind that would be closed: how many, and how many grosze."""

    kind: str
    number: int
    grosze: int


class Merge:
    """One merge of one file. The caller's transaction makes it all or nothing."""

    def __init__(
        self,
        connection: psycopg.Connection,
        *,
        source: str,
        run_id: UUID,
        now: datetime,
        owner: str,
        key_version: int,
    ) -> None:
        self.connection = connection
        self.words: dict[str, Any] = {
            "source": source,
            "run": run_id,
            "now": now,
            "owner": owner,
            "key": key_version,
            "long_ago": first_id_of(now - KEPT_FOR),
        }
        self.merged = Merged()
        self.left_out = False  # a receivable of a first load, so an id the stage knows may be nobody's
        row = connection.execute(f"SELECT {NOTHING_YET}".encode(), self.words).fetchone()
        self.is_first = bool(row and row[0])

    def take_early(self, fresh: dict[str, int]) -> None:
        """In a first load: the new rows of a piece of the file, so many in `fresh_*` of each table.

        What refers to rows that did not come yet, or comes twice, is left to `finish` and to the checks before it.
        """
        if "kinds" in fresh:
            self._add_kinds("fresh_kinds")
        for table, (insert, _) in NEW.items():
            if table in fresh:
                words = LOOK_UPS if self.left_out else KNOWN
                statement = insert.format(stage=f"fresh_{table}", **words) + NOT_YET.get(table, "")
                added = self._add(table, "new", f"{statement} ON CONFLICT DO NOTHING")
                self.left_out |= table == "receivables" and added < fresh[table]

    def look_for_gone(self, kind: ImportKind) -> None:
        """Before `finish` and the counts: which instalments the staged file no longer has. Nothing in a first load."""
        if not self.is_first:
            self.connection.execute(INSTALMENTS_MISSED.format(place=PLACES[kind]).encode(), self.words)
            self.connection.execute("ANALYZE stage_gone")

    def finish(self, kind: ImportKind, staged: dict[str, int]) -> Merged:
        """Write what is new or changed, close what is gone. `staged` tells how many rows of each table there are."""
        self._add_kinds("stage_kinds")
        if not self.is_first:
            self.connection.execute(INSTALMENTS_LOCKED.format(keep=keeping("instalments")).encode(), self.words)
            self.connection.execute(FORGET.encode(), self.words)
            self.connection.execute(CODES_FREED.encode(), self.words)
        if kind is ImportKind.INCREMENTAL:
            self.connection.execute(BLOCKS_LEFT.encode(), self.words)
        for table, (insert, unknown) in NEW.items():
            if not self.is_first or self._added(table) < staged[table]:
                self._add(table, "new", insert.format(stage=f"stage_{table}", **LOOK_UPS) + unknown)
            for what, statement in LATER[table]:
                if not self.is_first or what in LINKED:
                    self._add(table, what, statement)
        if not self.is_first:
            self.connection.execute(BLOCKS.encode(), self.words)
        self.connection.execute(PAYERS_NEXT.encode(), self.words)
        self.connection.execute(PAYERS_MERGED_FROM.encode(), self.words)
        if kind is ImportKind.FULL and not self.is_first:
            self._add("operations", "closed", OPERATIONS_GONE)
            for table in ("receivables", "overpayments", "payers"):
                self._add(table, "closed", vanished(table))
        return self.merged

    def list_vanishing(self) -> list[Vanishing]:
        """The debts that are open now and that the file would close because it does not name them, by kind."""
        return [Vanishing(*row) for row in self.connection.execute(VANISHING.encode()).fetchall()]

    def count_open(self) -> int:
        """Debts that are open now."""
        row = self.connection.execute(OPEN_DEBTS.encode(), self.words).fetchone()
        assert row is not None
        return int(row[0])

    def _add_kinds(self, stage: str) -> None:
        for statement in KINDS.format(stage=stage).split(";"):
            self.connection.execute(statement.encode(), self.words)

    def _add(self, table: str, what: str, statement: str) -> int:
        number = self.connection.execute(statement.encode(), self.words).rowcount
        self.merged.add(table, what, number)
        return number

    def _added(self, table: str) -> int:
        return self.merged.counts.get(table, {}).get("new", 0)
