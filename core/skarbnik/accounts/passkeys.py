"""Passkeys (WebAuthn): asking a browser for one, and believing what it answers.

A challenge is made by us, kept in Redis for a few minutes, good for one browser and purpose, and taken out when an
answer comes: an answer counts once. Whoever signs in with a passkey was verified by their device (a finger, a face, a
PIN), so it is both factors at once. Without Redis there are no passkeys for the moment; codes go on.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import redis
import structlog
import webauthn
from flask import abort, g
from flask import session as form_cookie
from webauthn.helpers import parse_authentication_credential_json, parse_client_data_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from skarbnik.accounts.factors import WrongCode, add_passkey, find_passkey, list_factors, mark_passkey_used
from skarbnik.accounts.models import FactorKind, User, UserState
from skarbnik.errors import Forbidden
from skarbnik.web import frame
from skarbnik.web.attempts import open_redis

log = structlog.get_logger()

PATIENCE = 300  # seconds from the question to the answer
LONGEST_ANSWER = 20_000
LONGEST_ID = 1023  # bytes, https://www.w3.org/TR/webauthn-3/#credential-id


class Purpose(StrEnum):
    """What a challenge is for. An answer to one is nothing to another."""

    SIGN_IN = "sign-in"  # nobody is known yet
    SECOND = "second"  # after the password
    SET_UP = "set-up"  # after the password, of an official who has no factor
    CONFIRM = "confirm"
    ADD = "add"


class PasskeyRefused(Forbidden):
    """An answer that proves nothing. `user` when it at least named one, for the log of sign-ins."""

    def __init__(self, message: str, user: User | None = None) -> None:
        super().__init__(message)
        self.user = user


def ask_for_passkey(purpose: Purpose, user: User | None) -> str:
    """What `navigator.credentials.get` wants, as JSON. With a user only their own passkeys will do."""
    options = webauthn.generate_authentication_options(
        rp_id=_host(),
        timeout=PATIENCE * 1000,
        allow_credentials=_known(user),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _keep(options.challenge, purpose, user)
    return webauthn.options_to_json(options)


def ask_for_new_passkey(purpose: Purpose, user: User) -> str:
    """What `navigator.credentials.create` wants, as JSON: a passkey that finds its account by itself."""
    options = webauthn.generate_registration_options(
        rp_id=_host(),
        rp_name=g.tenant.name,
        user_id=user.id.bytes,
        user_name=user.email or user.name,
        user_display_name=user.name,
        timeout=PATIENCE * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_known(user),
    )
    _keep(options.challenge, purpose, user)
    return webauthn.options_to_json(options)


def take_new_passkey(purpose: Purpose, user: User, answer: str, *, name: str) -> None:
    """Keep what the browser made. PasskeyRefused; Conflict when it is there already; TooManyPasskeys."""
    words = _read(answer)
    challenge = _take_challenge(words, purpose, user)
    try:
        made = webauthn.verify_registration_response(
            credential=words,
            expected_challenge=challenge,
            expected_rp_id=_host(),
            expected_origin=g.tenant.url(""),
            require_user_verification=True,
        )
    except Exception as error:  # bytes somebody made up trip the library in more ways than it names
        raise _refused(error, user) from error
    if len(made.credential_id) > LONGEST_ID:
        raise PasskeyRefused("the id of the passkey is too long", user)
    add_passkey(
        frame.session(),
        user.id,
        name=name,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        signatures=made.sign_count,
    )


def take_passkey(purpose: Purpose, user: User | None, answer: str) -> User:
    """Who proved with a passkey that they are here: `user`, or with none whom the passkey names. PasskeyRefused."""
    words, session = _read(answer), frame.session()
    challenge = _take_challenge(words, purpose, user)
    try:
        given = parse_authentication_credential_json(words)
        owner = user or session.get(User, UUID(bytes=given.response.user_handle or b""))
    except Exception as error:  # as above
        raise _refused(error, user) from error
    passkey = find_passkey(session, owner.id, given.raw_id) if owner else None
    if owner is None or passkey is None or owner.state is not UserState.ACTIVE:
        raise PasskeyRefused("no such passkey of somebody who may sign in", owner)
    try:
        proven = webauthn.verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=_host(),
            expected_origin=g.tenant.url(""),
            credential_public_key=passkey.secret or b"",
            credential_current_sign_count=passkey.counter,
            require_user_verification=True,
        )
    except Exception as error:  # as above
        raise _refused(error, owner) from error
    try:
        mark_passkey_used(session, passkey, signatures=proven.new_sign_count)
    except WrongCode as error:
        raise _refused(error, owner) from error
    return owner


def _known(user: User | None) -> list[PublicKeyCredentialDescriptor]:
    factors = list_factors(frame.session(), user.id) if user else ()
    return [PublicKeyCredentialDescriptor(id=each.credential_id) for each in factors if each.credential_id]


def has_passkey(user: User) -> bool:
    return any(each.kind is FactorKind.PASSKEY for each in list_factors(frame.session(), user.id))


def _host() -> str:
    """A passkey belongs to the gmina's own host, whichever name a browser came by."""
    return urlsplit(g.tenant.url()).hostname or ""


def _read(answer: str) -> dict[str, Any]:
    try:
        words = json.loads(answer) if len(answer) <= LONGEST_ANSWER else None
    except (ValueError, RecursionError):  # nested as deeply as it is long
        words = None
    if not isinstance(words, dict):
        raise PasskeyRefused("the answer is no passkey's")
    return words


def _keep(challenge: bytes, purpose: Purpose, user: User | None) -> None:
    try:
        open_redis().set(_key(challenge), _bound_to(purpose, user), ex=PATIENCE)
    except redis.RedisError as error:
        log.error("passkeys.unasked", error=type(error).__name__)
        abort(503)


def _take_challenge(words: dict[str, Any], purpose: Purpose, user: User | None) -> bytes:
    """The challenge an answer is about, if it is one of ours to this browser; nobody finds it a second time."""
    try:
        said = parse_client_data_json(webauthn.base64url_to_bytes(words["response"]["clientDataJSON"])).challenge
    except Exception as error:  # as in `take_passkey`
        raise _refused(error, user) from error
    try:
        kept = open_redis().getdel(_key(said))
    except redis.RedisError as error:
        log.error("passkeys.unasked", error=type(error).__name__)
        abort(503)
    if kept is None or kept != _bound_to(purpose, user).encode():
        raise PasskeyRefused("nobody was asked this here", user)
    return said


def _key(challenge: bytes) -> str:
    return f"skarbnik:passkey:{g.tenant.id}:{hashlib.sha256(challenge).hexdigest()}"


def _bound_to(purpose: Purpose, user: User | None) -> str:
    """The browser by its form token, new with each sign-in; the purpose; and who it is, when that is known."""
    browser = hashlib.sha256(str(form_cookie.get("csrf_token", "")).encode()).hexdigest()
    return f"{purpose}:{user.id if user else '-'}:{browser}"


def _refused(error: Exception, user: User | None) -> PasskeyRefused:
    log.info("passkey.refused", why=type(error).__name__)
    return PasskeyRefused("the answer of a passkey does not hold", user)
