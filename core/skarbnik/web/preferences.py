"""What a browser prefers: language and theme, in two small cookies that say nothing about the person."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from flask import Blueprint, Flask, abort, g, redirect, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response

from skarbnik.plugin_api import public
from skarbnik.web.addresses import own_path
from skarbnik.web.cookies import read_cookie, set_cookie
from skarbnik.web.frame import on_bare_host
from skarbnik.web.languages import LANGUAGES

THEMES = ("auto", "light", "dark", "contrast")
YEAR = timedelta(days=365)

blueprint = Blueprint("preferences", __name__)


def install_preferences(app: Flask) -> None:
    app.register_blueprint(blueprint)
    app.before_request_funcs.setdefault(None, []).insert(0, read_preferences)  # before anything could make a page


def read_preferences() -> None:
    """The cookie, else the first language of the browser we have; Polish for everybody else."""
    language = read_cookie("language")
    if language not in LANGUAGES:
        language = _best_language(request.headers.get("Accept-Language", "")[:200])
    theme = read_cookie("theme")
    g.language = language
    g.theme = theme if theme in THEMES else THEMES[0]


@lru_cache(maxsize=1000)
def _best_language(header: str) -> str:
    return parse_accept_header(header, LanguageAccept).best_match(LANGUAGES) or LANGUAGES[0]


@blueprint.get("/language/<language>")
@on_bare_host
@public("a language is no secret")
def choose_language(language: str) -> Response:
    if language not in LANGUAGES:
        abort(404)
    return _kept("language", language)


@blueprint.get("/theme/<theme>")
@on_bare_host
@public("a theme is no secret")
def choose_theme(theme: str) -> Response:
    if theme not in THEMES:
        abort(404)
    return _kept("theme", theme)


def _kept(name: str, value: str) -> Response:
    response = redirect(own_path(request.args.get("back")) or "/", 303)
    set_cookie(response, name, value, good_for=YEAR)
    return response
