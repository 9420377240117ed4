"""A form made from what a plugin says of its settings. Secrets are typed anew or left as they are, and never shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, PasswordField, StringField, TextAreaField

from skarbnik.errors import Invalid
from skarbnik.tenancy.plugin_settings import parse_settings
from skarbnik.web.fields import at_most

LONGEST = 1000
LONGEST_LINES = 20_000  # characters of a field with several lines


@dataclasses.dataclass(frozen=True)
class Row:
    """One setting, as the page shows it."""

    field: Field
    label: str
    hint: str
    is_secret: bool
    is_switch: bool
    is_kept: bool  # a secret that is there already
    is_usual: bool  # it has the value it has when nobody says anything


class SettingsForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What all of them share. `made` is the dataclass once the form was found right.

    `partial`: what is missing may be entered another day; then `values()` is what there is, and nothing is made.
    """

    made: Any = None

    def __init__(
        self,
        settings_type: type,
        known: Mapping[str, Any],
        *,
        skip: frozenset[str] = frozenset(),
        partial: bool = False,
    ) -> None:
        super().__init__()
        self._type, self._known, self._partial = settings_type, known, partial
        self._shown = [each for each in dataclasses.fields(settings_type) if each.name not in skip]
        for field in self._shown:
            if not self.is_submitted() and not field.metadata["secret"]:
                self[field.name].data = known.get(field.name, _default(field))

    def validate(self, extra_validators: Any = None) -> bool:
        if not super().validate(extra_validators):
            return False
        try:
            self.made = parse_settings(self._type, self.values())
        except Invalid as error:
            wrong = {name: said for name, said in error.problems.items() if not (self._partial and said == "missing")}
            for name, problem in wrong.items():
                self[name].errors = [*self[name].errors, _said(problem)]
            return not wrong
        return True

    def demand_secrets(self) -> bool:
        """Whether each secret was typed anew; one that was not is asked for."""
        missing = [
            field.name
            for field in self._shown
            if field.metadata["secret"] and not self[field.name].data and self._known.get(field.name)
        ]
        for name in missing:
            self[name].errors = [_("Enter this.")]
        return not missing

    def values(self) -> dict[str, Any]:
        """As typed; a secret nobody typed is the one that is kept, and so is what is not on the form."""
        values = dict(self._known)
        for field in self._shown:
            typed: Any = self[field.name].data
            if field.metadata["secret"] and not typed:
                typed = self._known.get(field.name)
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
                is_kept=bool(field.metadata["secret"] and self._known.get(field.name)),
                is_usual=field.default is not dataclasses.MISSING
                and self._known.get(field.name, field.default) in (field.default, ""),
            )
            for field in self._shown
        ]


def make_form(
    settings_type: type, known: Mapping[str, Any], *, skip: frozenset[str] = frozenset(), partial: bool = False
) -> SettingsForm:
    """`known` are the values that are there; `skip` names settings that are entered elsewhere."""
    fields: dict[str, Any] = {}
    for each in dataclasses.fields(settings_type):
        most = LONGEST_LINES if each.metadata["lines"] else LONGEST
        words: dict[str, Any] = {"validators": [at_most(most)]}
        words["render_kw"] = {"autocomplete": "off", "maxlength": most}
        if each.name in skip:
            continue
        if str(each.type) == "bool":
            fields[each.name] = BooleanField()
        elif each.metadata["lines"]:
            words["render_kw"] |= {"rows": 6, "spellcheck": "false"}
            fields[each.name] = TextAreaField(**words)
        elif each.metadata["secret"]:
            fields[each.name] = PasswordField(**words)
        else:
            fields[each.name] = StringField(**words)
    made = type(f"{settings_type.__name__}Form", (SettingsForm,), fields)
    return made(settings_type, known, skip=skip, partial=partial)  # type: ignore[no-any-return]  # made here


def _default(field: dataclasses.Field[Any]) -> Any:
    return None if field.default is dataclasses.MISSING else field.default


def _said(problem: str) -> str:
    if problem == "missing":
        return str(_("Enter this."))
    if problem == "has the wrong form":
        return str(_("This does not look as the other system gives it. Copy it once more."))
    return str(_("This cannot be right."))
