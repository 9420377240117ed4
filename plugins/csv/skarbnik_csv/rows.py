"""The table of receivables, streamed: one line is one instalment of one receivable of one payer.

Kinds, payers and receivables are rows of their own at the first line that names them; later lines repeat them. A line
whose instalment is left empty names one more payer who is liable, so that no amount stands in the table twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from skarbnik.plugin_api import InstalmentRow, KindRow, LiabilityRole, LiabilityRow, PayerRow, ReceivableRow, Row
from skarbnik_csv.head import Sheet
from skarbnik_csv.problems import Problems
from skarbnik_csv.shapes import INSTALMENT, KIND, PAYER, RECEIVABLE, ROLE


class Known:
    """What lines said of things of one sort: the first line of each, and a fingerprint of what stood there."""

    def __init__(self, problems: Problems, otherwise: str) -> None:
        self.problems = problems
        self.otherwise = otherwise  # what is wrong with a line that says something else; {0} is the identifier
        self.lines: dict[Any, tuple[int, int]] = {}

    def is_new(self, key: Any, content: Sequence[Any], line: int) -> bool:
        """Whether this is the first line of it. A later one that says something else is a problem."""
        fingerprint = hash(tuple(content))
        first, expected = self.lines.setdefault(key, (line, fingerprint))
        if fingerprint != expected:
            message = f"Wiersze {first} i {line} sobie przeczą: {self.otherwise.format(key)}."
            self.problems.add(line, "contradiction", message)
        return first == line


class Walk:
    """One reading of one table."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.problems = sheet.problems
        self.kinds = self.known("rodzaj należności {0} ma inne dane")
        self.payers = self.known("kontrahent {0} ma inne dane")
        self.receivables = self.known("należność {0} ma inne dane")
        self.liabilities = self.known("kontrahent {0[1]} ma w należności {0[0]} inną rolę")
        self.instalments = self.known("rata {0[1]} należności {0[0]} już jest")
        self.debtors = self.known(
            "należność {0} ma w ratach innego kontrahenta; kolejnego dopisuje się wierszem bez raty, terminu i kwot"
        )

    def known(self, otherwise: str) -> Known:
        return Known(self.problems, otherwise)

    def rows(self) -> Iterator[Row]:
        count = 0
        for line, cells in self.sheet.rows():
            count += 1
            yield from self.read_line(line, cells)
        if not self.problems.found:
            self.check_whole(count)
        self.problems.raise_found()

    def check_whole(self, count: int) -> None:
        if count != self.sheet.said["wiersze"]:
            message = f"Plik zapowiada wierszy: {self.sheet.said['wiersze']}, a ma ich {count}."
            self.problems.add(None, "truncated", message)
        for receivable, (line, _) in self.receivables.lines.items():
            if receivable not in self.debtors.lines:
                self.problems.add(line, "instalment", f"Należność {receivable} nie ma żadnej raty.")

    def read_line(self, line: int, cells: dict[str, str]) -> Iterator[Row]:
        has_instalment = any(field.name in cells for field in INSTALMENT)
        kind = self.sheet.read(line, cells, KIND)
        payer = self.sheet.read(line, cells, PAYER)
        receivable = self.sheet.read(line, cells, RECEIVABLE)
        role = self.sheet.read(line, cells, [ROLE])
        instalment = self.sheet.read(line, cells, INSTALMENT) if has_instalment else []
        if kind is None or payer is None or receivable is None or role is None or instalment is None:
            return
        own, title, number, start, end, account, code = receivable
        if start is not None and end is not None and start > end:
            self.problems.add(line, "period", "Okres kończy się, zanim się zacznie.")
            return
        if self.kinds.is_new(kind[0], kind, line):
            yield KindRow(line, *kind)
        if self.payers.is_new(payer[0], payer, line):
            yield PayerRow._make([line, *payer, None])
        if self.receivables.is_new(own, [kind[0], *receivable], line):
            row = (line, own, kind[0], None, title, number, start, end, None, account, False, code)
            yield ReceivableRow._make(row)
        liable = role[0] or (LiabilityRole.OWNER if has_instalment else LiabilityRole.CO_OWNER)
        if self.liabilities.is_new((own, payer[0]), [liable], line):
            yield LiabilityRow(line, own, payer[0], liable, 1, 1, None, None)
        if has_instalment:
            self.debtors.is_new(own, [payer[0]], line)
            yield from self.read_instalment(line, own, instalment)

    def read_instalment(self, line: int, receivable: str, values: Sequence[Any]) -> Iterator[Row]:
        """An amount stands once: the same instalment again is wrong even when it says the same."""
        number, due_on, charged, principal, interest, costs = values
        if self.instalments.is_new((receivable, number), [line], line):
            own = f"{receivable}/{number}"
            amounts = (charged, principal, interest or 0, costs or 0)
            yield InstalmentRow(line, own, receivable, number, due_on, *amounts, closed=False)
