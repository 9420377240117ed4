"""The accessibility declaration (deklaracja dostępności), version 2.0, made from what the office answered.

Before it answered, the answers are the product's own, filled with the gmina's data. The wording of the document is the
law's; so it is one template a language, not single texts to be translated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from skarbnik.content.standard import accessibility_words
from skarbnik.tenancy.registry import Tenant

LANGUAGES = ("pl", "en", "uk")
POLISH = "pl"
ASSESSED_ON = date(2026, 11, 24)  # when the product's own answers were written down

_documents = Environment(loader=PackageLoader("skarbnik.content", "templates/declaration"), autoescape=True)


class Conformity(StrEnum):
    """How far the portal keeps the law."""

    FULL = "full"
    PARTLY = "partly"
    NONE = "none"


class Basis(StrEnum):
    """Who assessed it."""

    OWN = "own"
    AUDIT = "audit"


@dataclass(frozen=True)
class Words:
    """What is said in one language. Empty where nothing was said."""

    gaps: str = ""  # one a line
    reasons: str = ""
    shortcuts: str = ""
    architecture: str = ""
    communication: str = ""


@dataclass(frozen=True)
class Answers:
    """What the office says about the accessibility of its portal."""

    conformity: Conformity = Conformity.PARTLY
    basis: Basis = Basis.OWN
    auditor: str = ""
    published_on: date = ASSESSED_ON
    updated_on: date = ASSESSED_ON
    made_on: date = ASSESSED_ON
    reviewed_on: date | None = None
    contact: str = ""
    email: str = ""
    phone: str = ""
    burden_url: str = ""  # the analysis of an undue burden, where the office relies on one
    architecture_url: str = ""
    words: Mapping[str, Words] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "words"}
        dates = {name: day.isoformat() for name, day in values.items() if isinstance(day, date)}
        return {**values, **dates, "words": {language: vars(words) for language, words in self.words.items()}}


def answers_from(found: Mapping[str, Any] | None, tenant: Tenant) -> Answers:
    """What was answered, and the gmina's data where it was not."""
    if not found:
        return Answers(contact=tenant.name, email=tenant.email or "", phone=tenant.phone or "")
    values = dict(found)
    for name in ("published_on", "updated_on", "made_on", "reviewed_on"):
        values[name] = date.fromisoformat(values[name]) if values[name] else None
    values["conformity"], values["basis"] = Conformity(values["conformity"]), Basis(values["basis"])
    values["words"] = {language: Words(**words) for language, words in values["words"].items()}
    return Answers(**values)


@dataclass(frozen=True)
class Said:
    """A part of the declaration and the language it is in."""

    text: str
    language: str

    @property
    def lines(self) -> list[str]:
        stripped = [line.strip().strip("-–*•").strip() for line in self.text.splitlines()]
        return [line for line in stripped if line]


def words_in(answers: Answers, language: str) -> dict[str, Said]:
    """Each part in this language; where the office said it in Polish only, in Polish; else what the product says."""
    standard = accessibility_words(language)
    found = {}
    for each in fields(Words):
        own = [Said(getattr(answers.words.get(name, Words()), each.name), name) for name in (language, POLISH)]
        found[each.name] = next((said for said in own if said.lines), Said(standard[each.name], language))
    return found


def make_declaration(answers: Answers, tenant: Tenant, language: str) -> Markup:
    """The document, to be put under the heading of a page."""
    template = _documents.get_template(f"{language}.html")
    html = template.render(a=answers, words=words_in(answers, language), name=tenant.name, url=tenant.url())
    return Markup(html)  # noqa: S704  # autoescaped
