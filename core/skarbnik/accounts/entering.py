"""Going in, whichever door somebody came to: a new session and cookie, and on to where they were going."""

from __future__ import annotations

from flask import g, make_response, redirect, render_template, request, url_for
from flask import session as form_cookie
from werkzeug.wrappers import Response

from skarbnik.accounts import services
from skarbnik.accounts.away import keep_provider_session
from skarbnik.accounts.models import User, UserKind
from skarbnik.accounts.people import load_person
from skarbnik.web import frame
from skarbnik.web.access import slots
from skarbnik.web.addresses import own_path
from skarbnik.web.kept import open_kept

HOMES = {UserKind.RESIDENT: "portal.dashboard", UserKind.OFFICIAL: "office.day"}


def enter(user: User, *, way: str, second: bool, wanted: str, kept: str | None = None, there: str = "") -> Response:
    """Sign this browser in as somebody who proved who they are.

    `wanted` is where they were going, `kept` the form they had filled when their session ended, `there` an identity
    provider's words for ending its session. Nothing from before is worth anything afterwards: the session, its cookie
    and the token of forms are new.
    """
    session, home = frame.session(), url_for(HOMES[user.kind])
    token = services.open_session(
        session, user, way=way, second=second, ip=request.remote_addr or "", agent=request.user_agent.string
    )
    if there:
        keep_provider_session(session, g.tenant, token, way, there)
    form_cookie.clear()
    services.sign_out(session, request.cookies.get(frame.cookie_name("session"), ""))
    again = open_kept(g.tenant, kept, owner=user.id)
    elsewhere = slots().look_again(again) if again is not None else None
    if elsewhere is not None:
        response: Response = redirect(elsewhere, 303)
    elif again is not None:
        g.pop("csrf_token", None)  # Flask-WTF would write the token of before the sign-in
        g.person = load_person(session, token)
        response = make_response(render_template("accounts/kept.html", kept=again, home=home))
    else:
        going = own_path(wanted) or home
        response = redirect(going if user.kind is UserKind.OFFICIAL else slots().after_sign_in(user.id, going), 303)
    response.set_cookie(frame.cookie_name("session"), token, secure=True, httponly=True, samesite="Lax", path="/")
    return response
