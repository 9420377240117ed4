"""Languages of pages. msgids are English; every distribution keeps its catalogues beside its templates.

Catalogues are read from their `.po` files at the start: nothing has to be compiled, and nothing can be stale.
Texts of templates are translated when the template is compiled, so a page does not look up a hundred texts each time;
a second language brings a second Jinja environment.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask
from flask_babel import Babel, Domain, get_locale
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import Markup, escape

LANGUAGES = ("pl",)


class CompiledTexts(Extension):
    """Puts the translation in the place of `_("Text")` while a template is read.

    `{{ _("Text") }}` becomes plain text, `_("Text of %(day)s", day=…)` a filter that only fills it.
    """

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        tokens = list(stream)
        place = 0
        while place < len(tokens):
            window = tokens[place : place + 6]
            kinds = [token.type for token in window]
            if kinds == _ALONE and window[1].value == "_":
                yield Token(window[0].lineno, "data", _translated(window[3]) % {})
                place += 6
            elif kinds[:3] == _CALL and window[0].value == "_":
                line = window[0].lineno
                yield Token(line, "string", _translated(window[2]))
                yield Token(line, "pipe", "|")
                yield Token(line, "name", "filled")
                yield window[1]
                place += 4 if kinds[3] == "comma" else 3
            else:
                yield tokens[place]
                place += 1


_CALL = ["name", "lparen", "string"]
_ALONE = ["variable_begin", *_CALL, "rparen", "variable_end"]


def _translated(text: Token) -> str:
    return load_catalogue(LANGUAGES[0]).gettext(text.value)


def _filled(text: str, **values: object) -> Markup:
    return Markup(text % {name: escape(value) for name, value in values.items()})  # noqa: S704  # a translator's text


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
    app.jinja_env.add_extension(CompiledTexts)
    app.jinja_env.filters["filled"] = _filled
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        lambda text: _catalogue().gettext(text),
        lambda one, many, number: _catalogue().ngettext(one, many, number),
        newstyle=True,
    )


def _catalogue() -> gettext.NullTranslations:
    return load_catalogue(str(get_locale() or "pl"))
