"""A statement (wyciąg) that the office took from PayU's panel as CSV, read whole or not at all.

PayU does not say in public how its statements are written, so the names of columns are settings. Rows say what they are
by a word, and one whose word is `razem` closes the file: its sum must be that of the others.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from skarbnik.plugin_api import ZERO, BrokenFile, FileProblem, Money, SettlementKind, SettlementLine
from skarbnik_payu.settings import PayuSettings
from skarbnik_payu.statement_cells import TOTAL, read_amount, read_currency, read_kind, read_moment, read_number

LARGEST = 10 * 1024 * 1024  # bytes
LONGEST = 16 * 1024  # of a line
MOST = 50_000  # lines
MOST_PROBLEMS = 100
UNFIT = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]")
NEGATIVE = {SettlementKind.REFUND, SettlementKind.CHARGEBACK, SettlementKind.FEE}


class Problems:
    """What is wrong with a file, line by line, as far as a clerk will read."""

    def __init__(self) -> None:
        self.found: list[FileProblem] = []

    def add(self, line: int | None, code: str, message: str) -> None:
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(FileProblem(line, code, message))

    def stop(self, line: int | None, code: str, message: str) -> BrokenFile:
        self.add(line, code, message)
        return self.broken()

    def broken(self) -> BrokenFile:
        return BrokenFile("the statement cannot be used", self.found)


def read_statement(stream: BinaryIO, settings: PayuSettings) -> list[SettlementLine]:
    """Its lines in their order. BrokenFile with every problem."""
    problems = Problems()
    reading = _Reading(settings, problems)
    for number, text in _texts(stream, problems):
        reading.take(number, text)
    return reading.finish()


def _texts(stream: BinaryIO, problems: Problems) -> Iterator[tuple[int, str]]:
    """Lines that hold anything, with their numbers. UTF-8, or what Polish Windows writes where that cannot be."""
    raw = stream.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise problems.stop(None, "too_large", "Plik jest większy niż 10 MB. Weź wyciąg za krótszy okres.")
    if raw.startswith(b"PK\x03\x04"):
        raise problems.stop(None, "archive", "To archiwum ZIP albo arkusz. Rozpakuj je i wgraj plik CSV.")
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\x00" in raw:
        raise problems.stop(1, "encoding", "Plik nie jest tekstem w UTF-8 ani w windows-1250.")
    raw = raw.removeprefix(codecs.BOM_UTF8)
    if not raw.strip():
        raise problems.stop(None, "empty", "Plik jest pusty.")
    try:
        whole = raw.decode()
    except UnicodeDecodeError:
        try:
            whole = raw.decode("cp1250")
        except UnicodeDecodeError:
            raise problems.stop(None, "encoding", "Plik nie jest tekstem w UTF-8 ani w windows-1250.") from None
    lines = whole.split("\n")
    if lines.pop() != "":
        raise problems.stop(len(lines) + 1, "truncated", "Plik jest urwany: ostatni wiersz nie ma końca.")
    if len(lines) > MOST:
        raise problems.stop(None, "too_large", f"Plik ma więcej niż {MOST} wierszy. Weź wyciąg za krótszy okres.")
    for number, line in enumerate(lines, 1):
        text = line.removesuffix("\r")
        if len(text) > LONGEST:
            raise problems.stop(number, "too_large", "Wiersz jest dłuższy niż 16 KB; to nie jest wyciąg.")
        if text.strip(' ;,\t"'):
            yield number, text


class _Reading:
    """One file on its way to lines: the head first, then rows until the total."""

    def __init__(self, settings: PayuSettings, problems: Problems) -> None:
        self.settings = settings
        self.problems = problems
        self.separator = ""
        self.places: dict[str, int] = {}
        self.width = 0
        self.lines: dict[tuple[SettlementKind, str], SettlementLine] = {}
        self.sum = ZERO
        self.is_closed = False

    def take(self, number: int, text: str) -> None:
        if UNFIT.search(text):
            self.problems.add(number, "characters", "Wiersz zawiera znaki sterujące albo niewidoczne.")
        elif not self.width:
            self._take_head(number, text)
        elif (cells := self._cells(number, text)) is not None:
            self._take_row(number, cells)

    def finish(self) -> list[SettlementLine]:
        if not self.width and not self.problems.found:
            self.problems.add(None, "empty", "W pliku nie ma nagłówka tabeli.")
        elif not self.lines and not self.problems.found:
            self.problems.add(None, "empty", "W pliku nie ma ani jednej operacji.")
        if self.problems.found:
            raise self.problems.broken()
        return list(self.lines.values())

    def _take_head(self, number: int, text: str) -> None:
        self.separator = max(";,\t", key=text.count)
        cells = self._cells(number, text) or []
        names = {name.casefold(): place for place, name in enumerate(cells)}
        columns = self.settings.statement_columns
        self.places = {what: names[name.casefold()] for what, name in columns.items() if name.casefold() in names}
        missing = [columns[what] for what in ("at", "kind", "number", "amount") if what not in self.places]
        if missing:
            words = ", ".join(f"„{name}”" for name in missing)
            message = f"W pierwszym wierszu brakuje kolumn: {words}. Nazwy kolumn są w ustawieniach bramki."
            raise self.problems.stop(number, "columns", message)
        self.width = len(cells)

    def _cells(self, number: int, text: str) -> list[str] | None:
        try:
            (cells,) = csv.reader([text], delimiter=self.separator, strict=True)
        except (csv.Error, ValueError):
            self.problems.add(number, "quotes", "Cudzysłów w wierszu nie jest zamknięty albo coś za nim stoi.")
            return None
        if self.width and len(cells) != self.width:
            message = f"Wiersz ma {len(cells)} komórek, a nagłówek {self.width}."
            self.problems.add(number, "cells", message)
            return None
        return [cell.strip() for cell in cells]

    def _take_row(self, number: int, cells: list[str]) -> None:
        said = {what: cells[place] for what, place in self.places.items()}
        if self.is_closed:
            self.problems.add(number, "total", "Za wierszem z sumą nie może być nic więcej.")
        elif said["kind"].casefold() in TOTAL:
            self._close(number, said["amount"])
        else:
            before = len(self.problems.found)
            line = self._line(number, said)
            if line is not None and len(self.problems.found) == before:
                self._add(number, line)

    def _add(self, number: int, line: SettlementLine) -> None:
        key = (line.kind, line.external_id)
        if key in self.lines:
            message = f"Operacja {line.external_id} jest w pliku drugi raz."
            self.problems.add(number, "doubled", message)
        self.lines[key] = line

    def _close(self, number: int, text: str) -> None:
        self.is_closed = True
        total = self._read(number, "amount", text, read_amount)
        if total is not None and total != self.sum and not self.problems.found:
            message = f"Suma w pliku to {total}, a operacji {self.sum}: pliku brakuje wierszy albo został zmieniony."
            self.problems.add(number, "total", message)

    def _line(self, number: int, said: dict[str, str]) -> SettlementLine | None:
        kind = self._read(number, "kind", said["kind"], read_kind)
        at = self._read(number, "at", said["at"], read_moment)
        amount = self._read(number, "amount", said["amount"], read_amount)
        external_id = self._read(number, "number", said["number"], read_number)
        fee = self._read(number, "fee", said.get("fee") or "0", read_amount)
        currency = self._read(number, "currency", said.get("currency") or "PLN", read_currency)
        order = self._optional(number, "order", said)
        payout = self._optional(number, "payout", said)
        self._check_account(number, said)
        if kind is None or at is None or amount is None or external_id is None or fee is None or currency is None:
            return None
        self.sum += amount
        return self._made(number, kind, external_id, amount, fee, currency, at, order, payout)

    def _made(
        self,
        number: int,
        kind: SettlementKind,
        external_id: str,
        amount: Money,
        fee: Money,
        currency: str,
        at: Any,
        order: str | None,
        payout: str | None,
    ) -> SettlementLine | None:
        """A payment is known by PayU's order; money that left is negative, however the file writes it."""
        if not amount or (kind is SettlementKind.PAYMENT and amount < ZERO):
            self.problems.add(number, "amount", "Kwota wpłaty jest większa od zera, każda inna od zera różna.")
            return None
        size = max(amount, -amount)
        if kind in NEGATIVE:
            amount = -size
        elif kind is SettlementKind.PAYOUT:
            amount, payout = size, None
        is_payment = kind is SettlementKind.PAYMENT
        return SettlementLine(
            kind=kind,
            external_id=(order or external_id) if is_payment else external_id,
            amount=amount,
            currency=currency,
            happened_at=at,
            fee=max(fee, -fee),
            payment=None if is_payment else order,
            payout=payout,
        )

    def _optional(self, number: int, what: str, said: dict[str, str]) -> str | None:
        return self._read(number, what, said[what], read_number) if said.get(what) else None

    def _check_account(self, number: int, said: dict[str, str]) -> None:
        if said.get("account") and said["account"] != self.settings.pos_id:
            message = f"Wiersz jest z innego punktu płatności niż {self.settings.pos_id}."
            self.problems.add(number, "account", message)

    def _read(self, number: int, what: str, text: str, read: Any) -> Any:
        """The value, or None when it was listed as a problem."""
        try:
            return read(text)
        except ValueError as error:
            column = self.settings.statement_columns[what]
            self.problems.add(number, what, f"Kolumna „{column}”: {error}.")
            return None
