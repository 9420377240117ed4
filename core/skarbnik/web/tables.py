"""A list as a file: CSV for programs, XLSX for a spreadsheet, PDF to print. The same table behind each.

What people typed or a finance system sent never becomes a formula or a command: cells are written as texts, amounts and
days, and the PDF's text comes to typst as data, not as its source.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.resources import files

import xlsxwriter
from werkzeug.wrappers import Response

from skarbnik.money import Money
from skarbnik.web import formats
from skarbnik.web.printing import typeset

Cell = str | date | Money | int | None
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet takes for the beginning of one
MOST_PDF_ROWS = 5_000
PIECE = 64 * 1024  # characters of a streamed file


class FileFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


MIME = {
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileFormat.PDF: "application/pdf",
}


@dataclass(frozen=True)
class Column:
    """A heading, and how wide the column is beside the others."""

    title: str
    width: int = 10
    right: bool = False  # amounts and numbers


@dataclass(frozen=True)
class Table:
    """What a list says: a title, lines about it (whose, as of when), columns and rows."""

    title: str
    lines: Sequence[str]
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]
    language: str = "pl"


def as_file(table: Table, wanted: FileFormat, name: str) -> Response:
    """An answer that a browser keeps as `name.csv` and never shows to anybody else."""
    body = {FileFormat.CSV: as_csv, FileFormat.XLSX: as_xlsx, FileFormat.PDF: as_pdf}[wanted](table)
    return _kept(body, wanted, name)


def as_pdf_answer(body: bytes, name: str) -> Response:
    """The same for a PDF that is there already."""
    return _kept(body, FileFormat.PDF, name)


def as_streamed_csv(table: Table, name: str) -> Response:
    """For lists without an end. The rows come when the request is over: they have a session of their own."""
    return _kept(stream_csv(table), FileFormat.CSV, name)


def _kept(body: bytes | Iterable[bytes], wanted: FileFormat, name: str) -> Response:
    response = Response(body, content_type=MIME[wanted])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{wanted}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def as_csv(table: Table) -> bytes:
    """UTF-8 with its mark, semicolons and decimal commas: as spreadsheets in Polish open it with a double click."""
    return b"".join(stream_csv(table))


def stream_csv(table: Table) -> Iterator[bytes]:
    """The same in pieces, while its rows come."""
    text = io.StringIO("\ufeff")
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(column.title for column in table.columns)
    for row in table.rows:
        writer.writerow([_plain(cell) for cell in row])
        if text.tell() > PIECE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Money):
        return str(cell).replace(".", ",")
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(FORMULA) else cell
    return str(cell)  # a day as 2026-11-27, a number


def as_xlsx(table: Table) -> bytes:
    """Amounts and days are numbers to reckon with; texts are texts whatever they begin with."""
    body = io.BytesIO()
    with xlsxwriter.Workbook(body, {"constant_memory": True, "in_memory": True}) as book:
        sheet = book.add_worksheet()
        bold, money = book.add_format({"bold": True}), book.add_format({"num_format": '# ##0.00 "zł"'})
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        for place, column in enumerate(table.columns):
            sheet.set_column(place, place, column.width * 1.6)
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(table.columns):
            sheet.write_string(0, place, column.title, bold)
        for number, row in enumerate(table.rows, start=1):
            for place, cell in enumerate(row):
                if isinstance(cell, Money):
                    sheet.write_number(number, place, cell.grosze / 100, money)
                elif isinstance(cell, date):
                    sheet.write_datetime(number, place, cell, day)
                elif isinstance(cell, int):
                    sheet.write_number(number, place, cell)
                elif cell:
                    sheet.write_string(number, place, cell)
    return body.getvalue()


def as_pdf(table: Table) -> bytes:
    """On sheets of A4."""
    words = {**_words_of(table), "lang": table.language}
    return typeset((files("skarbnik.web") / "assets_print" / "table.typ").read_bytes(), words)


def as_paper(title: str, lines: Sequence[str], tables: Sequence[Table], below: Sequence[str] = ()) -> bytes:
    """Several tables on sheets of A4, each with its lines, and places to sign below."""
    words = {
        "title": title,
        "lang": tables[0].language,
        "lines": list(lines),
        "below": list(below),
        "tables": [_words_of(table) for table in tables],
    }
    return typeset((files("skarbnik.web") / "assets_print" / "tables.typ").read_bytes(), words)


def _words_of(table: Table) -> dict[str, object]:
    rows = [[_shown(cell) for cell in row] for row in table.rows]
    return {
        "title": table.title,
        "lines": list(table.lines),
        "head": [column.title for column in table.columns],
        "widths": [column.width for column in table.columns],
        "right": [column.right for column in table.columns],
        "rows": rows[:MOST_PDF_ROWS],
        "cut": len(rows) > MOST_PDF_ROWS,
    }


_SHOWN: dict[type, Callable[..., str]] = {Money: formats.money, date: formats.day, int: str, str: str}


def _shown(cell: Cell) -> str:
    return "" if cell is None else _SHOWN[type(cell)](cell)
