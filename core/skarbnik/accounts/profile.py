"""A person's own page: who they are here, whom they act for, where they are signed in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.accounts import contact, factors, sessions
from skarbnik.accounts.codes import are_few
from skarbnik.accounts.identities import list_identities
from skarbnik.accounts.models import Door, FactorKind
from skarbnik.accounts.permissions import OWN_ACCOUNT
from skarbnik.accounts.providers import list_doors
from skarbnik.accounts.services import hash_token
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import NotFound
from skarbnik.plugin_api import requires
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.cookies import read_cookie
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.languages import LANGUAGE_NAMES

blueprint = Blueprint("profile", __name__, template_folder="templates")

ATTEMPTS = 10  # of the latest sign-ins


@blueprint.get("/profile")
@requires(OWN_ACCOUNT)
def show() -> str:
    session, person = frame.session(), current_person()
    return render_template(
        "accounts/profile.html",
        doors=list_doors(session, g.tenant, Door.OFFICE if person.is_official else Door.RESIDENTS),
        identities=list_identities(session, person.id),
        sessions=sessions.list_sessions(session, person.id, now=clock.now()),
        own=contact.get_own(session, person.id),
        pending=contact.find_pending_email(session, person.id),
        languages_by_code=LANGUAGE_NAMES,
        here=hash_token(read_cookie("session")),
        attempts=sessions.list_attempts(session, person.id, before=None, size=ATTEMPTS),
        form=TokenForm(),
        **_second_factors(person.id),
    )


def _second_factors(user_id: UUID) -> dict[str, Any]:
    """What the part about the second factor shows."""
    session = frame.session()
    found = factors.list_factors(session, user_id)
    left = factors.count_recovery_codes(session, user_id)
    return {
        "factors": found,
        "has_app": any(each.kind is FactorKind.TOTP for each in found),
        "codes_left": left,
        "few_codes": bool(found) and are_few(left),
    }


@blueprint.post("/profile/sessions/<key>/end")
@requires(OWN_ACCOUNT)
def end_session(key: str) -> Response:
    """Sign out another browser: a lost telephone, a computer in a library."""
    check_token()
    if not sessions.end_session(frame.session(), current_person().id, key):
        raise NotFound("no such session of this user")
    record_own_act("account.session_ended", "user", current_person().id)
    flash(_("That browser has been signed out."))
    return redirect(url_for("profile.show"), 303)
