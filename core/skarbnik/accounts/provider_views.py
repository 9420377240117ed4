"""Signing in at an identity provider: out through one page, back in through one address.

The nine steps of docs/plugins.md. No transaction is open while a plugin is asked.
"""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from skarbnik.accounts import pending_sign_ins, services
from skarbnik.accounts.identities import ConnectedElsewhere, NotConnected, ProvesPesel, connect, disconnect, identify
from skarbnik.accounts.models import Door, ProviderConnection, SignInOutcome, SignInPurpose, User, UserState
from skarbnik.accounts.permissions import OWN_ACCOUNT
from skarbnik.accounts.provider_pages import COOKIE, SAME_SITE, name_of, refused_page, send_away
from skarbnik.accounts.providers import get_connection, open_provider
from skarbnik.accounts.sign_in import enter
from skarbnik.audit.requests import record_act_of_user, record_own_act
from skarbnik.db import TenantSession
from skarbnik.errors import ExternalSystemError, NotFound
from skarbnik.plugin_api import BrowserAnswer, Identity, IdentityProvider, SignInReason, SignInRefused, public, requires
from skarbnik.web import frame
from skarbnik.web.access import current_person, slots
from skarbnik.web.addresses import own_path
from skarbnik.web.cookies import delete_cookie, read_cookie
from skarbnik.web.forms import check_token, csrf
from skarbnik.web.limits import limited

log = structlog.get_logger()

blueprint = Blueprint("doors", __name__, url_prefix="/auth", template_folder="templates")

LONGEST_FIELD = 4096  # characters of a field a browser brings


@blueprint.post("/<provider_id>/begin")
@public("nobody is signed in yet")
@limited("30 per minute")
def begin(provider_id: str) -> Response:
    """To the provider, and afterwards to where one was going."""
    check_token()
    return send_away(
        provider_id, purpose=SignInPurpose.ENTER, user_id=None, wanted=own_path(request.form.get("next")) or ""
    )


@blueprint.post("/<provider_id>/connect")
@requires(OWN_ACCOUNT, fresh=True)  # it outlives the session, and the password
@limited("30 per minute")
def connect_own(provider_id: str) -> Response:
    """To sign in this way from now on: the person shows that the identity there is theirs."""
    check_token()
    connection = get_connection(frame.session(), g.tenant, provider_id)
    if (connection.door is Door.OFFICE) != current_person().is_official:
        raise NotFound("this provider is of another door")
    return send_away(
        provider_id, purpose=SignInPurpose.CONNECT, user_id=current_person().id, wanted=url_for("profile.show")
    )


@blueprint.post("/<provider_id>/disconnect")
@requires(OWN_ACCOUNT, fresh=True)
def disconnect_own(provider_id: str) -> AnyResponse:
    """Not to sign in this way any more. Who has no password, or no address to go with it, would be locked out."""
    check_token()
    session = frame.session()
    connection = get_connection(session, g.tenant, provider_id)
    user = session.get_one(User, current_person().id)
    if user.password_hash is None:
        flash(_("This is your only way to sign in. Choose a password first."), "warn")
    elif user.email is None:
        flash(_("This is your only way to sign in. Give an e-mail address first, to go with your password."), "warn")
    else:
        _disconnect(connection, user)
    return redirect(url_for("profile.show"), 303)


def _disconnect(connection: ProviderConnection, user: User) -> None:
    try:
        if disconnect(frame.session(), user.id, connection.id):
            record_own_act("identity.disconnected", "user", user.id)
            flash(_("You do not sign in this way any more."))
    except ProvesPesel:
        words = {"label": name_of(connection)}
        flash(_("%(label)s proves your PESEL number, and who proves it always comes to this account.", **words), "warn")


@blueprint.route("/<provider_id>/return", methods=["GET", "POST"])
@csrf.exempt  # type: ignore[untyped-decorator]  # Flask-WTF has no types
@public("an identity provider sends people back here", from_elsewhere=True)
@limited("60 per minute")
def come_back(provider_id: str) -> AnyResponse | tuple[str, int]:
    """Who it is, or one page for whatever was wrong. Nothing of what came is written down."""
    session = frame.session()
    connection = get_connection(session, g.tenant, provider_id)
    opened = open_provider(session, g.tenant, connection)
    try:
        arrival, identity = _receive(session, connection, opened.provider)
        return _let_in(session, connection, arrival, identity)
    except NotConnected:
        return render_template("accounts/not_connected.html", label=name_of(connection)), 403
    except SignInRefused as error:
        session.rollback()
        log.warning("sign_in.refused", provider=provider_id, reason=error.reason, check=error.check)
        return refused_page(connection, error.reason), 403
    except ExternalSystemError as error:
        session.rollback()
        log.error("sign_in.unanswered", provider=provider_id, error=type(error).__name__)
        return refused_page(connection, None), 503


def _receive(
    session: TenantSession, connection: ProviderConnection, provider: IdentityProvider
) -> tuple[pending_sign_ins.Arrival, Identity]:
    answer = _read_answer(provider)
    handle = answer.only(provider.handle_field)
    if handle is None:
        raise SignInRefused(SignInReason.MALFORMED, "handle")
    try:
        arrival = pending_sign_ins.arrive(
            session,
            g.tenant,
            provider_id=connection.id,
            handle=handle,
            cookie=read_cookie(COOKIE),
        )
    finally:
        session.commit()  # the row is gone whatever comes, and nobody waits for a provider with a transaction open
    if not connection.enabled and arrival.purpose is not SignInPurpose.TRIAL:
        raise SignInRefused(SignInReason.NOT_ASKED, "enabled")
    identity = provider.finish(arrival.pending, answer)
    if connection.door is Door.RESIDENTS and not (identity.level and identity.level.reaches(arrival.pending.level)):
        raise SignInRefused(SignInReason.TOO_LOW, "level")
    return arrival, identity


def _read_answer(provider: IdentityProvider) -> BrowserAnswer:
    """Fields the provider knows, and no others; none that is too long to be one."""
    came = request.form if request.method == "POST" else request.args
    fields = tuple(
        (name, value)
        for name in sorted(provider.answer_fields)
        for value in came.getlist(name)
        if len(value) <= LONGEST_FIELD
    )
    return BrowserAnswer(request.method, fields)


def _let_in(
    session: TenantSession, connection: ProviderConnection, arrival: pending_sign_ins.Arrival, identity: Identity
) -> AnyResponse | tuple[str, int]:
    """One transaction: the answer is used, the account found or made, the browser signed in."""
    pending_sign_ins.use_answer(session, identity)
    if arrival.purpose is SignInPurpose.TRIAL:
        return make_response(render_template("accounts/tried.html", identity=identity, provider=connection.id))
    if arrival.purpose is SignInPurpose.CONNECT:
        return _connect(session, connection, arrival, identity)
    user = identify(session, g.tenant, connection.id, connection.door, identity)
    ip = request.remote_addr or ""
    outcome = SignInOutcome.SIGNED_IN if user.state is UserState.ACTIVE else SignInOutcome.BLOCKED
    services.record_attempt(session, kind=user.kind, user_id=user.id, outcome=outcome, way=connection.id, ip=ip)
    if user.state is not UserState.ACTIVE:
        return render_template("accounts/blocked.html"), 403
    slots().identified(session, user.id)
    there = (
        pending_sign_ins.keep_provider_session(session, g.tenant, connection.id, identity.session)
        if identity.session
        else ""
    )
    response = enter(user, way=connection.id, second=identity.second_factor, wanted=arrival.wanted, there=there)
    delete_cookie(response, COOKIE, same_site=SAME_SITE)
    return response


def _connect(
    session: TenantSession, connection: ProviderConnection, arrival: pending_sign_ins.Arrival, identity: Identity
) -> AnyResponse:
    """The session's cookie did not come along with the other site's form; the row says whose account it is.

    It is gone when the session in which it was begun was ended meanwhile.
    """
    user = session.get_one(User, arrival.user_id, with_for_update=True)
    if user.state is not UserState.ACTIVE:
        raise SignInRefused(SignInReason.NOT_ASKED, "account")
    try:
        connect(session, g.tenant, user, connection.id, identity)
    except ConnectedElsewhere:
        session.rollback()
        return redirect(url_for("profile.show", identity="elsewhere"), 303)
    record_act_of_user("identity.connected", user.id)
    slots().identified(session, user.id)
    return redirect(url_for("profile.show", identity="connected"), 303)
