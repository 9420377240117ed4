"""The operators' door: the password, then the code; whoever has no second factor sets it up in between."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask import session as form_cookie
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired

from skarbnik.accounts.codes import address_of_key, draw_address
from skarbnik.accounts.fields import SignInForm
from skarbnik.accounts.limits import limited_by_account
from skarbnik.accounts.services import WrongSignIn
from skarbnik.errors import Conflict
from skarbnik.operator import sign_in
from skarbnik.operator.frame import OWN_SESSION, blueprint, engine, ip
from skarbnik.operator.words import why_refused
from skarbnik.plugin_api import public
from skarbnik.web.cookies import SealedCookie, delete_cookie, read_cookie, set_cookie
from skarbnik.web.fields import at_most
from skarbnik.web.frame import instance_of_app, on_bare_host
from skarbnik.web.limits import limited

__all__ = ["blueprint"]

HALF = SealedCookie("operator-half", "operator-half-sign-in", good_for=timedelta(minutes=10), same_site="Strict")


class CodeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A code of the application; at the door also a recovery code."""

    code = StringField(validators=[InputRequired(_l("Enter the code of your application.")), at_most(40)])


@blueprint.route("/sign-in", methods=["GET", "POST"], endpoint="enter")
@on_bare_host
@public(OWN_SESSION)
@limited("10 per minute", methods=["POST"])
@limited_by_account
def enter() -> str | Response | tuple[str, int]:
    form = SignInForm(formdata=request.form)
    if not form.validate_on_submit():
        return render_template("operator/sign_in.html", form=form), 422 if form.is_submitted() else 200
    email, password = form.email.data or "", form.password.data or ""
    try:
        half = sign_in.check_operator(engine(), email=email, password=password, ip=ip())
    except WrongSignIn:
        form.password.errors = [_("The e-mail address and the password do not match. Check both and try again.")]
        return render_template("operator/sign_in.html", form=form), 422
    response = redirect(url_for("operator.set_up" if half.secret else "operator.give_code"), 303)
    HALF.give(response, {"operator": str(half.operator_id), "mark": half.mark, "secret": half.secret})
    return response


def _find_half() -> sign_in.HalfSignIn | None:
    """Whose password this browser gave a moment ago."""
    words = HALF.read()
    if words is None:
        return None
    return sign_in.find_half(engine(), UUID(words["operator"]), mark=words["mark"], secret=words["secret"])


def _again() -> Response:
    flash(_("Sign in from the beginning, please: it took too long, or something changed meanwhile."), "warn")
    return redirect(url_for("operator.enter"), 303)


@blueprint.route("/code", methods=["GET", "POST"])
@on_bare_host
@public(OWN_SESSION)
@limited("20 per minute", methods=["POST"])
def give_code() -> str | Response | tuple[str, int]:
    """The second factor. There is no session before it."""
    who, form = _find_half(), CodeForm(formdata=request.form)
    if who is None or who.secret is not None:
        return _again()
    status = 422 if form.is_submitted() else 200
    if form.validate_on_submit():
        try:
            token = sign_in.give_code(engine(), instance_of_app().keys, who, code=form.code.data or "", **_from())
        except (sign_in.WrongCode, sign_in.TooManyCodes) as refused:
            form.code.errors = [why_refused(refused)]
        else:
            return _let_in(redirect(url_for("operator.gminas"), 303), token)
    return render_template("operator/code.html", form=form, who=who), status


@blueprint.route("/factor", methods=["GET", "POST"])
@on_bare_host
@public(OWN_SESSION)
@limited("20 per minute", methods=["POST"])
def set_up() -> str | Response | tuple[str, int]:
    """The first time: the secret goes into a telephone, and a code shows that it is there. Then there is a session."""
    who, form = _find_half(), CodeForm(formdata=request.form)
    if who is None or who.secret is None:
        return _again()
    status = 422 if form.is_submitted() else 200
    if form.validate_on_submit():
        try:
            token, codes = sign_in.set_up_factor(
                engine(), instance_of_app().keys, who, code=form.code.data or "", **_from()
            )
        except (sign_in.WrongCode, sign_in.TooManyCodes) as refused:
            form.code.errors = [why_refused(refused)]
        except Conflict:
            return _again()
        else:
            return _let_in(
                Response(render_template("operator/recovery.html", codes=codes), mimetype="text/html"), token
            )
    address = address_of_key(who.secret, name=who.email, issuer=f"Skarbnik {instance_of_app().settings.host}")
    return render_template("operator/factor.html", form=form, who=who, drawing=draw_address(address)), status


def _from() -> dict[str, str]:
    return {"ip": ip(), "agent": request.user_agent.string}


def _let_in(response: Response, token: str) -> Response:
    """Nothing from before is worth anything afterwards."""
    form_cookie.clear()
    HALF.delete(response)
    set_cookie(response, "operator", token, same_site="Strict")
    return response


@blueprint.post("/sign-out")
@on_bare_host
@public(OWN_SESSION)
def sign_out() -> Response:
    sign_in.sign_out(engine(), read_cookie("operator"))
    response = redirect(url_for("operator.enter"), 303)
    delete_cookie(response, "operator", same_site="Strict")
    return response
