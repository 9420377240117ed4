"""Texts that come with the product, in each language, filled with the gmina's own name, address, telephone and e-mail.

The office's own text, where there is one, is shown instead.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from skarbnik.content.markdown import escape_markdown
from skarbnik.content.models import MAIN, ArticleKind
from skarbnik.tenancy.registry import Tenant

STANDARD_TERMS = "standard-1"  # a changed standard gets the next name, and the old file stays
FORMAL_SERVICE = "formal-service"  # the page that says that the portal does not replace the service of decisions

_FILES = {
    (ArticleKind.FRONT, MAIN): "front",
    (ArticleKind.HELP, MAIN): "help",
    (ArticleKind.CONTACT, MAIN): "contact",
    (ArticleKind.PRIVACY, MAIN): "privacy",
    (ArticleKind.COOKIES, MAIN): "cookies",
    (ArticleKind.TERMS, STANDARD_TERMS): "terms",
    (ArticleKind.PAGE, FORMAL_SERVICE): "page-formal-service",
}
_PLACE = re.compile(r"\{(name|address|email|phone|phone_link|url)\}")
_BEGINS = re.compile(r"- |\d+\. |#|\|")


@dataclass(frozen=True)
class StandardText:
    """A title and a body in Markdown, filled."""

    title: str
    body: str


def has_standard(kind: ArticleKind, slug: str) -> bool:
    return (kind, slug) in _FILES


def find_standard(tenant: Tenant, kind: ArticleKind, slug: str, language: str) -> StandardText | None:
    """The product's text with what is known of the gmina. A line that asks for something unknown is left out."""
    name = _FILES.get((kind, slug))
    if name is None:
        return None
    title, lines = _read(language, name)
    words = _words(tenant)
    kept = [line for line in lines if all(words[place] for place in _PLACE.findall(line))]
    return StandardText(title, _PLACE.sub(lambda found: words[found[1]], "\n".join(kept)).strip())


def _words(tenant: Tenant) -> dict[str, str]:
    phone = tenant.phone or ""
    plain = {
        "name": tenant.name,
        "address": tenant.address or "",
        "email": tenant.email or "",
        "phone": phone,
        "phone_link": re.sub(r"[^0-9+]", "", phone),
        "url": tenant.url(),
    }
    return {name: escape_markdown(text) for name, text in plain.items()}


@lru_cache
def _read(language: str, name: str) -> tuple[str, list[str]]:
    title, *wrapped = _file(language, f"{name}.md").splitlines()
    lines = [""]
    for line in wrapped:  # a paragraph is one line where the office goes on writing
        if line and lines[-1] and not _BEGINS.match(line):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return title.removeprefix("# "), lines


@lru_cache
def accessibility_words(language: str) -> dict[str, str]:
    """What the accessibility declaration says where the office has not said it."""
    return {name: text.strip() for name, text in tomllib.loads(_file(language, "accessibility.toml")).items()}


def _file(language: str, name: str) -> str:
    return (files("skarbnik.content") / "defaults" / language / name).read_text(encoding="utf-8")
