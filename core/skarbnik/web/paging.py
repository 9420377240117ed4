"""Pages of a list by cursor: the id of the last row one saw."""

from __future__ import annotations

from uuid import UUID

from flask import abort, request


def cursor(name: str) -> UUID | None:
    """The id an address names. A text that is none was not written by us."""
    try:
        return UUID(request.args[name]) if name in request.args else None
    except ValueError:
        abort(400)
