"""Somebody is sent to an identity provider and comes back: the row between, kept once, and what was used already.

All of it is in the gmina's schema, bound to a provider and to one browser: what was begun in one gmina, at one
provider or in one browser is nothing in another (RFC 9700, 4.4 and 4.7).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.models import ProviderConnection, ProviderSession, SignInAway, SignInPurpose, UsedAnswer
from skarbnik.accounts.services import hash_token, short_hash, sweep
from skarbnik.plugin_api import Identity, PendingSignIn, SignInReason, SignInRefused, SignInRequest, SignInStart
from skarbnik.tenancy.registry import Tenant

GOOD_FOR = timedelta(minutes=10)
SESSION_KEPT = timedelta(days=1)  # longer than any session of ours
LONGEST_WANTED = 300  # characters; who was going farther goes home
KEPT = "sign-in-kept"


@dataclass(frozen=True)
class Departure:
    """What the browser takes along: the handle goes to the provider and back, the cookie stays in the browser."""

    request: SignInRequest
    cookie: str = field(repr=False)


@dataclass(frozen=True)
class Arrival:
    """The row of somebody who came back. It is gone from the database."""

    pending: PendingSignIn
    purpose: SignInPurpose
    user_id: UUID | None
    wanted: str


def depart(
    session: Session,
    connection: ProviderConnection,
    *,
    purpose: SignInPurpose,
    user_id: UUID | None,
    wanted: str,
    return_url: str,
    language: str,
    cookie: str,
) -> Departure:
    """Make the pending row. The caller commits it before the provider is asked.

    `cookie` is that of a departure before from the same browser, so that two tabs do not end each other.
    """
    handle, cookie, now = secrets.token_urlsafe(32), cookie or secrets.token_urlsafe(32), clock.now()
    _sweep(session)
    row = SignInAway(
        handle_hash=hash_token(handle),
        cookie_hash=hash_token(cookie),
        request_id=uuid4(),
        provider=connection.id,
        purpose=purpose,
        user_id=user_id,
        level=connection.level,
        wanted=wanted if len(wanted) <= LONGEST_WANTED else "",
        begun_at=now,
    )
    session.add(row)
    session.flush()
    request = SignInRequest(
        request_id=row.request_id,
        handle=handle,
        return_url=return_url,
        level=row.level,
        begun_at=now,
        language=language,
    )
    return Departure(request, cookie)


def keep_start(session: Session, tenant: Tenant, departure: Departure, start: SignInStart) -> None:
    """Keep what the plugin wants back. Gone meanwhile, as with an account that was closed: then nobody comes back."""
    row = session.get(SignInAway, hash_token(departure.request.handle))
    if start.kept and row is not None:
        row.kept = tenant.seal(KEPT, start.kept.encode())


def arrive(session: Session, tenant: Tenant, *, provider_id: str, handle: str, cookie: str) -> Arrival:
    """Take the row out, once. SignInRefused when there is none for this provider and browser, or it is too old."""
    gone = delete(SignInAway).where(SignInAway.handle_hash == hash_token(handle)).returning(SignInAway)
    row = session.scalars(gone).one_or_none()
    if row is None:
        raise SignInRefused(SignInReason.NOT_ASKED, "pending")
    for holds, check in (
        (row.provider == provider_id, "provider"),
        (secrets.compare_digest(row.cookie_hash, hash_token(cookie)), "browser"),
        (clock.now() - row.begun_at <= GOOD_FOR, "age"),
    ):
        if not holds:
            raise SignInRefused(SignInReason.NOT_ASKED, check)
    pending = PendingSignIn(
        request_id=row.request_id,
        return_url=return_url_of(tenant, provider_id),
        level=row.level,
        begun_at=row.begun_at,
        kept=tenant.open_sealed(KEPT, row.kept).decode() if row.kept else "",
    )
    return Arrival(pending, row.purpose, row.user_id, row.wanted)


def return_url_of(tenant: Tenant, provider_id: str) -> str:
    """Where browsers come back to: an address of this gmina and this provider alone."""
    return tenant.url(f"/auth/{provider_id}/return")


def use_answer(session: Session, identity: Identity) -> None:
    """Keep that this answer was used. SignInRefused when it was, by whomever."""
    digest = hashlib.sha256(f"{identity.issuer}\n{identity.assertion_id}".encode()).hexdigest()
    kept = (
        insert(UsedAnswer)
        .values(answer_hash=digest, until_at=identity.good_until)
        .on_conflict_do_nothing()
        .returning(UsedAnswer.answer_hash)
    )
    if session.scalar(kept) is None:
        raise SignInRefused(SignInReason.REPLAYED, "replay")


def keep_provider_session(session: Session, tenant: Tenant, provider_id: str, words: str) -> str:
    """What it takes to end the session at the provider. It goes by the token until `hand_over_session`."""
    token = secrets.token_urlsafe(32)
    session.add(
        ProviderSession(
            id=short_hash(token),
            provider=provider_id,
            sealed=tenant.seal(f"provider-session/{provider_id}", words.encode()),
            created_at=clock.now(),
        )
    )
    return token


def hand_over_session(session: Session, before: str, token: str) -> None:
    """From now on it is ended when the browser with this session's token signs out."""
    session.execute(
        update(ProviderSession).where(ProviderSession.id == short_hash(before)).values(id=short_hash(token))
    )


def _sweep(session: Session) -> None:
    """Each departure leaves one row and takes away some that ended: no job has to visit every gmina for it."""
    now = clock.now()
    sweep(session, SignInAway.handle_hash, SignInAway.begun_at < now - GOOD_FOR)
    sweep(session, UsedAnswer.answer_hash, UsedAnswer.until_at < now)
    sweep(session, ProviderSession.id, ProviderSession.created_at < now - SESSION_KEPT)
