"""Languages of pages. msgids are English; every distribution keeps its catalogues beside its code.

Catalogues are read from their `.po` files at the start: nothing has to be compiled, and nothing can be stale.
Texts of templates are translated when a template is compiled (`compiling`).
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from typing import Any

import structlog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_app_context
from flask_babel import Babel, Domain
from markupsafe import Markup, escape

log = structlog.get_logger()

LANGUAGE_NAMES = {"pl": "Polski", "en": "English", "uk": "Українська"}  # each in its own language
LANGUAGES = tuple(LANGUAGE_NAMES)
_PACKAGES = {"skarbnik": "web/translations"}  # where each distribution keeps its catalogues


def current_language() -> str:
    """The language of this request; Polish where nobody asked for another."""
    language: str = g.get("language", LANGUAGES[0]) if has_app_context() else LANGUAGES[0]
    return language


def translate(text: str) -> str:
    """A msgid that came as a value, as the label of a menu entry does."""
    return load_catalogue(current_language()).gettext(text)


def fill(text: str, **values: object) -> Markup:
    """A translation with its placeholders filled, each escaped."""
    safe = {name: value if isinstance(value, int) else escape(value) for name, value in values.items()}
    return Markup(text % safe)  # noqa: S704  # a translator's text


def _runtime_gettext(text: str, **values: object) -> Markup:
    """`_(item.label)`: a msgid that is known only when the page is made."""
    return fill(translate(text), **values) if values else Markup(translate(text) % ())  # noqa: S704  # a translator's


def _runtime_ngettext(one: str, many: str, number: int, **values: object) -> Markup:
    text = load_catalogue(current_language()).ngettext(one, many, number)
    return fill(text, num=number, **values)


class OwnDomain(Domain):  # type: ignore[misc]  # Flask-Babel has no types
    """All catalogues of the installed distributions as one."""

    def get_translations(self) -> Any:
        return load_catalogue(current_language())


@lru_cache
def load_catalogue(language: str) -> gettext.NullTranslations:
    """The texts of every distribution in one language. The core's come last: no plugin says one of them otherwise."""
    loaded: Translations | None = None
    for package in reversed(_PACKAGES):
        path = files(package) / _PACKAGES[package] / f"{language}.po"
        try:
            found = _compile(path, language) if path.is_file() else None
        except Exception as error:  # whatever a plugin's file is: its texts are shown as they stand in its code
            log.error("plugin.texts_broken", package=package, language=language, error=type(error).__name__)
            continue
        if found is None:
            continue
        if loaded is None:
            loaded = found
        else:
            loaded.merge(found)
            loaded.plural = found.plural  # merging leaves the forms of who came first, a plugin's
    return loaded or NullTranslations()


def _compile(path: Traversable, language: str) -> Translations:
    with path.open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def install_languages(app: Flask, packages: Iterable[str] = ()) -> None:
    """Before the first template is read. `packages` are plugins with `translations/<language>.po` in them."""
    for package in packages:
        _PACKAGES.setdefault(package, "translations")
    load_catalogue.cache_clear()
    app.config["BABEL_DEFAULT_LOCALE"] = LANGUAGES[0]
    app.config["BABEL_DEFAULT_TIMEZONE"] = "Europe/Warsaw"
    Babel(app, locale_selector=current_language)
    app.extensions["babel"].instance.domain_instance = OwnDomain()
    app.jinja_env.filters["filled"] = fill
    app.jinja_env.globals.update(_=_runtime_gettext, ngettext=_runtime_ngettext, current_language=current_language)
