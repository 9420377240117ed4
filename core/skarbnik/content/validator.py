"""Is this page an accessibility declaration as its technical conditions (version 2.0) ask? Findings in words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser

from skarbnik import clock
from skarbnik.web.languages import translate as _

DATES = ("a11y-data-publikacja", "a11y-data-aktualizacja", "a11y-data-sporzadzenie")
REVIEW = "a11y-data-przeglad"
OBLIGATORY = (
    "a11y-wstep",
    "a11y-podmiot",
    "a11y-zakres",
    "a11y-url",
    *DATES,
    "a11y-status",
    "a11y-kontakt",
    "a11y-email",
    "a11y-telefon",
    "a11y-procedura",
    "a11y-architektura",
    "a11y-komunikacja",
)
LINKS = {"a11y-url": "http", "a11y-email": "mailto:", "a11y-ocena": "http", "a11y-architektura-url": "http"}
OMBUDSMAN = "rpo.gov.pl"
VOID = {"br", "hr", "img", "input", "link", "meta", "wbr", "area", "base", "col", "embed", "source", "track"}


@dataclass
class Marked:
    """An element with an id of the declaration."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    links: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[Marked]] = {}
        self._open: list[tuple[str, Marked | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        name = attributes.get("id", "")
        marked = Marked(tag, attributes) if name.startswith("a11y-") else None
        if marked is not None:
            self.found.setdefault(name, []).append(marked)
        if tag not in VOID:
            self._open.append((tag, marked))
        if tag == "a":
            for each in self._marked():
                each.links.append(attributes.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place][0] == tag:
                del self._open[place:]
                return

    def handle_data(self, data: str) -> None:
        for each in self._marked():
            each.text += data

    def _marked(self) -> list[Marked]:
        return [marked for _tag, marked in self._open if marked is not None]


def check_declaration(html: str) -> list[str]:
    """What is wrong, a finding each; none for a good declaration."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    found = reader.found
    findings = [f"{name}: {_('missing')}" for name in OBLIGATORY if name not in found]
    findings += [f"{name}: {_('more than once')}" for name, all_ in found.items() if len(all_) > 1]
    first = {name: all_[0] for name, all_ in found.items()}
    findings += [f"{name}: {_('empty')}" for name, each in first.items() if not each.text.strip()]
    findings += [
        f"{name}: {_('no link that begins with %(begin)s') % {'begin': begin}}"
        for name, begin in LINKS.items()
        if name in first and not (first[name].tag == "a" and _leads(first[name], begin))
    ]
    days = {name: _day(first[name]) for name in (*DATES, REVIEW) if name in first}
    findings += [f"{name}: {_('no date in <time datetime>')}" for name, day in days.items() if day is None]
    findings += _late(days)
    if "a11y-procedura" in first:
        findings += _procedure(first["a11y-procedura"])
    return findings


def _leads(marked: Marked, begin: str) -> bool:
    href = marked.attributes.get("href", "")
    return href.startswith(begin) and (begin != "mailto:" or "@" in href)


def _day(marked: Marked) -> date | None:
    if marked.tag != "time":
        return None
    try:
        return date.fromisoformat(marked.attributes.get("datetime", ""))
    except ValueError:
        return None


def _late(days: dict[str, date | None]) -> list[str]:
    """Each declaration is reviewed by 31 March; one that was made this year needs it only the next."""
    today = clock.today()
    findings = [f"{name}: {_('a day to come')}" for name, day in days.items() if day is not None and day > today]
    published, updated = (days.get(name) for name in ("a11y-data-publikacja", "a11y-data-aktualizacja"))
    if published and updated and updated < published:
        findings.append("a11y-data-aktualizacja: " + _("before the publication"))
    year = today.year if today > date(today.year, 3, 31) else today.year - 1
    looked_at = [day for name in ("a11y-data-sporzadzenie", REVIEW) if (day := days.get(name)) is not None]
    if looked_at and max(looked_at) < date(year, 1, 1):
        findings.append(f"{REVIEW}: " + _("no review by 31 March %(year)s") % {"year": year})
    return findings


def _procedure(procedure: Marked) -> list[str]:
    findings = []
    if not any(OMBUDSMAN in link for link in procedure.links):
        findings.append("a11y-procedura: " + _("no link to the ombudsman (RPO)"))
    if not re.search(r"\b7\b", procedure.text):
        findings.append("a11y-procedura: " + _("the 7 days for an answer are not named"))
    return findings
