"""The rules the claims of an ID token have to keep, each a function of its own, in the order they are asked.

The signature is proven before. A check raises or says nothing; each knows one thing only, so any of them alone stops
what it is there for (OpenID Connect Core 1.0, 3.1.3.7).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any

from skarbnik.plugin_api import Assurance, SignInReason, SignInRefused
from skarbnik_oidc.tokens import half_hash
from skarbnik_oidc.words import Claims, Pairs, holds

FRESH = timedelta(minutes=10)  # since it was issued; Entra dates its tokens five minutes back
SUBJECT = re.compile(r"[!-~]{1,255}")
LATEST = 4_102_444_800  # 2100-01-01; no number that is not a number is below it


@dataclass(frozen=True)
class Expected:
    """What a right token says to one question of one gmina. All of it is ours, or was proven before."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    begun_at: datetime
    wanted: Assurance
    levels: dict[str, Assurance] = field(default_factory=dict)  # of values of acr; empty where it has none
    level_without_acr: Assurance | None = None
    tenant: str | None = None  # of Entra
    conditions: Pairs = ()
    max_age: int | None = None  # seconds since the person proved who they are; None: does not matter
    skew: timedelta = timedelta(seconds=60)
    algorithm: str = "RS256"  # of the token that came
    access_token: str | None = field(default=None, repr=False)


def issuer(claims: Claims, expected: Expected, now: datetime) -> None:
    if claims.get("iss") != expected.issuer:
        raise SignInRefused(SignInReason.NOT_FOR_US, "issuer")


def audience(claims: Claims, expected: Expected, now: datetime) -> None:
    if expected.client_id not in _audiences(claims):
        raise SignInRefused(SignInReason.NOT_FOR_US, "audience")


def authorized_party(claims: Claims, expected: Expected, now: datetime) -> None:
    """Of several audiences one asked for the token: it must be us, and said."""
    told = claims.get("azp")
    if told is None and len(_audiences(claims)) == 1:
        return
    if told != expected.client_id:
        raise SignInRefused(SignInReason.NOT_FOR_US, "authorized_party")


def subject(claims: Claims, expected: Expected, now: datetime) -> None:
    told = claims.get("sub")
    if not isinstance(told, str) or not SUBJECT.fullmatch(told):
        raise SignInRefused(SignInReason.NOBODY, "subject")


def not_over(claims: Claims, expected: Expected, now: datetime) -> None:
    ends_at = moment(claims, "exp")
    if ends_at is None or now - expected.skew >= ends_at:
        raise SignInRefused(SignInReason.NOT_NOW, "expires")


def issued_now(claims: Claims, expected: Expected, now: datetime) -> None:
    issued_at = moment(claims, "iat")
    if issued_at is None or not (now - FRESH - expected.skew < issued_at <= now + expected.skew):
        raise SignInRefused(SignInReason.NOT_NOW, "issued")


def not_before(claims: Claims, expected: Expected, now: datetime) -> None:
    begins_at = moment(claims, "nbf")
    if begins_at is not None and begins_at > now + expected.skew:
        raise SignInRefused(SignInReason.NOT_NOW, "not_before")


def nonce(claims: Claims, expected: Expected, now: datetime) -> None:
    told = claims.get("nonce")
    if not isinstance(told, str) or not compare_digest(told.encode(errors="replace"), expected.nonce.encode()):
        raise SignInRefused(SignInReason.NOT_ASKED, "nonce")


def access_token_hash(claims: Claims, expected: Expected, now: datetime) -> None:
    """Only where there is one: it ties the access token to the identity."""
    told = claims.get("at_hash")
    if told is None:
        return
    if expected.access_token is None or told != half_hash(expected.access_token, expected.algorithm):
        raise SignInRefused(SignInReason.UNPROVEN, "at_hash")


def authenticated_lately(claims: Claims, expected: Expected, now: datetime) -> None:
    """Where it was asked for, it has to be said (OpenID Connect Core 1.0, 2). Zero means: after we asked."""
    if expected.max_age is None:
        return
    proven_at = moment(claims, "auth_time")
    since = expected.begun_at if expected.max_age == 0 else now - timedelta(seconds=expected.max_age)
    if proven_at is None or not (since - expected.skew <= proven_at <= now + expected.skew):
        raise SignInRefused(SignInReason.NOT_NOW, "auth_time")


def tenant(claims: Claims, expected: Expected, now: datetime) -> None:
    if expected.tenant is None:
        return
    told = claims.get("tid")
    if not isinstance(told, str) or told.lower() != expected.tenant.lower():
        raise SignInRefused(SignInReason.NOT_FOR_US, "tenant")


def conditions(claims: Claims, expected: Expected, now: datetime) -> None:
    if not all(holds(claims, pair) for pair in expected.conditions):
        raise SignInRefused(SignInReason.NOT_FOR_US, "conditions")


def level(claims: Claims, expected: Expected, now: datetime) -> None:
    """Whatever was asked for, what came is compared. A provider without levels vouches for none."""
    found = level_of(claims, expected)
    if found is None and not expected.levels:
        return
    if found is None or not found.reaches(expected.wanted):
        raise SignInRefused(SignInReason.TOO_LOW, "level")


def level_of(claims: Claims, expected: Expected) -> Assurance | None:
    if not expected.levels:
        return expected.level_without_acr
    told = claims.get("acr")
    return expected.levels.get(told) if isinstance(told, str) else None


def moment(claims: Claims, name: str) -> datetime | None:
    """Seconds since 1970 as a moment. None when it is not said."""
    told: Any = claims.get(name)
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told <= LATEST:
        raise SignInRefused(SignInReason.MALFORMED, "moment")
    return datetime.fromtimestamp(told, UTC)


def _audiences(claims: Claims) -> list[str]:
    told = claims.get("aud")
    listed = told if isinstance(told, list) else [told]
    found = [each for each in listed if isinstance(each, str)]
    if len(found) != len(listed):
        raise SignInRefused(SignInReason.MALFORMED, "audience")
    return found


Check = Callable[[Claims, Expected, datetime], None]

CHECKS: tuple[Check, ...] = (
    issuer,
    audience,
    authorized_party,
    subject,
    not_over,
    issued_now,
    not_before,
    nonce,
    access_token_hash,
    authenticated_lately,
    tenant,
    conditions,
    level,
)
