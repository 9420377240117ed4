"""Languages of pages. msgids are English; every distribution keeps its catalogues beside its templates.

Catalogues are read from their `.po` files at the start: nothing has to be compiled, and nothing can be stale.
"""

from __future__ import annotations

import gettext
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask
from flask_babel import Babel, Domain, get_locale

LANGUAGES = ("pl",)


class OwnDomain(Domain):  # type: ignore[misc]  # Flask-Babel has no types
    """All catalogues of the installed distributions as one."""

    def get_translations(self) -> Any:
        return _catalogue()


@lru_cache
def load_catalogue(language: str) -> gettext.NullTranslations:
    path = files("skarbnik") / "web" / "translations" / f"{language}.po"
    if not path.is_file():
        return gettext.NullTranslations()
    with path.open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def install_languages(app: Flask) -> None:
    app.config["BABEL_DEFAULT_LOCALE"] = "pl"
    app.config["BABEL_DEFAULT_TIMEZONE"] = "Europe/Warsaw"
    Babel(app)
    app.extensions["babel"].instance.domain_instance = OwnDomain()
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        lambda text: _catalogue().gettext(text),
        lambda one, many, number: _catalogue().ngettext(one, many, number),
        newstyle=True,
    )


def _catalogue() -> gettext.NullTranslations:
    return load_catalogue(str(get_locale() or "pl"))
