"""Fields of forms that say in our words what was expected, where the library has only its own."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, IntegerField
from wtforms.validators import Length


def at_most(longest: int) -> Length:
    return Length(max=longest, message=_l("Use at most %(max)d characters here."))


def lines(text: str | None) -> str:
    """What was typed, without what no column can hold and with one kind of line end."""
    return (text or "").replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").rstrip()


class Number(IntegerField):
    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Enter a whole number, such as 3.")) from None


class Day(DateField):
    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Enter a date, such as 24.11.2026.")) from None
