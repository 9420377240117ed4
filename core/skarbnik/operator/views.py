"""`/operator` on the bare host: the gminas of the instance, their states, and what operators did."""

from __future__ import annotations

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import Engine
from werkzeug.wrappers import Response

from skarbnik.operator import acts, asked, services, sign_in
from skarbnik.tenancy.registry import TenantState
from skarbnik.web.access import public
from skarbnik.web.cookies import read_cookie
from skarbnik.web.frame import instance_of_app, on_bare_host
from skarbnik.web.paging import cursor

blueprint = Blueprint("operator", __name__, url_prefix="/operator", template_folder="templates")

OWN_SESSION = "operators have sessions of their own, which this room asks for before each view"
DOOR = {"operator.enter", "operator.give_code", "operator.set_up"}
STATES = (TenantState.ACTIVE, TenantState.SUSPENDED, TenantState.CREATING)


def engine() -> Engine:
    return instance_of_app().engine


def ip() -> str:
    return request.remote_addr or ""


@blueprint.before_request
def _enter() -> Response | None:
    """On a gmina's host there is no such room; on the bare host there is a door."""
    if g.tenant is not None:
        abort(404)
    g.operator = sign_in.find_operator(engine(), read_cookie("operator"))
    if g.operator is None and request.endpoint not in DOOR:
        return redirect(url_for("operator.enter"), 303)
    return None


@blueprint.get("", strict_slashes=False)
@blueprint.get("/")
@on_bare_host
@public(OWN_SESSION)
def gminas() -> str:
    wanted, state, after = (request.args.get(name, "").strip() for name in ("q", "state", "after"))
    rows = services.list_gminas(engine(), wanted=wanted, state=state if state in STATES else "", after=after)
    shown = rows[: services.PAGE]
    return render_template(
        "operator/gminas.html",
        rows=shown,
        more=rows[services.PAGE - 1].slug if len(rows) > services.PAGE else None,
        wanted=wanted,
        state=state,
        states=STATES,
        support=asked.list_open(instance_of_app(), [row.id for row in shown]),
    )


@blueprint.get("/trail")
@on_bare_host
@public(OWN_SESSION)
def trail() -> str:
    """What operators did, and what was done with commands."""
    rows = acts.list_acts(engine(), before=cursor("before"))
    return render_template(
        "operator/trail.html",
        rows=rows[: acts.PAGE],
        more=rows[acts.PAGE - 1].id if len(rows) > acts.PAGE else None,
        names=act_names(),
    )


def act_names() -> dict[str, str]:
    """Every act of the operators' trail, in words."""
    return {
        "operator.blocked": _("blocked an operator"),
        "operator.factor_reset": _("took away an operator's second factor"),
        "operator.factor_set": _("set up a second factor"),
        "operator.made": _("made an operator, or a new password for one"),
        "operator.session_ended": _("signed another browser out"),
        "operator.signed_in": _("signed in"),
        "operator.signed_out": _("signed out"),
        "operator.unblocked": _("unblocked an operator"),
        "plugin.disabled": _("switched a plugin off"),
        "plugin.enabled": _("switched a plugin on"),
        "support.asked": _("asked for access"),
        "support.link_made": _("went in"),
        "support.withdrawn": _("gave access back"),
        "tenant.created": _("made a gmina"),
        "tenant.renamed": _("renamed a gmina's address"),
        "tenant.resumed": _("opened a gmina again"),
        "tenant.suspended": _("closed a gmina to people"),
    }
