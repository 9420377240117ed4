"""The page behind a link that came by e-mail: choosing a password. The address is a secret."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length, ValidationError

from skarbnik.accounts.models import User, UserKind
from skarbnik.accounts.password_links import choose_password, find_invited
from skarbnik.accounts.passwords import SHORTEST
from skarbnik.audit.services import record_act
from skarbnik.web import frame
from skarbnik.web.access import public
from skarbnik.web.limits import limited

PREFIX = "/welcome/"
LONGEST = 200

blueprint = Blueprint("welcome", __name__, template_folder="templates")


class PasswordForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A password, typed twice, since nobody sees it."""

    password = PasswordField(
        validators=[
            InputRequired(_l("Choose a password.")),
            Length(max=LONGEST, message=_l("Use at most %(max)d characters for the password.")),
        ]
    )
    again = PasswordField()

    def validate_password(self, field: Any) -> None:
        if len(field.data) < SHORTEST:
            raise ValidationError(_("Use at least %(num)d characters for the password.", num=SHORTEST))

    def validate_again(self, field: Any) -> None:
        if field.data != self.password.data:
            raise ValidationError(_("The two passwords differ. Type the same one twice."))


@blueprint.route(f"{PREFIX}<secret>", methods=["GET", "POST"])
@public("who has the secret of the link chooses their password")
@limited("30 per minute")
def choose(secret: str) -> str | Response | tuple[str, int]:
    session = frame.session()
    user = find_invited(session, secret)
    form = PasswordForm(formdata=request.form)
    if not form.validate_on_submit():
        return _page(user, form), 422 if form.is_submitted() else 200
    user = choose_password(session, secret, form.password.data or "")
    record_act(
        session,
        "account.password_chosen",
        subject="user",
        subject_id=user.id,
        actor="user",
        actor_id=user.id,
        ip=request.remote_addr,
    )
    flash(_("The password is set. Sign in with it now."))
    return redirect(url_for("accounts.sign_in_office" if user.kind is UserKind.OFFICIAL else "accounts.sign_in"), 303)


def _page(user: User, form: PasswordForm) -> str:
    return render_template("accounts/welcome.html", user=user, form=form, shortest=SHORTEST)
