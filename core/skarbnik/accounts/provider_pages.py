"""The page that leads to an identity provider, and the one for whatever was wrong there."""

from __future__ import annotations

from uuid import UUID

import structlog
from flask import Response, g, make_response, render_template

from skarbnik.accounts import pending_sign_ins
from skarbnik.accounts.models import Door, ProviderConnection, SignInPurpose
from skarbnik.accounts.providers import get_connection, list_types, open_provider
from skarbnik.errors import ExternalSystemError, NotFound
from skarbnik.plugin_api import FormPost, SignInReason
from skarbnik.web import frame
from skarbnik.web.cookies import SameSite, read_cookie, set_cookie
from skarbnik.web.languages import current_language

log = structlog.get_logger()

COOKIE = "away"
SAME_SITE: SameSite = "None"  # the answer comes as a form of another site


def send_away(provider_id: str, *, purpose: SignInPurpose, user_id: UUID | None, wanted: str) -> Response:
    """The page that leads to the provider. Its row is committed before the provider is asked."""
    session = frame.session()
    connection = get_connection(session, g.tenant, provider_id)
    if not connection.enabled and purpose is not SignInPurpose.TRIAL:
        raise NotFound(f"identity provider {provider_id!r} is switched off")
    opened = open_provider(session, g.tenant, connection)
    departure = pending_sign_ins.depart(
        session,
        connection,
        purpose=purpose,
        user_id=user_id,
        wanted=wanted,
        return_url=pending_sign_ins.return_url_of(g.tenant, provider_id),
        language=current_language(),
        cookie=read_cookie(COOKIE),
    )
    session.commit()
    try:
        start = opened.provider.begin(departure.request)
    except ExternalSystemError as error:
        log.error("sign_in.not_begun", provider=provider_id, error=type(error).__name__)
        return make_response(refused_page(connection, None), 503)
    pending_sign_ins.keep_start(session, g.tenant, departure, start)
    posts = isinstance(start.go, FormPost)
    response = make_response(
        render_template("accounts/going.html", go=start.go, posts=posts, label=name_of(connection))
    )
    frame.send_forms_to(response, opened.origins)
    set_cookie(response, COOKIE, departure.cookie, same_site=SAME_SITE, good_for=pending_sign_ins.GOOD_FOR)
    return response


def refused_page(connection: ProviderConnection, reason: SignInReason | None) -> str:
    declined = reason is SignInReason.DECLINED
    return render_template(
        "accounts/away_refused.html",
        label=name_of(connection),
        declined=declined,
        silent=reason is None,
        at_office=connection.door is Door.OFFICE,
    )


def name_of(connection: ProviderConnection) -> str:
    """What people call the provider."""
    return connection.title or list_types(g.tenant)[connection.id].label
