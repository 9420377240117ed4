"""The menu: entries for who may use them, and below it those of the group one is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app, g, request, url_for

from skarbnik.plugin_api import MenuItem
from skarbnik.web.access import slots
from skarbnik.web.frame import gmina_has

PATHS = "skarbnik.menu_paths"


@dataclass(frozen=True)
class Entry:
    """A link of the menu. `current` is `page` for the page this is, `true` for the one it is a part of."""

    label: str  # a msgid
    path: str
    current: str


@dataclass(frozen=True)
class Menu:
    """What is always there, and what belongs to the group of this page (none where there is but one)."""

    entries: list[Entry]
    below: list[Entry]


def make_menu() -> Menu:
    """For the person of this request. A group is one entry, which leads to the first of it this person may use."""
    items: Sequence[MenuItem] = slots().office_menu if g.person.is_official else slots().resident_menu
    allowed = [
        (item, path) for item in items if g.person.may(item.permission) and gmina_has(path := _path_of(item.endpoint))
    ]
    here = max((path for _item, path in allowed if _is_at(path)), key=len, default="")
    groups: dict[str, list[tuple[MenuItem, str]]] = {}
    for item, path in allowed:
        groups.setdefault(item.group or item.label, []).append((item, path))
    entries, below = [], []
    for name, members in groups.items():
        is_here = any(path == here for _item, path in members)
        if len(members) == 1:
            entries.append(_entry(*members[0], here))
            continue
        entries.append(Entry(name, members[0][1], "true" if is_here else ""))
        if is_here:
            below = [_entry(item, path, here) for item, path in members]
    return Menu(entries, below)


def _path_of(endpoint: str) -> str:
    """An entry's address has no arguments and no host, so it is the same in every gmina: made once, at its first use.

    Making ten of them anew for each page took as long as a twentieth of the page.
    """
    paths: dict[str, str] = current_app.extensions.setdefault(PATHS, {})
    return paths.get(endpoint) or paths.setdefault(endpoint, url_for(endpoint))


def _is_at(path: str) -> bool:
    """A front page, whose address ends with a slash, has no pages below it."""
    return request.path == path or (not path.endswith("/") and request.path.startswith(f"{path}/"))


def _entry(item: MenuItem, path: str, here: str) -> Entry:
    return Entry(item.label, path, "" if path != here else "page" if request.path == path else "true")
