"""Icons of Bootstrap Icons, one by one: a page carries only those it shows, and no icon font is loaded."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from xml.etree import ElementTree

import flask_bootstrap
from markupsafe import Markup

SPRITE = "static/bootstrap5/icons/bootstrap-icons.svg"
_SVG = "{http://www.w3.org/2000/svg}"


@lru_cache
def _symbols() -> dict[str, str]:
    sprite = files(flask_bootstrap).joinpath(SPRITE).read_text(encoding="utf-8")
    found = {}
    for symbol in ElementTree.fromstring(sprite).iter(f"{_SVG}symbol"):  # noqa: S314  # a file of an installed package
        drawing = "".join(ElementTree.tostring(each, encoding="unicode") for each in symbol)
        found[symbol.attrib["id"]] = drawing.replace("ns0:", "").replace(' xmlns:ns0="http://www.w3.org/2000/svg"', "")
    return found


@lru_cache
def icon(name: str) -> Markup:
    """A drawing beside words; it says nothing by itself. KeyError for a name the package does not have."""
    return Markup(  # noqa: S704  # from the package
        '<svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="currentColor" aria-hidden="true"'
        f' focusable="false">{_symbols()[name].strip()}</svg>'
    )
