"""Addresses of our own pages for templates: what Flask's `url_for` answers, at a fifth of its price.

A list of debts writes dozens of addresses. Flask searches the rules, the request and the defaults for each of them; our
routes have one rule an endpoint, no prefix and no defaults, so the rule itself can write the path.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Flask, url_for
from werkzeug.routing import Rule


def install_addresses(app: Flask) -> None:
    plain: dict[str, str] = {}
    rules: dict[str, Rule] = {}

    def address(endpoint: str, **values: Any) -> str:
        """The path of a page. Anything out of the ordinary is left to Flask."""
        if endpoint.startswith("."):
            return url_for(endpoint, **values)
        if not values:
            if endpoint not in plain:
                plain[endpoint] = url_for(endpoint)
            return plain[endpoint]
        if endpoint not in rules:
            rules[endpoint] = next(app.url_map.iter_rules(endpoint))
        built = rules[endpoint].build(values) if rules[endpoint].arguments == values.keys() else None
        return built[1] if built is not None else url_for(endpoint, **values)

    app.jinja_env.globals["url_for"] = address


FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)


def read_day(text: str | None) -> date | None:
    """`2026-11-27`, as an address has it. None for what is no day, or too far for others to be counted from it."""
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if FIRST_DAY <= found <= LAST_DAY else None


def own_path(path: str | None) -> str | None:
    """Only a path of this host: one slash, no second one, and nothing a browser would read as one or leave out."""
    if not path or not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        return None
    return path
