"""A form made from what a plugin says of its settings. Secrets are typed anew or left as they are, and never shown."""

from __future__ import annotations

import dataclasses
from typing import Any

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, PasswordField, StringField

from skarbnik.errors import Invalid
from skarbnik.tenancy.plugin_settings import parse_settings
from skarbnik.web.fields import at_most

LONGEST = 1000


@dataclasses.dataclass(frozen=True)
class Row:
    """One setting, as the page shows it."""

    field: Field
    label: str
    hint: str
    is_secret: bool
    is_switch: bool


class SettingsForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What all of them share. `made` is the dataclass once the form was found right."""

    made: Any = None

    def __init__(self, current: Any) -> None:
        super().__init__()
        self._current = current
        for field in dataclasses.fields(current):
            if not self.is_submitted() and not field.metadata["secret"]:
                self[field.name].data = getattr(current, field.name)

    def validate(self, extra_validators: Any = None) -> bool:
        if not super().validate(extra_validators):
            return False
        try:
            self.made = parse_settings(type(self._current), self._values())
        except Invalid as error:
            for name, problem in error.problems.items():
                self[name].errors = [*self[name].errors, _said(problem)]
            return False
        return True

    def demand_secrets(self) -> bool:
        """Whether each secret was typed anew; one that was not is asked for."""
        missing = [
            field.name
            for field in dataclasses.fields(self._current)
            if field.metadata["secret"] and not self[field.name].data and getattr(self._current, field.name)
        ]
        for name in missing:
            self[name].errors = [_("Enter this.")]
        return not missing

    def _values(self) -> dict[str, Any]:
        """As typed; a secret nobody typed is the one that is kept."""
        values = {}
        for field in dataclasses.fields(self._current):
            typed: Any = self[field.name].data
            if field.metadata["secret"] and not typed:
                typed = getattr(self._current, field.name)
            elif str(field.type) == "int" and isinstance(typed, str):
                typed = int(typed) if typed.strip().isascii() and typed.strip().isdecimal() else typed
            elif isinstance(typed, str):
                typed = typed.strip()
            values[field.name] = typed
        return values

    def rows(self) -> list[Row]:
        """Each field with its label and hint, in the plugin's own words."""
        return [
            Row(
                self[field.name],
                field.metadata["label"],
                field.metadata["help"],
                is_secret=field.metadata["secret"],
                is_switch=str(field.type) == "bool",
            )
            for field in dataclasses.fields(self._current)
        ]


def make_form(current: Any) -> SettingsForm:
    """For settings that are kept already."""
    fields: dict[str, Any] = {}
    for each in dataclasses.fields(current):
        if str(each.type) == "bool":
            fields[each.name] = BooleanField()
        elif each.metadata["secret"]:
            fields[each.name] = PasswordField(
                validators=[at_most(LONGEST)], render_kw={"autocomplete": "off", "maxlength": LONGEST}
            )
        else:
            fields[each.name] = StringField(
                validators=[at_most(LONGEST)], render_kw={"autocomplete": "off", "maxlength": LONGEST}
            )
    return type(f"{type(current).__name__}Form", (SettingsForm,), fields)(current)  # type: ignore[no-any-return]  # made here


def _said(problem: str) -> str:
    if problem == "missing":
        return str(_("Enter this."))
    if problem == "has the wrong form":
        return str(_("This does not look as the gateway gives it. Copy it once more."))
    return str(_("This cannot be right."))
