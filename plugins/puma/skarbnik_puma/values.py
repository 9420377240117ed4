"""What one attribute may hold: a pattern for its shape, a check for its sense, and words for the clerk.

Patterns have no groups: a whole element is matched at once by joining them (see `shapes`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from skarbnik.plugin_api import LARGEST_DOCUMENT, is_nip, is_nrb, is_pesel, is_regon

# C0 and C1 controls, line and paragraph separators, and marks that turn the direction of writing
UNFIT = "\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ufeff\\ufffe\\uffff"


@dataclass(frozen=True)
class Value:
    """A kind of attribute. `read` raises ValueError when a well-written value makes no sense."""

    pattern: str
    read: Callable[[str], Any]
    code: str
    message: str


class Days(dict[str, date]):
    """Days by their text. A file has few different days and millions of mentions."""

    def __missing__(self, text: str) -> date:
        day = self[text] = date.fromisoformat(text)
        return day


DAYS = Days()


def grosze(text: str) -> int:
    """`-1234.56` is -123456."""
    return int(text.replace(".", ""))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def checked(is_right: Callable[[str], bool]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not is_right(text):
            raise ValueError("check digit")
        return text

    return read


def text(most: int) -> Value:
    """Free text: no spaces around it, nothing that cannot be seen."""
    pattern = f"(?!\\s)[^{UNFIT}]{{1,{most}}}(?<!\\s)"
    return Value(pattern, str, "text", f"tekst ma od 1 do {most} znaków i nie zawiera znaków sterujących")


def choice(kinds: type[StrEnum]) -> Value:
    allowed = ", ".join(kinds)
    return Value("(?:" + "|".join(map(re.escape, kinds)) + ")", kinds, "choice", f"dozwolone wartości: {allowed}")


def exactly(word: str) -> Value:
    return Value(re.escape(word), str, "choice", f"dozwolona wartość: {word}")


def size(text: str) -> int:
    if int(text) > LARGEST_DOCUMENT:
        raise ValueError("too large")
    return int(text)


ID = Value(
    r"[0-9A-Za-z][0-9A-Za-z._:/+\-]{0,63}",
    str,
    "identifier",
    "identyfikator ma od 1 do 64 znaków: litery bez ogonków, cyfry oraz . _ : / + -",
)
CODE = Value(
    r"[0-9A-Za-z][0-9A-Za-z._:/+\-]{0,31}",
    str,
    "identifier",
    "kod ma od 1 do 32 znaków: litery bez ogonków, cyfry oraz . _ : / + -",
)
DAY = Value(
    r"(?:19|20|21)[0-9][0-9]-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])",
    DAYS.__getitem__,
    "day",
    "dzień zapisuje się RRRR-MM-DD, w latach 1900-2199, i musi istnieć w kalendarzu",
)
MOMENT = Value(
    r"(?:20|21)[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+\-](?:0[0-9]|1[0-3]):[0-5][0-9])",
    moment,
    "moment",
    "chwilę zapisuje się RRRR-MM-DDTGG:MM:SS ze strefą, na przykład 2026-11-23T02:00:00+01:00",
)
SIGNED = Value(r"-?[0-9]{1,11}\.[0-9]{2}", grosze, "amount", "kwotę zapisuje się 1234.56, z dwoma miejscami po kropce")
AMOUNT = Value(r"[0-9]{1,11}\.[0-9]{2}", grosze, "amount", "kwotę nieujemną zapisuje się 1234.56")
POSITIVE = Value(r"(?!0+\.00)[0-9]{1,11}\.[0-9]{2}", grosze, "amount", "kwotę większą od zera zapisuje się 1234.56")
SUM = Value(r"-?[0-9]{1,15}\.[0-9]{2}", grosze, "amount", "sumę zapisuje się 1234.56, z dwoma miejscami po kropce")
COUNT = Value(r"[0-9]{1,9}", int, "number", "liczba zaczyna się od 0 i ma najwyżej 9 cyfr")
NUMBER = Value(r"[1-9][0-9]{0,8}", int, "number", "liczba zaczyna się od 1 i ma najwyżej 9 cyfr")
BOOL = Value(r"(?:true|false)", lambda word: word == "true", "choice", "dozwolone wartości: true, false")
PESEL = Value(r"[0-9]{11}", checked(is_pesel), "pesel", "numer PESEL ma 11 cyfr i zgodną cyfrę kontrolną")
NIP = Value(r"[0-9]{10}", checked(is_nip), "nip", "numer NIP ma 10 cyfr i zgodną cyfrę kontrolną")
REGON = Value(
    r"(?:[0-9]{9}|[0-9]{14})",
    checked(is_regon),
    "regon",
    "numer REGON ma 9 albo 14 cyfr i zgodną cyfrę kontrolną",
)
NRB = Value(r"[0-9]{26}", checked(is_nrb), "account", "numer rachunku (NRB) ma 26 cyfr i zgodne cyfry kontrolne")
PAYMENT_CODE = Value(r"[0-9A-Z]{8,32}", str, "payment_code", "kod płatności ma od 8 do 32 wielkich liter i cyfr")
POSTAL = Value(r"[0-9]{2}-[0-9]{3}", str, "postal_code", "kod pocztowy zapisuje się 00-000")
EMAIL = Value(
    rf"(?=[^ \x1f]{{3,120}}(?:\x1f|\Z))[^@ {UNFIT}]+@[^@ {UNFIT}]+",
    str,
    "email",
    "adres e-mail ma jedną małpę i najwyżej 120 znaków",
)
PHONE = Value(r"\+?[0-9][0-9 ()\-]{3,28}[0-9]", str, "phone", "numer telefonu ma od 5 do 31 cyfr, odstępów i kresek")
UUID_TEXT = Value(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    UUID,
    "uuid",
    "identyfikator księgowania zapisuje się jako UUID małymi literami",
)
SHA256 = Value(r"[0-9a-f]{64}", str, "sha256", "skrót SHA-256 ma 64 cyfry szesnastkowe pisane małymi literami")
SIZE = Value(
    r"[1-9][0-9]{0,7}",
    size,
    "size",
    f"rozmiar pliku to liczba bajtów od 1 do {LARGEST_DOCUMENT} ({LARGEST_DOCUMENT // 1024**2} MB)",
)
