"""Who forgot the password asks for a link. What is answered is always the same, whether there is an account or not."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from skarbnik.accounts.fields import email_field
from skarbnik.accounts.limits import limited_by_email
from skarbnik.accounts.models import UserKind
from skarbnik.accounts.password_links import forgot
from skarbnik.plugin_api import public
from skarbnik.web import frame
from skarbnik.web.limits import limited

blueprint = Blueprint("forgotten", __name__, template_folder="templates")

BY_NETWORK = "30 per hour"
FEW, MOST = "3 per 15 minutes", "10 per hour"  # e-mails to one address


class ForgotForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    email = email_field()


@blueprint.route("/forgot", methods=["GET", "POST"])
@public("who forgot the password cannot sign in")
@limited(BY_NETWORK, methods=["POST"])
@limited_by_email("forgot", few=FEW, most=MOST)
def ask() -> Response | str | tuple[str, int]:
    return _ask(UserKind.RESIDENT)


@blueprint.route("/office/forgot", methods=["GET", "POST"])
@public("who forgot the password cannot sign in")
@limited(BY_NETWORK, methods=["POST"])
@limited_by_email("forgot-office", few=FEW, most=MOST)
def ask_office() -> Response | str | tuple[str, int]:
    return _ask(UserKind.OFFICIAL)


@blueprint.get("/forgot/sent")
@public("says the same to everybody")
def sent() -> str:
    return render_template("accounts/forgot_sent.html")


def _ask(kind: UserKind) -> Response | str | tuple[str, int]:
    form = ForgotForm(formdata=request.form)
    if form.validate_on_submit():
        forgot(frame.session(), g.tenant, kind=kind, email=form.email.data or "")
        return redirect(url_for("forgotten.sent", office=1 if kind is UserKind.OFFICIAL else None), 303)
    page = render_template("accounts/forgot.html", form=form, kind=kind)
    return (page, 422) if form.is_submitted() else page
