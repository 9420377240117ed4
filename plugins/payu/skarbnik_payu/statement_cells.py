"""What a cell of a statement may hold, and what the words of its rows mean. Each raises ValueError with a sentence."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from skarbnik.plugin_api import WARSAW, Money, SettlementKind

KINDS = {
    SettlementKind.PAYMENT: ("wpłata", "płatność", "payment"),
    SettlementKind.REFUND: ("zwrot", "refund"),
    SettlementKind.CHARGEBACK: ("obciążenie zwrotne", "chargeback"),
    SettlementKind.FEE: ("opłata", "prowizja", "fee"),
    SettlementKind.CORRECTION: ("korekta", "correction"),
    SettlementKind.PAYOUT: ("wypłata", "payout"),
}
TOTAL = ("razem", "suma", "total")
_MEANINGS = {word: kind for kind, words in KINDS.items() for word in words}
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})
_AMOUNT = re.compile(r"(-?)([0-9]{1,11}|[0-9]{1,3}(?: [0-9]{3}){1,3})(?:[.,]([0-9]{2}))?(?: ?(?:zł|PLN))?")
_MOMENT = re.compile(
    r"(?:(?P<iso>[0-9]{4}-[0-9]{2}-[0-9]{2})|(?P<day>[0-9]{2})\.(?P<month>[0-9]{2})\.(?P<year>[0-9]{4}))"
    r"(?:[ T](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?)?",
    re.ASCII,
)


def read_kind(text: str) -> SettlementKind:
    kind = _MEANINGS.get(text.casefold())
    if kind is None:
        allowed = ", ".join(words[0] for words in KINDS.values())
        raise ValueError(f"rodzaj operacji jest nieznany; dozwolone: {allowed}")
    return kind


def read_number(text: str) -> str:
    """An identifier of PayU. A formula, a name or an address is none."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("numer ma od 1 do 80 liter, cyfr oraz . _ -")
    return text


def read_amount(text: str) -> Money:
    match = _AMOUNT.fullmatch(text.translate(_SPACES))
    if match is None:
        raise ValueError("kwotę zapisuje się 1234,56")
    sign, whole, rest = match.groups(default="")
    grosze = int(whole.replace(" ", "") + (rest or "00"))
    return Money(-grosze if sign else grosze)


def read_currency(text: str) -> str:
    if not re.fullmatch("[A-Z]{3}", text):
        raise ValueError("waluta to trzy wielkie litery, na przykład PLN")
    return text


def read_moment(text: str) -> datetime:
    """By the clocks of Warsaw. A day without an hour is noon: no zone moves it to another day."""
    match = _MOMENT.fullmatch(text)
    wrong = "chwilę zapisuje się 2026-11-27 14:30 albo 27.11.2026 14:30"
    if match is None:
        raise ValueError(wrong)
    try:
        day = date.fromisoformat(match["iso"] or f"{match['year']}-{match['month']}-{match['day']}")
        hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
        at = time(12) if match["hour"] is None else time(hour, minute, second)
    except ValueError:
        raise ValueError(wrong) from None
    return datetime.combine(day, at, tzinfo=WARSAW)
