"""The gminas of the instance and their states, and what operators did."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _

from skarbnik.operator import acts, services, support_overview
from skarbnik.operator.frame import OWN_SESSION, blueprint, engine
from skarbnik.plugin_api import public
from skarbnik.tenancy.registry import TenantState
from skarbnik.web.frame import instance_of_app, on_bare_host
from skarbnik.web.paging import cursor

__all__ = ["blueprint"]

STATES = (TenantState.ACTIVE, TenantState.SUSPENDED, TenantState.CREATING)


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
        support=support_overview.list_open(instance_of_app(), [row.id for row in shown]),
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
