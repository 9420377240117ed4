"""What the tests of the plugin share: the plugin itself, the samples, and a file to spoil."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from skarbnik.testing.finance import read_all
from skarbnik_csv.settings import CsvSettings
from skarbnik_csv.system import CsvFinanceSystem

SAMPLES = Path(__file__).parents[1] / "docs" / "samples"


@dataclass
class Table:
    """A small right file: `Table().line(rata="2", termin="2026-10-15")`. None takes a line above the table out."""

    separator: str = ";"
    said: dict[str, str | None] = field(default_factory=dict)
    lines: list[dict[str, str]] = field(default_factory=list)
    add: str = ""  # one more column

    def line(self, **cells: str) -> Table:
        words = {
            "kontrahent": "P-1", "osoba czy firma": "osoba", "nazwa": "Kowalska Anna", "PESEL": "44051401359",
            "kod rodzaju": "PODN", "rodzaj należności": "Podatek od nieruchomości", "rodzaj odsetek": "podatkowe",
            "rachunek": "61109010140000071219812874", "należność": "N-1", "tytuł": "Podatek 2026", "rola": "",
            "rata": "1", "termin": "2026-09-15", "przypisano": "120,50", "należność główna": "120,50", "odsetki": "",
        }  # fmt: skip
        self.lines.append(words | {name.replace("_", " "): value for name, value in cells.items()})
        return self

    def owner(self, **cells: str) -> Table:
        """One more payer who is liable."""
        empty = dict.fromkeys(("rata", "termin", "przypisano", "należność główna"), "")
        return self.line(**{"kontrahent": "P-2", "nazwa": "Kowalski Jan", "PESEL": "", **empty, **cells})

    def text(self) -> str:
        lines = self.lines or Table().line().lines
        said = {
            "plik": "należności", "gmina": "LIPOWO", "numer": "1", "stan na": "2026-11-23", "paczki": "0",
            "wiersze": str(len(lines)), "należność główna": "120,50",
        } | self.said  # fmt: skip
        rows = [[f"#{key}", value] for key, value in said.items() if value is not None]
        rows.append([*lines[0], *filter(None, [self.add])])
        rows += [list(line.values()) for line in lines]
        return "".join(self.separator.join(row) + "\r\n" for row in rows)

    def body(self) -> bytes:
        return self.text().encode()


@pytest.fixture(scope="session")
def table():
    return Table


@pytest.fixture(scope="session")
def spreadsheet():
    return CsvFinanceSystem(CsvSettings(tenant_code="LIPOWO"))


@pytest.fixture(scope="session")
def sample():
    """Bytes of a sample: naleznosci-000017, wplaty-000003, wplaty-000003-zaksiegowane."""
    files = {path.stem: path.read_bytes() for path in SAMPLES.iterdir()}
    return files.__getitem__


@pytest.fixture(scope="session")
def read(spreadsheet):
    """All rows of a file, and the BrokenFile it raised."""
    return lambda body: read_all(spreadsheet, body if isinstance(body, bytes) else body.body())


@pytest.fixture(scope="session")
def problems(read):
    """Code and line of everything that is wrong with a file."""

    def list_problems(body):
        _, broken = read(body)
        return [(problem.code, problem.line) for problem in broken.problems] if broken else []

    return list_problems
