"""Fields of forms that say in our words what was expected, where the library has only its own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, Field, IntegerField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # its types are of the version before
from wtforms.validators import Length
from wtforms.widgets import TextInput

from skarbnik.money import ZERO
from skarbnik.web.amounts import as_typed, read_amount_or_zero

EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")  # the whole of one address, by `fullmatch`
LONGEST_EMAIL = 120


def at_most(longest: int) -> Length:
    return Length(max=longest, message=_l("Use at most %(max)d characters here."))


def lines(text: str | None) -> str:
    """What was typed, without what no column can hold and with one kind of line end."""
    return (text or "").replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").rstrip()


def to_choices(pairs: Iterable[tuple[Any, Any]]) -> list[SelectChoice]:
    """What a field lets one choose from: values, and what they are called."""
    return [SelectChoice(value, name) for value, name in pairs]


class Number(IntegerField):
    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Enter a whole number, such as 3.")) from None


class Day(DateField):
    """Sent as browsers with a calendar do, or typed as one writes it here where there is none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("format", ["%Y-%m-%d", "%d.%m.%Y"])
        super().__init__(*args, **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Enter a date, such as 24.11.2026.")) from None


class DayOrNone(Day):
    """Nothing written is None: whether that may be is for the form to say."""

    def process_formdata(self, valuelist: list[str]) -> None:
        if "".join(valuelist).strip():
            super().process_formdata(valuelist)


class Amount(Field):
    """An amount as people write it, see `amounts`: `1 234,56 zł`, `1234.56`, `12`. Nothing written is zero."""

    widget = TextInput()
    written: str | None = None

    def process_formdata(self, valuelist: list[str]) -> None:
        self.written = valuelist[0] if valuelist else ""
        self.data = read_amount_or_zero(self.written) if self.written.strip() else ZERO

    def _value(self) -> str:
        if self.written is not None:
            return self.written
        return as_typed(self.data) if self.data else ""
