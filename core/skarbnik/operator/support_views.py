"""`/office/support`: what operators of the instance asked this gmina for, what the office says to it, and going in."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from flask import session as form_cookie
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.accounts import services as accounts
from skarbnik.audit.requests import record_own_act
from skarbnik.operator import support
from skarbnik.operator.permissions import DECIDE, SEE
from skarbnik.operator.services import is_open
from skarbnik.operator.words import hour_names, scope_names
from skarbnik.plugin_api import impersonal, public, requires
from skarbnik.tenancy.models import SwitchName
from skarbnik.tenancy.switches import is_switched_on, set_switch
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.cookies import delete_cookie, read_cookie, set_cookie
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.limits import limited
from skarbnik.web.paging import cursor

blueprint = Blueprint("support", __name__, url_prefix="/office/support", template_folder="templates")

PREFIX = "/office/support/enter/"  # what follows holds a secret


@blueprint.get("")
@requires(SEE)
@impersonal("operators of the portal, no resident")
def listed() -> str:
    """All there were, the newest first; and how the office wants to be asked."""
    session = frame.session()
    rows, at_once = support.list_accesses(session, before=cursor("before")), _at_once()
    return render_template(
        "office/support.html",
        rows=rows[: support.PAGE],
        more=rows[support.PAGE - 1].id if len(rows) > support.PAGE else None,
        names=support.names_of(session, rows),
        scopes=scope_names(),
        lengths=hour_names(),
        decide=DECIDE,
        plain=TokenForm(),
        at_once=at_once,
        moment_now=clock.now(),
    )


def _at_once() -> bool:
    return is_switched_on(frame.session(), SwitchName.SUPPORT_AT_ONCE)


@blueprint.post("/setting")
@requires(DECIDE, fresh=True)
def change_setting() -> Response:
    """From the next question on."""
    check_token()
    on = request.form.get("way") == "at_once"
    if set_switch(frame.session(), SwitchName.SUPPORT_AT_ONCE, on=on, by=current_person().id):
        record_own_act("support.setting_changed", f"switch/{SwitchName.SUPPORT_AT_ONCE}")
    flash(_("Saved."))
    return _back()


@blueprint.post("/<uuid:access_id>/agree")
@requires(DECIDE, fresh=True)
def agree(access_id: UUID) -> Response:
    check_token()
    access = support.agree(frame.session(), access_id, by=current_person().id)
    record_own_act("support.agreed", "support_access", access.id)
    flash(_("The operator may look. You see it on every page, and can end it at any moment."))
    return _back()


@blueprint.post("/<uuid:access_id>/refuse")
@requires(DECIDE)
def refuse(access_id: UUID) -> Response:
    check_token()
    access = support.refuse(frame.session(), access_id, by=current_person().id)
    record_own_act("support.refused", "support_access", access.id)
    flash(_("Refused. The operator sees nothing of your office."))
    return _back()


@blueprint.post("/<uuid:access_id>/end")
@requires(DECIDE)
def end(access_id: UUID) -> Response:
    check_token()
    access = support.end(frame.session(), access_id, by=current_person().id)
    record_own_act("support.ended", "support_access", access.id)
    flash(_("Ended. The operator's next click is refused."))
    return _back()


@blueprint.errorhandler(support.Over)
def too_late(over: support.Over) -> Response:
    frame.roll_back()
    flash(_("Somebody decided a moment ago, or the access is over. Nothing was changed."), "warn")
    return _back()


@blueprint.route("/enter/<uuid:access_id>/<secret>", methods=["GET", "POST"])
@public("an operator comes by a link that works once; what it opens is what the office agreed to")
@limited("30 per minute")
def enter(access_id: UUID, secret: str) -> str | Response | tuple[str, int]:
    """The link of the bare host: looking at it does nothing, the button changes it for a session."""
    session = frame.session()
    access = support.find_linked(session, access_id, secret)
    if access is None or not is_open(frame.instance_of_app().engine, access.operator_id):
        return render_template("office/support_link.html", access=None), 404
    if request.method != "POST":
        return render_template("office/support_link.html", access=access, plain=TokenForm(), secret=secret)
    check_token()
    token = support.use_link(session, access_id, secret, ip=request.remote_addr or "")
    accounts.sign_out(session, read_cookie("session"))
    form_cookie.clear()
    response = redirect(url_for("office.day"), 303)
    set_cookie(response, "session", token)
    return response


@blueprint.post("/leave")
@public("ends the session of the operator who asks for it, and of nobody else")
def leave() -> Response:
    check_token()
    if g.person is not None and g.person.access_id is not None:
        support.leave(frame.session(), read_cookie("session"), ip=request.remote_addr or "")
    g.person = None
    response = make_response(render_template("office/support_link.html", access=None, left=True))
    delete_cookie(response, "session")
    return response


def _back() -> Response:
    return redirect(url_for("support.listed"), 303)
