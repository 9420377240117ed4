"""An operator's own page: where they are signed in, and who tried to be."""

from __future__ import annotations

from flask import abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik.accounts.codes import are_few
from skarbnik.accounts.services import hash_token
from skarbnik.operator import sign_in
from skarbnik.operator.factor import count_recovery_codes
from skarbnik.operator.frame import OWN_SESSION, blueprint, engine
from skarbnik.plugin_api import public
from skarbnik.web.cookies import read_cookie
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.frame import on_bare_host
from skarbnik.web.paging import cursor

__all__ = ["blueprint"]


@blueprint.get("/profile")
@on_bare_host
@public(OWN_SESSION)
def profile() -> str:
    attempts = sign_in.list_attempts(engine(), g.operator.id, before=cursor("before"))
    left = count_recovery_codes(engine(), g.operator.id)
    return render_template(
        "operator/profile.html",
        sessions=sign_in.list_sessions(engine(), g.operator.id),
        this_browser=hash_token(read_cookie("operator")),
        codes=left,
        few_codes=are_few(left),
        attempts=attempts[: sign_in.PAGE],
        older_than=attempts[sign_in.PAGE - 1].id if len(attempts) > sign_in.PAGE else None,
        form=TokenForm(),
    )


@blueprint.post("/profile/sessions/<key>/end")
@on_bare_host
@public(OWN_SESSION)
def end_session(key: str) -> Response:
    check_token()
    if not sign_in.end_session(engine(), g.operator.id, key):
        abort(404)
    flash(_("That browser has been signed out."))
    return redirect(url_for("operator.profile"), 303)
