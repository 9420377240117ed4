"""Going in, whichever door somebody came to: a second factor where one is needed, then a new session and its cookie."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, make_response, redirect, render_template, request, url_for
from flask import session as form_cookie
from werkzeug.wrappers import Response

from skarbnik.accounts import services
from skarbnik.accounts.factor_pages import CodeForm, SetUpForm, second_page, set_up_page
from skarbnik.accounts.factors import has_factor, needs_second
from skarbnik.accounts.half_sign_in import begin_half, end_half
from skarbnik.accounts.models import User, UserKind
from skarbnik.accounts.pending_sign_ins import hand_over_session
from skarbnik.accounts.signed_in import load_person
from skarbnik.web import frame
from skarbnik.web.access import slots
from skarbnik.web.addresses import own_path
from skarbnik.web.cookies import read_cookie, set_cookie
from skarbnik.web.kept import KeptForm, open_kept

HOMES = {UserKind.RESIDENT: "portal.dashboard", UserKind.OFFICIAL: "office.day"}


@dataclass(frozen=True)
class Admitted:
    """Somebody with a new session: where they go on, or the form they had filled when their session ended."""

    token: str
    onward: str
    home: str
    kept: KeptForm | None


def enter(user: User, *, way: str, second: bool, wanted: str, kept: str | None = None, there: str = "") -> Response:
    """Sign this browser in as somebody who proved who they are; ask for the second factor first, where one is needed.

    `second`: they gave two factors just now. `wanted` is where they were going, `kept` the form they had filled when
    their session ended, `there` a token under which it is kept how to end the session at an identity provider. Nothing
    from before is worth anything afterwards: the session, its cookie and the token of forms are new.
    """
    if not second and needs_second(frame.session(), user):
        return _ask_second(user, way=way, wanted=wanted, kept=kept, there=there)
    admitted = admit(user, way=way, second=second, wanted=wanted, kept=kept, there=there)
    if admitted.kept is None:
        return let_in(redirect(admitted.onward, 303), admitted)
    page = render_template("accounts/kept.html", kept=admitted.kept, home=admitted.home)
    return let_in(make_response(page), admitted)


def admit(user: User, *, way: str, second: bool, wanted: str, kept: str | None, there: str = "") -> Admitted:
    """A new session in the place of this browser's old one. `let_in` then gives its cookie with the answer."""
    session, home = frame.session(), url_for(HOMES[user.kind])
    token = services.open_session(
        session, user, way=way, second=second, ip=request.remote_addr or "", agent=request.user_agent.string
    )
    if there:
        hand_over_session(session, there, token)
    form_cookie.clear()
    services.sign_out(session, read_cookie("session"))
    g.pop("csrf_token", None)  # Flask-WTF would write the token of before the sign-in
    g.person = load_person(session, token)
    again = open_kept(g.tenant, kept, owner=user.id)
    elsewhere = slots().look_again(again) if again is not None else None
    if elsewhere is not None:
        return Admitted(token, elsewhere, home, None)
    going = own_path(wanted) or home
    if user.kind is UserKind.RESIDENT:
        going = slots().after_sign_in(user.id, going)
    return Admitted(token, going, home, again)


def let_in(response: Response, admitted: Admitted) -> Response:
    set_cookie(response, "session", admitted.token)
    end_half(response)
    return response


def _ask_second(user: User, *, way: str, wanted: str, kept: str | None, there: str) -> Response:
    """On to the page that asks; it comes at once with a form that was kept, which is too large for an address."""
    known = has_factor(frame.session(), user.id)
    if kept is None:
        response: Response = redirect(url_for("second.ask" if known else "second.set_up"), 303)
    elif known:
        response = make_response(second_page(user, CodeForm(formdata=None), kept))
    else:
        response = make_response(set_up_page(user, SetUpForm(formdata=None), at_sign_in=True, kept=kept))
    begin_half(response, user, way=way, wanted=own_path(wanted) or "", there=there)
    return response
