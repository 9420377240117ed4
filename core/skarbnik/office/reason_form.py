"""Why a wish to act for somebody is refused, or a mandate is ended, in words its owner reads."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import ValidationError

from skarbnik.payers.fields import check_no_pesel
from skarbnik.payers.models import LONGEST
from skarbnik.web.fields import at_most, lines


class ReasonForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The reason."""

    reason = StringField(filters=[lines], validators=[at_most(LONGEST)])

    def validate_reason(self, field: Any) -> None:
        if not field.data.strip():
            raise ValidationError(_("Enter the reason. The resident reads it."))
        check_no_pesel(field.data)

    @property
    def text(self) -> str:
        return (self.reason.data or "").strip()
