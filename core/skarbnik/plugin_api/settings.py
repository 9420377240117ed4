"""How a plugin describes its settings: a frozen dataclass whose fields say what the office sees and what is secret.

From it the core makes the form, the validation and the encrypted storage. Supported types: str, int, bool.
"""

from __future__ import annotations

from dataclasses import MISSING, field
from typing import Any


def setting(label: str, *, default: Any = MISSING, help: str = "", pattern: str | None = None) -> Any:  # noqa: A002  # the word of forms
    """A setting that may be shown again. `pattern` is a regular expression the whole value must match."""
    return field(default=default, metadata={"label": label, "help": help, "pattern": pattern, "secret": False})


def secret(label: str, *, default: Any = MISSING, help: str = "", pattern: str | None = None) -> Any:  # noqa: A002  # the word of forms
    """A setting that is stored encrypted like all, and never shown, logged or put into `repr` again."""
    return field(
        default=default, repr=False, metadata={"label": label, "help": help, "pattern": pattern, "secret": True}
    )
