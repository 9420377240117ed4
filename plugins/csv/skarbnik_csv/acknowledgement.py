"""Reads a table of payments that a clerk filled: each line booked with its document, or refused with a reason."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from skarbnik.plugin_api import AcknowledgedLine, Acknowledgement, Money
from skarbnik_csv.bookings import mark
from skarbnik_csv.head import Sheet
from skarbnik_csv.shapes import PAYMENTS

ANSWER = [field for field in PAYMENTS.columns if field.there]


def read(sheet: Sheet) -> Acknowledgement:
    lines: dict[UUID, AcknowledgedLine] = {}
    places: dict[UUID, int] = {}
    total = 0
    for number, cells in sheet.rows():
        values = sheet.read(number, cells, ANSWER)
        if values is None:
            continue
        booking_id, amount, control, *said = values
        total += amount
        if control != mark(sheet.said["paczka"], booking_id, Money(amount)):
            message = "Identyfikator, kwota i kontrola nie należą do siebie: wiersz zmieniono albo kolumny przesunięto."
            sheet.problems.add(number, "control", message)
        if booking_id in lines:
            message = f"Wiersze {places[booking_id]} i {number} mówią o tym samym księgowaniu."
            sheet.problems.add(number, "duplicate", message)
        places.setdefault(booking_id, number)
        lines.setdefault(booking_id, read_answer(sheet, number, booking_id, *said))
    check_totals(sheet, len(lines), total)
    sheet.problems.raise_found()
    return Acknowledgement(
        batch_number=sheet.said["paczka"], tenant_code=sheet.said["gmina"], sha256=None, lines=tuple(lines.values())
    )


def read_answer(
    sheet: Sheet, number: int, booking_id: UUID, reference: str | None, booked_on: Any, refusal: str | None
) -> AcknowledgedLine:
    if refusal is not None and (reference is not None or booked_on is not None):
        sheet.problems.add(number, "answer", "Wiersz ma i numer dowodu lub datę, i odmowę.")
    elif refusal is None and (reference is None or booked_on is None):
        sheet.problems.add(number, "answer", "Wiersz musi mieć numer dowodu i datę księgowania albo odmowę.")
    return AcknowledgedLine(booking_id, reference, booked_on, refusal)


def check_totals(sheet: Sheet, count: int, total: int) -> None:
    if sheet.problems.found:
        return  # lines that could not be read are told already
    if (count, total) != (sheet.said["pozycje"], sheet.said["razem"]):
        message = f"Paczka ma mieć pozycji: {sheet.said['pozycje']}, a w pliku jest {count}, albo suma jest inna."
        sheet.problems.add(None, "totals", message)
