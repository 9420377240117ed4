"""Pages of a list: by cursor, the id of the last row one saw, or by number."""

from __future__ import annotations

from uuid import UUID

from flask import abort, request


def cursor(name: str) -> UUID | None:
    """The id an address names. A text that is none was not written by us."""
    try:
        return UUID(request.args[name]) if name in request.args else None
    except ValueError:
        abort(400)


def page_number(most: int = 1_000) -> int:
    """The page an address names, from 1 to the last one anybody may ask for; the first where it names none."""
    return min(max(request.args.get("page", 1, type=int), 1), most)
