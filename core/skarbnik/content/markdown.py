"""Markdown of the office as safe HTML: no HTML of their own, no images, only links that lead where they say."""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

from skarbnik.web.addresses import own_path

DEEPEST = 6

_MAIL = re.compile(r"[^@\s?&]{1,64}@[a-z0-9.-]{1,190}", re.IGNORECASE | re.ASCII)
_TEL = re.compile(r"\+?[0-9()., -]{3,30}", re.ASCII)


def may_link(address: str) -> bool:
    """Pages of the web, of this portal, mail and telephone. The scheme counts as browsers read it."""
    if not address.isprintable() or "\\" in address:
        return False
    if address.startswith("/"):
        return own_path(unquote(address)) is not None
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.scheme in {"http", "https"}:
        return bool(parts.hostname) and "@" not in parts.netloc  # a name before the host is there to mislead
    if parts.scheme == "mailto":
        return not parts.query and _MAIL.fullmatch(parts.path) is not None
    return parts.scheme == "tel" and _TEL.fullmatch(parts.path.replace("%20", " ")) is not None


class _Reader(MarkdownIt):
    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False})
        self.enable("table").disable(["image", "html_block", "html_inline"])
        self.disable("reference")  # a definition used a thousand times makes megabytes of a page
        self.add_render_rule("link_open", _open_link)
        self.add_render_rule("th_open", _open_cell)
        self.add_render_rule("td_open", _open_cell)

    def validateLink(self, url: str) -> bool:  # noqa: N802  # markdown-it's word
        return may_link(url)


def _open_link(
    renderer: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    if str(tokens[place].attrGet("href")).startswith(("http:", "https:")):
        tokens[place].attrSet("rel", "noopener")
    return renderer.renderToken(tokens, place, options, env)


def _open_cell(
    renderer: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    tokens[place].attrs.pop("style", None)  # pages carry no style
    if tokens[place].tag == "th":
        tokens[place].attrSet("scope", "col")
    return renderer.renderToken(tokens, place, options, env)


_READER = _Reader()


def to_html(body: str, shift: int = 1) -> Markup:
    """The body of an article under a heading of level `shift`: the one h1 of a page is its title.

    Whatever level the writer began with, the highest heading comes right below the title, and no level is left out.
    """
    env: dict[str, Any] = {}
    tokens = _READER.parse(body, env)
    opened = [token for token in tokens if token.type == "heading_open"]
    highest = min((int(token.tag[1]) for token in opened), default=1)
    level = shift
    for token in tokens:
        if token.type == "heading_open":
            level = min(int(token.tag[1]) - highest + shift + 1, level + 1, DEEPEST)
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{level}"
    return Markup(_READER.renderer.render(tokens, _READER.options, env))  # noqa: S704  # tags are the reader's own


shown_html = lru_cache(maxsize=256)(to_html)  # of what is published; a draft is not remembered


def escape_markdown(text: str) -> str:
    """A name or an address put into Markdown stays what it is."""
    return re.sub(r"([\\`*_\[\]<>#|&])", r"\\\1", text)
