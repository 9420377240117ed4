"""What stands above the table: lines with `#` that say what the file is, and the names of the columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from skarbnik_csv.lines import SEPARATORS, Lines
from skarbnik_csv.problems import Problems
from skarbnik_csv.shapes import SHAPES, Field, Shape, fold

MOST = 40  # lines above the table


class Sheet:
    """A file whose head was read: what it says of itself, and its table still to come."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.problems = lines.problems
        self.texts = lines.texts()
        above, header = self.find_table()
        lines.separator = self.find_separator(*header)
        cells = [(number, lines.cells(number, text)) for number, text in above]
        said = [(number, row) for number, row in cells if row is not None]
        self.shape = self.find_shape(said)
        self.said = self.read_said(said)
        self.columns = self.read_header(*header)
        self.problems.raise_found()

    def find_table(self) -> tuple[list[tuple[int, str]], tuple[int, str]]:
        above: list[tuple[int, str]] = []
        for number, text in self.texts:
            if not text.lstrip(' "').startswith("#"):
                return above, (number, text)
            above.append((number, text))
            if len(above) > MOST:
                break
        raise self.problems.stop(None, "not_ours", "W pliku nie ma tabeli, a tylko wiersze z „#”.")

    def find_separator(self, number: int, text: str) -> str:
        found = [separator for separator in SEPARATORS if separator in text]
        if len(found) != 1:
            message = "Wiersz z nazwami kolumn musi je rozdzielać średnikami, przecinkami albo tabulatorami."
            raise self.problems.stop(number, "separator", message)
        return found[0]

    def find_shape(self, said: Sequence[tuple[int, list[str]]]) -> Shape:
        """The sort of file that `#plik` names."""
        words = [row[1] for _, row in said if fold(row[0]) == "plik" and len(row) > 1]
        for shape in SHAPES:
            if [fold(word) for word in words] == [fold(shape.word)]:
                return shape
        known = " albo ".join(f"„#plik;{shape.word}”" for shape in SHAPES)
        raise self.problems.stop(None, "not_ours", f"Nad tabelą musi stać jeden wiersz {known}.")

    def read_said(self, said: Sequence[tuple[int, list[str]]]) -> dict[str, Any]:
        fields = {fold(field.name): field for field in self.shape.said}
        found: dict[str, Any] = {}
        for number, (key, *cells) in said:
            field = fields.get(fold(key))
            if fold(key) == "plik":
                continue
            if field is None:
                self.problems.add(number, "unknown", f"„{shown(key)}” nie może stać w tym miejscu nad tabelą.")
            elif field.name in found:
                self.problems.add(number, "duplicate", f"„#{field.name}” stoi drugi raz.")
            elif not cells or not cells[0] or any(cells[1:]):
                self.problems.add(number, "missing", f"Za „#{field.name}” ma stać jedna wartość.")
                found[field.name] = None
            else:
                found[field.name] = read_cell(field, f"„#{field.name}”", number, cells[0], self.problems)
        for field in self.shape.said:
            if field.there and field.name not in found:
                self.problems.add(None, "missing", f"Nad tabelą brakuje wiersza „#{field.name}”.")
        return found

    def read_header(self, number: int, text: str) -> list[str]:
        """Names of the columns as they come; columns without a name stay empty."""
        fields = {fold(field.name): field for field in self.shape.columns}
        row = self.lines.cells(number, text) or []
        known = [fields[fold(cell)].name if fold(cell) in fields else "" for cell in row]
        if 2 * sum(map(bool, known)) <= sum(map(bool, row)):  # a row of data, then, and nothing to be repeated
            raise self.problems.stop(number, "header", "Ten wiersz nie jest wierszem z nazwami kolumn.")
        for cell, name in zip(row, known, strict=True):
            if cell and not name:
                self.problems.add(number, "unknown", f"Nieznana kolumna „{shown(cell)}”.")
        for field in self.shape.columns:
            if field.there and field.name not in known:
                self.problems.add(number, "missing", f"Brakuje kolumny „{field.name}”.")
            if known.count(field.name) > 1:
                self.problems.add(number, "duplicate", f"Kolumna „{field.name}” występuje więcej niż raz.")
        return known

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Filled cells by the names of their columns. Spreadsheets leave empty cells out at the end of a line."""
        for number, text in self.texts:
            cells = self.lines.cells(number, text)
            if cells is None:
                continue
            if any(cells[len(self.columns) :]) or any(
                cell and not name for cell, name in zip(cells, self.columns, strict=False)
            ):
                self.problems.add(number, "cells", "Wiersz ma komórkę, nad którą nie ma nazwy kolumny.")
                continue
            yield number, {name: cell for name, cell in zip(self.columns, cells, strict=False) if cell}

    def read(self, number: int, row: dict[str, str], fields: Sequence[Field]) -> list[Any] | None:
        """The values of some columns of a row; None when the reasons were listed."""
        before = self.problems.found
        found = []
        for field in fields:
            cell = row.get(field.name)
            if cell is not None:
                found.append(read_cell(field, f"Kolumna „{field.name}”", number, cell, self.problems))
                continue
            if field.filled:
                self.problems.add(number, "missing", f"Kolumna „{field.name}”: brakuje wartości.")
            found.append(None)
        return found if self.problems.found == before else None


def read_cell(field: Field, where: str, number: int, cell: str, problems: Problems) -> Any:
    try:
        return field.value.read(cell)
    except ValueError:
        problems.add(number, field.value.code, f"{where}: {field.value.message}.")
        return None


def shown(name: str) -> str:
    """A name nobody knows, not longer than a line."""
    return name[:40]
