"""The pages of registering: a form, the link that proves the address, and the paper to take to the office."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, HiddenField, PasswordField
from wtforms.validators import InputRequired, Length, ValidationError

from skarbnik import clock
from skarbnik.accounts import registration
from skarbnik.accounts.fields import ChosenPassword, email_field, name_field
from skarbnik.accounts.limits import limited_by_email, limited_by_gmina, was_done
from skarbnik.accounts.models import Door, Registration
from skarbnik.accounts.password_policy import LONGEST, WeakPassword, check_choice
from skarbnik.accounts.passwords import SHORTEST
from skarbnik.accounts.providers import list_doors
from skarbnik.accounts.services import AddressTaken
from skarbnik.errors import NotFound
from skarbnik.plugin_api import public
from skarbnik.web import frame
from skarbnik.web.access import slots
from skarbnik.web.formats import day
from skarbnik.web.languages import current_language
from skarbnik.web.limits import limited, limiter, was_wrong
from skarbnik.web.printing import typeset

PREFIX = "/register/"
PAPER = "oswiadczenie.pdf"

blueprint = Blueprint("registration", __name__, template_folder="templates")


class RegisterForm(ChosenPassword, FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Who somebody is, what they sign in with, and that they agree to the terms they saw."""

    name = name_field()
    email = email_field()
    terms = BooleanField(validators=[InputRequired(_l("Read the terms of use and agree to them."))])
    version = HiddenField()

    def validate_password(self, field: Any) -> None:
        try:
            check_choice(field.data, words=(g.tenant.name, self.name.data, self.email.data))
        except WeakPassword as weak:
            raise ValidationError(str(weak)) from None


class ProveForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The password that was chosen: only who registered knows it."""

    password = PasswordField(
        validators=[
            InputRequired(_l("Enter your password.")),
            Length(max=LONGEST, message=_l("Use at most %(max)d characters for the password.")),
        ]
    )


MOST_LETTERS = "500 per hour"  # to addresses nobody has proven yet


def holds_secret(path: str) -> bool:
    """Whether an address opens somebody's registration."""
    return path.startswith(PREFIX) and path != f"{PREFIX}sent"


@blueprint.route("/register", methods=["GET", "POST"])
@public("nobody has an account yet")
@limited("20 per hour", methods=["POST"])
@limited_by_gmina(lambda: MOST_LETTERS)
@limited_by_email("register", few="5 per hour", most="10 per hour", counted=was_done)
def register() -> AnyResponse | str | tuple[str, int]:
    session, form = frame.session(), RegisterForm(formdata=request.form)
    version = slots().terms_version(session)
    complete = form.validate_on_submit()
    if complete and form.version.data != version:
        complete, form.terms.errors = False, [_("The terms changed while you were reading. Please read them again.")]
    if complete:
        registration.register(
            session,
            g.tenant,
            name=form.name.data or "",
            email=form.email.data or "",
            password=form.password.data or "",
            language=current_language(),
            terms_version=version,
        )
        return redirect(url_for("registration.sent"), 303)
    form.version.data = version
    doors = list_doors(session, g.tenant, Door.RESIDENTS)
    page = render_template("accounts/register.html", form=form, shortest=SHORTEST, doors=doors)
    return (page, 422) if form.is_submitted() else page


@blueprint.get(f"{PREFIX}sent")
@public("says the same to everybody")
def sent() -> str:
    return render_template("accounts/register_sent.html", days=registration.UNPROVEN.days)


@blueprint.route(f"{PREFIX}<secret>", methods=["GET", "POST"])
@public("who has the secret of the link and the password proves the address")
@limited("30 per minute")
@limiter.limit("20 per hour", key_func=lambda: request.path, methods=["POST"], deduct_when=was_wrong)
def prove(secret: str) -> AnyResponse | str | tuple[str, int]:
    session = frame.session()
    found = registration.find_registration(session, secret)
    if found.proven_at is not None:
        return render_template("accounts/register_waiting.html", **_words(found), secret=secret)
    form = ProveForm(formdata=request.form)
    if form.validate_on_submit():
        try:
            registration.prove(session, secret, form.password.data or "")
            return redirect(url_for("registration.prove", secret=secret), 303)
        except AddressTaken:
            flash(_("There is an account with this address already. Sign in with it."), "warn")
            return redirect(url_for("accounts.sign_in"), 303)
        except registration.WrongPassword:
            form.password.errors = [_("This is not the password you chose when you registered.")]
    page = render_template("accounts/register_prove.html", form=form, found=found)
    return (page, 422) if form.is_submitted() else page


@blueprint.get(f"{PREFIX}<secret>/declaration")
@public("who has the secret of the link prints their own declaration")
@limited("30 per minute")
def declaration(secret: str) -> Response:
    """To be printed and signed, in Polish, the language of the office. PESEL is written on it by hand, nowhere else."""
    found = registration.find_registration(frame.session(), secret)
    if found.proven_at is None:
        raise NotFound("nothing to declare before the address is proven")
    answer = Response(print_declaration(found), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="{PAPER}"'
    return answer


def print_declaration(found: Registration) -> bytes:
    tenant = g.tenant
    return typeset(
        _paper(),
        {
            "title": "Oświadczenie o założeniu konta",
            "number": registration.spoken(found.number),
            "name": found.name,
            "email": found.email,
            "office": tenant.name,
            "address": tenant.address or "",
            "until": day(clock.local_day(found.expires_at)),
        },
    )


@lru_cache(maxsize=1)
def _paper() -> bytes:
    return (files("skarbnik.accounts") / "forms" / "declaration.typ").read_bytes()


def _words(found: Registration) -> dict[str, Any]:
    return {
        "found": found,
        "number": registration.spoken(found.number),
        "until": clock.local_day(found.expires_at),
    }
