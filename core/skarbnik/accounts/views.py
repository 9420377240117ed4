"""Signing in and out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask import session as form_cookie
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from skarbnik.accounts import services
from skarbnik.accounts.fields import SignInForm
from skarbnik.accounts.limits import BY_ADDRESS, limited_by_account
from skarbnik.accounts.models import Door, UserKind
from skarbnik.accounts.provider_sign_out import leave
from skarbnik.accounts.providers import list_doors
from skarbnik.accounts.sign_in import HOMES, enter
from skarbnik.plugin_api import public
from skarbnik.web import frame
from skarbnik.web.addresses import own_path
from skarbnik.web.cookies import delete_cookie, read_cookie
from skarbnik.web.limits import limited

blueprint = Blueprint("accounts", __name__, template_folder="templates")


@blueprint.route("/sign-in", methods=["GET", "POST"])
@public("nobody is signed in yet")
@limited(BY_ADDRESS, methods=["POST"])
@limited_by_account
def sign_in() -> AnyResponse | str | tuple[str, int]:
    return _sign_in(UserKind.RESIDENT)


@blueprint.route("/office/sign-in", methods=["GET", "POST"])
@public("nobody is signed in yet")
@limited(BY_ADDRESS, methods=["POST"])
@limited_by_account
def sign_in_office() -> AnyResponse | str | tuple[str, int]:
    return _sign_in(UserKind.OFFICIAL)


def ask_to_sign_in(office: bool, kept: str) -> tuple[str, int]:
    """The door, for somebody whose form arrived after their session had ended."""
    form = SignInForm(formdata=None)
    kind = UserKind.OFFICIAL if office else UserKind.RESIDENT
    action = url_for("accounts.sign_in_office" if office else "accounts.sign_in")
    return _page(form, kind, kept=kept, action=action), 401


def _sign_in(kind: UserKind) -> AnyResponse | str | tuple[str, int]:
    form = SignInForm(formdata=request.form)  # and never JSON or files, which the limits do not see
    kept = request.form.get("kept")
    if request.method == "GET":
        form.next.data = request.args.get("next", "")
    if form.validate_on_submit():
        try:
            user = services.check_sign_in(
                frame.session(),
                kind=kind,
                email=form.email.data or "",
                password=form.password.data or "",
                ip=request.remote_addr or "",
            )
        except services.WrongSignIn:
            form.password.errors = [_("The e-mail address and the password do not match. Check both and try again.")]
            return _page(form, kind, kept=kept), 422
        return enter(user, way=services.LOCAL, second=False, wanted=form.next.data or "", kept=kept)
    ended = bool(form.next.data) and not form.is_submitted()
    status = 422 if form.is_submitted() else 200
    return _page(form, kind, kept=kept, ended=ended), status


def _page(form: SignInForm, kind: UserKind, **words: Any) -> str:
    door = Door.OFFICE if kind is UserKind.OFFICIAL else Door.RESIDENTS
    doors = list_doors(frame.session(), g.tenant, door)
    is_in = g.person is not None and g.person.is_official == (kind is UserKind.OFFICIAL)
    onward = (own_path(form.next.data or "") or url_for(HOMES[kind])) if is_in else None
    return render_template("accounts/sign_in.html", form=form, kind=kind, doors=doors, onward=onward, **words)


@blueprint.post("/sign-out")
@public("signing out is harmless, also with a session that ended")
def sign_out() -> AnyResponse:
    office = g.person is not None and g.person.is_official
    token = read_cookie("session")
    if token:
        leave(frame.session(), token)
        services.sign_out(frame.session(), token)
    form_cookie.clear()
    flash(_("You have signed out."))
    response = redirect(url_for("accounts.sign_in_office" if office else "portal.front"), 303)
    delete_cookie(response, "session")
    return response
