"""What one cell may hold: how it is read, and words for the clerk when it cannot be.

Spreadsheets show an amount and a day in several ways; each that can mean only one thing is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from skarbnik.plugin_api import WARSAW, is_nip, is_nrb, is_pesel, is_regon

SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " "})  # what stands between thousands
AMOUNT = re.compile(r"(-?)([0-9]{1,11}|[0-9]{1,3}(?: [0-9]{3}){1,3})(?:[.,]([0-9]{1,2}))?(?: ?zł)?")
ISO_DAY = re.compile(r"((?:19|20|21)[0-9]{2})-([0-9]{2})-([0-9]{2})")
POLISH_DAY = re.compile(r"([0-9]{2})\.([0-9]{2})\.((?:19|20|21)[0-9]{2})")
MOMENT = re.compile(r"(\S{10})(?:[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?([+-][0-9]{2}:[0-9]{2}|Z)?)?")
TEXT_COLUMN = "; kolumna w arkuszu musi być tekstem, bo arkusz zmienia długie liczby i zera z przodu"


@dataclass(frozen=True)
class Value:
    """A kind of cell. `read` raises ValueError."""

    read: Callable[[str], Any]
    code: str
    message: str


def read_amount(text: str) -> int:
    """Grosze of `1234,56`, `1 234.5 zł`, `1234`."""
    match = AMOUNT.fullmatch(text.translate(SPACES))
    if match is None:
        raise ValueError("amount")
    sign, whole, rest = match.groups(default="")
    grosze = int(whole.replace(" ", "") + rest.ljust(2, "0"))
    return -grosze if sign else grosze


def read_debt(text: str) -> int:
    grosze = read_amount(text)
    if grosze < 0:
        raise ValueError("negative")
    return grosze


def read_day(text: str) -> date:
    if match := ISO_DAY.fullmatch(text):
        year, month, day = match.groups()
    elif match := POLISH_DAY.fullmatch(text):
        day, month, year = match.groups()
    else:
        raise ValueError("day")
    return date(int(year), int(month), int(day))


def read_moment(text: str) -> datetime:
    """A day, or a day and an hour; in Poland unless a zone is given."""
    match = MOMENT.fullmatch(text)
    if match is None:
        raise ValueError("moment")
    day, hour, minute, second, zone = match.groups(default="")
    clock = f"{hour:0>2}:{minute:0>2}:{second:0>2}"
    moment = datetime.fromisoformat(f"{read_day(day)}T{clock}{zone}")
    return moment if zone else moment.replace(tzinfo=WARSAW)


def matching(pattern: str, is_right: Callable[[str], bool] = lambda text: True, ignored: str = "") -> Any:
    """Reads what has a shape and is right, without the signs people put in between."""
    shape, without = re.compile(pattern), str.maketrans("", "", ignored)

    def read(text: str) -> str:
        plain = text.translate(without)
        if shape.fullmatch(plain) is None or not is_right(plain):
            raise ValueError("shape")
        return plain

    return read


def whole_number(pattern: str) -> Callable[[str], int]:
    shape = matching(pattern)
    return lambda text: int(shape(text))


def text(most: int) -> Value:
    return Value(matching(f".{{1,{most}}}"), "text", f"tekst ma najwyżej {most} znaków")


def identifier(most: int) -> Value:
    return Value(
        matching(rf"[0-9A-Za-z][0-9A-Za-z._:/+\-]{{0,{most - 1}}}", is_no_pesel),  # reports and logs name identifiers
        "identifier",
        f"identyfikator ma najwyżej {most} znaków: litery bez ogonków, cyfry oraz . _ : / + -; nie może nim być PESEL",
    )


def is_no_pesel(text: str) -> bool:
    return re.fullmatch("[0-9]{11}", text) is None or not is_pesel(text)


def choice(words: dict[str, Any]) -> Value:
    def read(text: str) -> Any:
        try:
            return words[text.casefold()]
        except KeyError:
            raise ValueError("choice") from None

    return Value(read, "choice", f"dozwolone wartości: {', '.join(words)}")


AMOUNT_LEFT = Value(read_debt, "amount", "kwotę zapisuje się 1234,56; ujemnych się nie wpisuje")
SUM = Value(read_amount, "amount", "sumę zapisuje się 1234,56")
DAY = Value(read_day, "day", "dzień zapisuje się 2026-11-23 albo 23.11.2026 i musi istnieć w kalendarzu")
MOMENT_VALUE = Value(read_moment, "moment", "chwilę zapisuje się 2026-11-23 albo 2026-11-23 14:30")
NUMBER = Value(whole_number(r"[1-9][0-9]{0,8}"), "number", "liczba zaczyna się od 1 i ma najwyżej 9 cyfr")
COUNT = Value(whole_number(r"[0-9]{1,9}"), "number", "liczba zaczyna się od 0 i ma najwyżej 9 cyfr")
PESEL = Value(matching("[0-9]{11}", is_pesel), "pesel", f"numer PESEL ma 11 cyfr i zgodną cyfrę kontrolną{TEXT_COLUMN}")
NIP = Value(matching("[0-9]{10}", is_nip, "- "), "nip", "numer NIP ma 10 cyfr i zgodną cyfrę kontrolną")
REGON = Value(
    matching("[0-9]{9}|[0-9]{14}", is_regon),
    "regon",
    f"numer REGON ma 9 albo 14 cyfr i zgodną cyfrę kontrolną{TEXT_COLUMN}",
)
NRB = Value(
    matching("[0-9]{26}", is_nrb, "\u00a0 "), "account", f"rachunek ma 26 cyfr i zgodne cyfry kontrolne{TEXT_COLUMN}"
)
PAYMENT_CODE = Value(
    lambda text: matching("[0-9A-Z]{8,32}", ignored="\u00a0 -")(text.upper()),
    "payment_code",
    f"kod płatności ma od 8 do 32 liter bez ogonków i cyfr{TEXT_COLUMN}",
)
POSTAL = Value(matching("[0-9]{2}-[0-9]{3}"), "postal_code", "kod pocztowy zapisuje się 00-000")
EMAIL = Value(matching(r"(?=.{3,120}\Z)[^@\s]+@[^@\s]+"), "email", "adres e-mail ma jedną małpę i najwyżej 120 znaków")
PHONE = Value(
    matching(r"\+?[0-9][0-9 ()\-]{3,28}[0-9]"), "phone", "numer telefonu ma od 5 do 31 cyfr, odstępów i kresek"
)
BOOKING = Value(
    lambda text: UUID(matching("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")(text)),
    "uuid",
    "identyfikator księgowania został zmieniony",
)
