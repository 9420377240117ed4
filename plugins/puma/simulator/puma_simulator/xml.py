"""Writing XML by hand: elements whose data are all in attributes."""

from __future__ import annotations

from xml.sax.saxutils import escape

QUOTED = {'"': "&quot;", "\t": " ", "\n": " ", "\r": " "}


def attributes(**values: object) -> str:
    """` name="value"` for everything that has a value; `postal_code` becomes `postal-code`, `from_` becomes `from`."""
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value), QUOTED)}"'
        for name, value in values.items()
        if value is not None
    )


def element(name: str, /, **values: object) -> str:
    return f"<{name}{attributes(**values)}/>\n"


def flag(value: object) -> str | None:
    """`closed="true"`, or nothing."""
    return "true" if value else None
