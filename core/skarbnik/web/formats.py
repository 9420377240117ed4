"""How amounts, days and moments are written on pages: 1 234,56 zł, 23.11.2026, 23.11.2026, 14:05."""

from __future__ import annotations

import re
from datetime import date, datetime

from markupsafe import Markup

from skarbnik.clock import WARSAW
from skarbnik.money import PLN, Money

NBSP = "\u00a0"
_HYPHENED = re.compile(r"\b([eE])-(?=mail)")


def money(amount: Money, currency: str = PLN) -> str:
    """`1 234,56 zł` with spaces that do not break; a minus is a real minus. Money that cannot be booked: `5,00 EUR`."""
    return grosze(amount.grosze, currency)


def grosze(amount: int, currency: str = PLN) -> str:
    """An amount that a query gave as plain grosze, written like Money."""
    whole, rest = divmod(abs(amount), 100)
    sign = "−" if amount < 0 else ""
    return f"{sign}{whole:,}".replace(",", NBSP) + f",{rest:02d}{NBSP}{'zł' if currency == PLN else currency}"


def unbroken(text: str) -> str:
    """For headings: no line ends inside "e-mail"."""
    return _HYPHENED.sub("\\1\N{NON-BREAKING HYPHEN}", text)


def percent(hundredths: int) -> str:
    """`10,5 %` of 1050 hundredths of a per cent."""
    whole, rest = divmod(hundredths, 100)
    return f"{whole}" + (f",{rest:02d}".rstrip("0") if rest else "") + f"{NBSP}%"


def day(value: date | None) -> str:
    return "" if value is None else f"{value.day:02d}.{value.month:02d}.{value.year}"


def day_tag(value: date) -> Markup:
    year, month, day_ = value.year, value.month, value.day
    return Markup(f'<time datetime="{year}-{month:02d}-{day_:02d}">{day_:02d}.{month:02d}.{year}</time>')  # noqa: S704  # digits and dots


def moment(value: datetime | None) -> str:
    """In Warsaw's time, to the minute."""
    if value is None:
        return ""
    local = value.astimezone(WARSAW)
    return f"{local.day:02d}.{local.month:02d}.{local.year}, {local.hour:02d}:{local.minute:02d}"


def phone(number: str | None) -> str:
    """`+48601234567` as `+48 601 234 567`; of another country as it is."""
    if number is None or not re.fullmatch(r"\+48\d{9}", number):
        return number or ""
    return f"+48 {number[3:6]} {number[6:9]} {number[9:]}"


def account(nrb: str | None) -> str:
    """`12 3456 7890 …`: a bank account as people read it."""
    if not nrb:
        return ""
    return f"{nrb[:2]} " + " ".join(nrb[i : i + 4] for i in range(2, len(nrb), 4))  # a line breaks between groups


def file_size(size: int) -> str:
    """`120 kB`, `1,2 MB`: a file that is there is never of nothing."""
    kilobytes = max(round(size / 1024), 1)
    return f"{kilobytes}{NBSP}kB" if kilobytes < 1000 else f"{size / 1024**2:.1f}{NBSP}MB".replace(".", ",")


_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def browser(agent: str) -> str:
    """`Firefox, Windows` of what a browser says of itself; a guess that helps a person to know their own."""
    found = [next((name for mark, name in known if mark in agent), None) for known in (_BROWSERS, _SYSTEMS)]
    return ", ".join(name for name in found if name) or agent[:40] or "?"


FILTERS = {
    "browser": browser,
    "money": money,
    "grosze": grosze,
    "percent": percent,
    "day": day,
    "day_tag": day_tag,
    "moment": moment,
    "phone": phone,
    "account": account,
    "file_size": file_size,
    "unbroken": unbroken,
}
