"""Pages of a list: by cursor, the id of the last row one saw, or by number."""

from __future__ import annotations

from uuid import UUID

from flask import abort, request

MOST_PAGES = 1_000


def cursor(name: str) -> UUID | None:
    """The id an address names. A text that is none was not written by us."""
    try:
        return UUID(request.args[name]) if name in request.args else None
    except ValueError:
        abort(400)


def page_number() -> int:
    return min(max(request.args.get("page", 1, type=int), 1), MOST_PAGES)
