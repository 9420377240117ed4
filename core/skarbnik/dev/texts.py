"""`dev.py texts`: what pages say, gathered into the catalogues of every distribution and language.

English is the msgid, so only other languages have catalogues. New texts come with an empty translation, which a test
refuses; texts nobody uses any more leave.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from skarbnik.dev.state import CHECKOUT

TRANSLATED = ("pl", "uk")
METHODS = [("**.py", "skarbnik.dev.texts:read_python"), ("**.html", "jinja2")]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)  # a date that changes would be a difference in every commit


@dataclass(frozen=True)
class Distribution:
    """A package with texts, and where its catalogues are."""

    name: str
    package: Path
    folder: Path

    def catalogue(self, language: str) -> Path:
        return self.folder / f"{language}.po"


def distributions() -> list[Distribution]:
    core = CHECKOUT / "core" / "skarbnik"
    found = [Distribution("skarbnik", core, core / "web" / "translations")]
    for plugin in sorted((CHECKOUT / "plugins").iterdir()):
        package = plugin / f"skarbnik_{plugin.name}"
        if package.is_dir():
            found.append(Distribution(f"skarbnik-{plugin.name}", package, package / "translations"))
    return found


def read_python(
    file: IO[bytes], keywords: Collection[str], _tags: Collection[str], options: dict[str, Any]
) -> Iterator[tuple[int, str, list[str | None], list[str]]]:
    """Calls as Python itself reads them. Babel's reader passes by those within an f-string."""
    for node in ast.walk(ast.parse(file.read())):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
        if name in keywords:
            values = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
            yield node.lineno, name, [value if isinstance(value, str) else None for value in values], []


def gather(distribution: Distribution) -> Catalog:
    """All msgids of a package, without translations."""
    catalogue = Catalog(project=distribution.name, charset="utf-8")
    keywords = {"_": None, "_l": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
    for _file, _line, message, comments, context in extract_from_dir(
        str(distribution.package), METHODS, keywords=keywords
    ):
        catalogue.add(message, None, auto_comments=comments, context=context)
    return catalogue


def texts() -> int:
    """Renew every catalogue and tell what waits for a translator."""
    waiting = 0
    for distribution in distributions():
        gathered = gather(distribution)
        if len(gathered) == 0:
            continue
        for language in TRANSLATED:
            path = distribution.catalogue(language)
            catalogue = _read(path, language, distribution.name)
            catalogue.update(gathered, no_fuzzy_matching=True)
            catalogue.obsolete.clear()
            catalogue.creation_date, catalogue.fuzzy = LONG_AGO, False
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as file:
                write_po(file, catalogue, width=120, no_location=True, sort_output=True)
            missing = missing_in(catalogue)
            waiting += len(missing)
            print(f"{path.relative_to(CHECKOUT)}: {len(catalogue)} texts, {len(missing)} without a translation")
    return 1 if waiting else 0


def missing_in(catalogue: Catalog) -> list[str]:
    """Msgids without a translation, or with one only in some of the language's plural forms."""
    found = []
    for message in catalogue:
        strings = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        if message.id and (message.fuzzy or not all(strings)):
            found.append(str(message.id))
    return found


def _read(path: Path, language: str, project: str) -> Catalog:
    if path.is_file():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
    else:
        catalogue = Catalog(locale=language)
    catalogue.project, catalogue.version, catalogue.charset = project, "1", "utf-8"
    catalogue.header_comment = f"# {project} in {language}"
    catalogue.creation_date = catalogue.revision_date = LONG_AGO
    catalogue.last_translator = catalogue.language_team = project
    catalogue.copyright_holder, catalogue.msgid_bugs_address = project, project
    return catalogue
