"""How a plugin describes its settings: a frozen dataclass whose fields say what the office sees and what is secret.

From it the core makes the form, the validation and the encrypted storage. Supported types: str, int, bool.
"""

from __future__ import annotations

from dataclasses import MISSING, field
from typing import Any


def setting(
    label: str,
    *,
    default: Any = MISSING,
    help: str = "",  # noqa: A002  # the word of forms
    pattern: str | None = None,
    lines: bool = False,
) -> Any:
    """A setting that may be shown again. `pattern` is a regular expression the whole value must match.

    `lines`: it has several lines, as certificates do.
    """
    return field(default=default, metadata=_metadata(label, help, pattern, lines=lines, secret=False))


def secret(
    label: str,
    *,
    default: Any = MISSING,
    help: str = "",  # noqa: A002  # the word of forms
    pattern: str | None = None,
    lines: bool = False,
) -> Any:
    """A setting that is stored encrypted like all, and never shown, logged or put into `repr` again."""
    return field(default=default, repr=False, metadata=_metadata(label, help, pattern, lines=lines, secret=True))


def _metadata(label: str, hint: str, pattern: str | None, **flags: bool) -> dict[str, Any]:
    return {"label": label, "help": hint, "pattern": pattern, **flags}
