"""`/operator` on the bare host: the gminas of the instance and their states."""

from __future__ import annotations

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import Engine
from werkzeug.wrappers import Response

from skarbnik.accounts.services import WrongSignIn
from skarbnik.accounts.views import SignInForm, limited_by_account
from skarbnik.operator import services
from skarbnik.tenancy.registry import TenantState
from skarbnik.web.access import public
from skarbnik.web.frame import cookie_name, instance_of_app, on_bare_host
from skarbnik.web.limits import limited

blueprint = Blueprint("operator", __name__, url_prefix="/operator", template_folder="templates")

OWN_SESSION = "operators have sessions of their own, which this room asks for before each view"
DOOR = {"operator.sign_in"}
STATES = (TenantState.ACTIVE, TenantState.SUSPENDED, TenantState.CREATING)


def _engine() -> Engine:
    return instance_of_app().engine


@blueprint.before_request
def _enter() -> Response | None:
    """On a gmina's host there is no such room; on the bare host there is a door."""
    if g.tenant is not None:
        abort(404)
    g.operator = services.find_operator(_engine(), request.cookies.get(cookie_name("operator")))
    if g.operator is None and request.endpoint not in DOOR:
        return redirect(url_for("operator.sign_in"), 303)
    return None


@blueprint.route("/sign-in", methods=["GET", "POST"])
@on_bare_host
@public(OWN_SESSION)
@limited("10 per minute", methods=["POST"])
@limited_by_account
def sign_in() -> str | Response | tuple[str, int]:
    form = SignInForm(formdata=request.form)
    if form.validate_on_submit():
        try:
            token = services.sign_in(
                _engine(),
                email=form.email.data or "",
                password=form.password.data or "",
                ip=request.remote_addr or "",
            )
        except WrongSignIn:
            wrong = _("The e-mail address and the password do not match. Check both and try again.")
            form.password.errors = [wrong]
            return render_template("operator/sign_in.html", form=form), 422
        response = redirect(url_for("operator.gminas"), 303)
        response.set_cookie(cookie_name("operator"), token, secure=True, httponly=True, samesite="Strict", path="/")
        return response
    return render_template("operator/sign_in.html", form=form), 422 if form.is_submitted() else 200


@blueprint.post("/sign-out")
@on_bare_host
@public(OWN_SESSION)
def sign_out() -> Response:
    services.sign_out(_engine(), request.cookies.get(cookie_name("operator"), ""))
    response = redirect(url_for("operator.sign_in"), 303)
    response.delete_cookie(cookie_name("operator"), secure=True, httponly=True, samesite="Strict", path="/")
    return response


def _url_of(slug: str) -> str:
    """Not by the registry, which is up to a second older than the list."""
    scheme, _sep, place = instance_of_app().settings.public_url.partition("://")
    return f"{scheme}://{slug}.{place}/"


@blueprint.get("", strict_slashes=False)
@blueprint.get("/")
@on_bare_host
@public(OWN_SESSION)
def gminas() -> str:
    wanted, state, after = (request.args.get(name, "").strip() for name in ("q", "state", "after"))
    rows = services.list_gminas(_engine(), wanted=wanted, state=state if state in STATES else "", after=after)
    return render_template(
        "operator/gminas.html",
        rows=rows[: services.PAGE],
        more=rows[services.PAGE - 1].slug if len(rows) > services.PAGE else None,
        wanted=wanted,
        state=state,
        states=STATES,
        url_of=_url_of,
    )
