"""Our server's two calls: the code for tokens (RFC 6749, 4.1.3), and the claims about a person."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote_plus
from uuid import uuid4

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from skarbnik.plugin_api import (
    ExternalSystemError,
    HttpAnswer,
    HttpClient,
    Misconfigured,
    Nonsense,
    SignInReason,
    SignInRefused,
)
from skarbnik_oidc.settings import OidcSettings
from skarbnik_oidc.tokens import LEAST_BITS
from skarbnik_oidc.words import Claims, read_object

BEARER = re.compile(r"[A-Za-z0-9._~+/=-]{1,16384}")  # RFC 6750, 2.1
PEM = re.compile(r"\s*(-----BEGIN [A-Z ]+-----)([A-Za-z0-9+/=\s]+)(-----END [A-Z ]+-----)\s*")
BY_JWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LASTS = timedelta(seconds=60)
LARGEST = 256 * 1024  # bytes of an answer


@dataclass(frozen=True)
class Tokens:
    identity: str = field(repr=False)
    access: str | None = field(repr=False)


def redeem(
    http: HttpClient, settings: OidcSettings, address: str, *, code: str, verifier: str, return_url: str, now: datetime
) -> Tokens:
    """The tokens a code stands for, once. SignInRefused when the provider does not know it (any more)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": return_url,
        "code_verifier": verifier,
        **_proof(settings, address, now),
    }
    basic = None
    if settings.client_auth == "basic":  # both are encoded first (RFC 6749, 2.3.1)
        basic = (quote_plus(settings.client_id), quote_plus(settings.client_secret))
    answer = http.request("POST", address, headers={"Accept": "application/json"}, form=form, basic=basic)
    if answer.status in {400, 401, 403}:
        raise _refusal(answer)
    told = _object(answer)
    identity, access = told.get("id_token"), told.get("access_token")
    if not isinstance(identity, str):
        raise Nonsense("the provider's answer has no identity in it")
    if not isinstance(access, str | None) or (access is not None and not BEARER.fullmatch(access)):
        raise Nonsense("the provider's access token is no token")
    if str(told.get("token_type", "")).lower() != "bearer":
        raise Nonsense("the provider's answer is of a kind we did not ask for")
    return Tokens(identity, access)


def ask_about(http: HttpClient, address: str, access: str) -> Claims:
    """What the provider tells about the person an access token is of (userinfo)."""
    headers = {"Authorization": f"Bearer {access}", "Accept": "application/json"}
    return _object(http.request("GET", address, headers=headers))


def check_proof(settings: OidcSettings) -> None:
    """Misconfigured when we have nothing to prove with who we are."""
    if settings.client_auth == "key":
        _client_key(settings)
    elif not settings.client_secret:
        raise Misconfigured("the client secret is missing")


def _proof(settings: OidcSettings, address: str, now: datetime) -> dict[str, str]:
    """What of our proof goes into the form."""
    if settings.client_auth == "basic":
        return {}
    if settings.client_auth == "post":
        return {"client_id": settings.client_id, "client_secret": settings.client_secret}
    assertion = _assertion(settings, address, now)
    return {"client_id": settings.client_id, "client_assertion_type": BY_JWT, "client_assertion": assertion}


def _assertion(settings: OidcSettings, address: str, now: datetime) -> str:
    """private_key_jwt (OpenID Connect Core 1.0, 9)."""
    key = _client_key(settings)
    algorithm = "RS256" if isinstance(key, RSAKey) else "ES256"
    header = {"alg": algorithm, "typ": "JWT", **({"kid": settings.client_key_id} if settings.client_key_id else {})}
    claims = {
        "iss": settings.client_id,
        "sub": settings.client_id,
        "aud": address,
        "jti": str(uuid4()),
        "iat": int(now.timestamp()),
        "exp": int((now + ASSERTION_LASTS).timestamp()),
    }
    return jws.serialize_compact(header, json.dumps(claims), key, algorithms=[algorithm])


def _client_key(settings: OidcSettings) -> RSAKey | ECKey:
    """Our key. Its lines may have been lost when it was pasted."""
    found = PEM.fullmatch(settings.client_key)
    if found is None:
        raise Misconfigured("the client's private key is missing")
    text = "\n".join((found[1], "".join(found[2].split()), found[3]))
    for kind in (RSAKey, ECKey):
        try:
            key: RSAKey | ECKey = kind.import_key(text)
        except (JoseError, ValueError, TypeError):
            continue
        if isinstance(key, RSAKey) and key.raw_value.key_size >= LEAST_BITS:
            return key
        if isinstance(key, ECKey) and key.curve_name == "P-256":
            return key
    raise Misconfigured("the client's private key cannot be used")


def _refusal(answer: HttpAnswer) -> Exception:
    """`invalid_grant` is about the code: used, too old, of another question. All else is about us."""
    try:
        error = read_object(answer.body).get("error")
    except ValueError:
        error = None
    if error == "invalid_grant":
        return SignInRefused(SignInReason.NOT_ASKED, "code")
    return Misconfigured("the provider does not accept our client, its secret or its question")


def _object(answer: HttpAnswer) -> Claims:
    if 300 <= answer.status < 400:
        raise Nonsense("the provider sends us elsewhere, which is not followed")
    if answer.status != 200:
        raise ExternalSystemError(f"the provider answers with status {answer.status}")
    if len(answer.body) > LARGEST:
        raise Nonsense("the provider's answer is too large")
    try:
        return read_object(answer.body)
    except ValueError as error:
        raise Nonsense("the provider's answer cannot be read") from error
