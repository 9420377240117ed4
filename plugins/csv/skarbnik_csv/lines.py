"""The lines of a file, one at a time and none too long, as text and then as cells.

One line is one row of the spreadsheet: a line break inside a cell is refused like any other control character, so a
quotation mark that was never closed cannot swallow what follows it.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from typing import BinaryIO

from skarbnik_csv.problems import Problems

LONGEST = 16 * 1024  # bytes of a line
MOST = 200_000  # lines; whoever has more has a program that can write the exchange format of plugin puma

SEPARATORS = (";", ",", "\t")
BLANK = re.compile(r'[\s;,"]*')
# the first line may say it, in ASCII whatever the encoding is: #kodowanie;windows-1250
DECLARED = re.compile(rb'"?#kodowanie"?[;,\t]"?([a-z0-9\-]+)"?[;,\t"]*\r?\n', re.IGNORECASE)
ENCODINGS = {b"utf-8": "utf-8", b"windows-1250": "cp1250"}
# controls but the tab, marks nobody sees, line separators, marks that turn the direction of writing
UNFIT = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ufffe\uffff]")
CONTROLS = "Wiersz zawiera znaki sterujące, niewidoczne albo zmieniające kierunek pisma."


class Lines:
    """Numbered lines of one file. What breaks the whole file stops it at once."""

    def __init__(self, stream: BinaryIO, problems: Problems) -> None:
        self.stream = stream
        self.problems = problems
        self.separator = ""  # known when the header of the table was seen

    def texts(self) -> Iterator[tuple[int, str]]:
        """Lines that hold anything, with their numbers."""
        encoding, number = "utf-8", 0
        while raw := self.stream.readline(LONGEST + 1):
            number += 1
            if number == 1:
                raw, encoding = self.open(raw)
            if len(raw) > LONGEST:
                raise self.problems.stop(number, "too_large", "Wiersz jest dłuższy niż 16 KB; to nie jest arkusz.")
            if number > MOST:
                raise self.problems.stop(number, "too_large", f"Plik ma więcej niż {MOST} wierszy.")
            if not raw.endswith(b"\n"):
                raise self.problems.stop(number, "truncated", "Plik jest urwany: ostatni wiersz nie ma końca.")
            try:
                text = raw.removesuffix(b"\n").removesuffix(b"\r").decode(encoding)
            except UnicodeDecodeError:
                raise self.problems.stop(number, "encoding", self.unreadable(encoding)) from None
            if not BLANK.fullmatch(text):
                yield number, text
        if number == 0:
            raise self.problems.stop(None, "empty", "Plik jest pusty.")

    def open(self, first: bytes) -> tuple[bytes, str]:
        """The first line without a byte order mark, and the encoding. A line that names it has nothing else to say."""
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise self.problems.stop(1, "encoding", self.unreadable("utf-8"))
        marked = first.startswith(codecs.BOM_UTF8)
        first = first.removeprefix(codecs.BOM_UTF8)
        declared = DECLARED.fullmatch(first)
        if declared is None:
            return first, "utf-8"
        encoding = ENCODINGS.get(declared[1].lower())
        if encoding is None:
            raise self.problems.stop(1, "encoding", "Kodowanie pliku może być tylko utf-8 albo windows-1250.")
        if marked and encoding != "utf-8":
            raise self.problems.stop(1, "encoding", "Plik mówi, że jest w windows-1250, a jest zapisany w UTF-8.")
        return b"\n", encoding

    def unreadable(self, encoding: str) -> str:
        if encoding != "utf-8":
            return "Wiersz zawiera znaki, których nie ma w windows-1250."
        return (
            "Plik nie jest zapisany w UTF-8. Zapisz go jako „CSV UTF-8” albo dopisz pierwszy wiersz"
            " „#kodowanie;windows-1250”."
        )

    def cells(self, number: int, text: str) -> list[str] | None:
        """The cells of a line without spaces around them; None when the reason was listed."""
        if UNFIT.search(text) or ("\t" in text and self.separator != "\t"):
            self.problems.add(number, "characters", CONTROLS)
            return None
        try:
            (row,) = csv.reader([text], delimiter=self.separator, strict=True)
        except csv.Error:
            message = "Cudzysłów w wierszu nie jest zamknięty albo coś za nim stoi (także Enter wewnątrz komórki)."
            self.problems.add(number, "quotes", message)
            return None
        cells = [cell.strip() for cell in row]
        if any("\t" in cell for cell in cells):
            self.problems.add(number, "characters", CONTROLS)
            return None
        return cells
