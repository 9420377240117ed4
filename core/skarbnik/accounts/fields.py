"""Fields of forms about a person: an address, a password that is chosen, a number in the population register."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, Field, Form, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from skarbnik.accounts.identity_proofing import read_pesel
from skarbnik.accounts.password_policy import LONGEST
from skarbnik.errors import Invalid
from skarbnik.web.fields import EMAIL, LONGEST_EMAIL, at_most

LONGEST_NAME = 120


def is_email(form: Form, field: Field) -> None:
    if not EMAIL.fullmatch((field.data or "").strip()):
        raise ValidationError(_("Enter an e-mail address, such as anna.kowalska@poczta.pl."))


def is_pesel_number(form: Form, field: Field) -> None:
    try:
        read_pesel(field.data or "")
    except Invalid:
        raise ValidationError(_("This is no PESEL. Compare its eleven digits with the document.")) from None


def name_field() -> StringField:
    missing = _l("Enter the first and last name.")
    return StringField(filters=[_stripped], validators=[DataRequired(missing), at_most(LONGEST_NAME)])


def _stripped(text: str | None) -> str | None:
    """Spaces alone are no name."""
    return text.strip() if text else text


def email_field() -> EmailField:
    return EmailField(validators=[InputRequired(_l("Enter the e-mail address.")), at_most(LONGEST_EMAIL), is_email])


def pesel_field(missing: Any = _l("Type the PESEL from the identity document.")) -> StringField:
    return StringField(validators=[InputRequired(missing), is_pesel_number], render_kw={"inputmode": "numeric"})


def current_password() -> PasswordField:
    """Empty for who has none."""
    return PasswordField(
        validators=[Length(max=LONGEST, message=_l("Use at most %(max)d characters for the password."))]
    )


class SignInForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The door of residents, of the office and of operators."""

    email = EmailField(
        validators=[
            InputRequired(_l("Enter your e-mail address.")),
            Length(max=120, message=_l("Use at most %(max)d characters for the e-mail address.")),
        ]
    )
    password = PasswordField(
        validators=[
            InputRequired(_l("Enter your password.")),
            Length(max=200, message=_l("Use at most %(max)d characters for the password.")),
        ]
    )
    next = HiddenField()


class ChosenPassword:
    """Two fields of a form: a password, typed twice, since nobody sees it."""

    password = PasswordField(
        validators=[
            InputRequired(_l("Choose a password.")),
            Length(max=LONGEST, message=_l("Use at most %(max)d characters for the password.")),
        ]
    )
    again = PasswordField()

    def validate_again(self, field: Any) -> None:
        if field.data != self.password.data:
            raise ValidationError(_("The two passwords differ. Type the same one twice."))
