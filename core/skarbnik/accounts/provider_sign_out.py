"""Signing out at the identity provider, too. Here the session is over already, whatever comes of it there."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.models import ProviderConnection, ProviderSession
from skarbnik.accounts.providers import list_types, open_provider
from skarbnik.accounts.services import short_hash
from skarbnik.errors import ExternalSystemError, Refused
from skarbnik.outbox import Again, publish
from skarbnik.plugin_api import IdentityCapability, SignOutRequest
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

AGAIN_AFTER = timedelta(minutes=5)
TRIED_FOR = timedelta(minutes=30)  # after the sign-out it matters less and less


def leave(session: Session, token: str) -> None:
    """Whoever held this token signed out: a worker tells the provider, if there is one to tell."""
    kept = session.get(ProviderSession, short_hash(token))
    if kept is not None:
        kept.created_at = clock.now()  # from now on it counts how long it is tried
        publish(session, "account.sign_out", kept.id)


def end_there(tenant: Tenant, kept_id: UUID) -> Again | None:
    """End the session at the provider. Safe to run twice; given up after `TRIED_FOR`."""
    with tenant.session() as session:
        kept = session.get(ProviderSession, kept_id)
        connection = session.get(ProviderConnection, kept.provider) if kept is not None else None
        if kept is None:
            return None
        offered = list_types(tenant).get(kept.provider)
        if connection is None or offered is None or IdentityCapability.LOGOUT not in offered.capabilities:
            session.delete(kept)
            return None
        provider = open_provider(session, tenant, connection).provider
        words = tenant.open_sealed(f"provider-session/{kept.provider}", kept.sealed).decode()
    try:
        provider.end(SignOutRequest(request_id=uuid4(), session=words))
    except Refused:
        log.warning("sign_out.refused", provider=connection.id)
    except ExternalSystemError as error:
        if clock.now() - kept.created_at < TRIED_FOR:
            return Again(clock.now() + AGAIN_AFTER)
        log.warning("sign_out.given_up", provider=connection.id, error=type(error).__name__)
    with tenant.session() as session:
        gone = session.get(ProviderSession, kept_id)
        if gone is not None:
            session.delete(gone)
    return None
