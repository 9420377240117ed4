"""A provider in the process of the test, which says whatever a test wants; the simulator's own hand signs for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from skarbnik.clock import now
from skarbnik.plugin_api import BrowserAnswer, HttpAnswer, Identity, SignInRefused, SignInStart
from skarbnik.testing.identity import pending, sign_in_request
from skarbnik_oidc.provider import OidcProvider
from skarbnik_oidc.settings import OidcSettings

SIMULATOR = Path(__file__).parents[1] / "simulator"
sys.path.insert(0, str(SIMULATOR))

from oidc_simulator import signing  # noqa: E402  # a program of its own, found here
from oidc_simulator.people import PEOPLE, pesel  # noqa: E402  # as above

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ISSUER = "https://bank.example/oidc"
TENANT = "6f1c1d0e-5a53-4e0c-9a3e-0d1c6a7b2f10"
ENTRA = f"https://login.microsoftonline.com/{TENANT}/v2.0"
CLIENT, SECRET = "lipowo", "hasło systemu: długie"
BACK = "https://lipowo.example/sign-in/oidc"
ACCESS = "access-token-0123456789"
PESEL = pesel("1987-02-22", 1231)
PERSON = {person.key: person for person in PEOPLE}
Claims = dict[str, Any]


@cache
def signer(kid: str = "key-1", *, curve: bool = False) -> signing.Signer:
    return signing.make_signer(kid, curve=curve)


def settings_for(**changes: Any) -> OidcSettings:
    """A bank as a broker of mojeID would be entered."""
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "scope": "openid profile nin",
        "pesel_claim": "nin",
        "pesel_when": "nin_type=PERSON nin_issuing_country=PL",
        "level_without_acr": "substantial",
    }
    return OidcSettings(**(values | changes))


def jan(issuer: str = ISSUER) -> Claims:
    """What a right token about Jan claims, but for the nonce."""
    at = int(now().timestamp())
    return {
        "iss": issuer,
        "sub": "jan-u-banku",
        "aud": CLIENT,
        "exp": at + 300,
        "iat": at,
        "auth_time": at,
        "amr": ["external"],
        "at_hash": signing.left_half(ACCESS),
        "given_name": "Jan",
        "family_name": "Testowy",
        "birthdate": "1987-02-22",
        "nin": PESEL,
        "nin_type": "PERSON",
        "nin_issuing_country": "PL",
        "email": "jan@poczta.example",
    }


class Bank:
    """The provider's side of the wire; `asked` keeps what came. Attributes are what a test changes."""

    def __init__(self, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.metadata: Claims = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "authorization_response_iss_parameter_supported": True,
        }
        self.keys: list[Any] = [signer().jwk()]
        self.signer = signer()
        self.header: Claims = {}
        self.claims: Claims = {}
        self.tokens: Claims = {}  # over those of the answer; None takes away
        self.make: Callable[[Claims], str] | None = None
        self.about: Claims = {}
        self.instead: dict[str, HttpAnswer] = {}  # by the end of the address
        self.nonce = ""
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, method: str, url: str, **more: Any) -> HttpAnswer:
        self.asked.append((method, url, more))
        end = url.rpartition("/")[2]
        if end in self.instead:
            return self.instead[end]
        answer = {
            "openid-configuration": lambda: self.metadata,
            "keys": lambda: {"keys": self.keys},
            "token": self._tokens,
            "userinfo": lambda: self.about,
        }[end]()
        return HttpAnswer(200, {}, json.dumps(answer).encode())

    def count(self, end: str) -> int:
        return sum(url.endswith(f"/{end}") for _, url, _ in self.asked)

    def form(self) -> dict[str, str]:
        """What the last code was exchanged with."""
        return next(more["form"] for _, url, more in reversed(self.asked) if url.endswith("/token"))

    def _tokens(self) -> Claims:
        claims = without_none(jan(self.issuer) | {"nonce": self.nonce} | self.claims)
        make = self.make or (lambda told: self.signer.sign(told, **self.header))
        told = {"access_token": ACCESS, "token_type": "Bearer", "id_token": make(claims)}
        return without_none(told | self.tokens)


class SignIn:
    """One person on their way, with everything in hands."""

    def __init__(self, bank: Bank, provider: OidcProvider | None = None, **changes: Any) -> None:
        self.bank = bank
        self.provider = provider or OidcProvider(settings_for(issuer=bank.issuer, **changes), bank)
        self.request = sign_in_request(BACK, begun_at=now())
        self.start: SignInStart = self.provider.begin(self.request)
        self.words = dict(parse_qsl(urlsplit(self.start.go.address).query))
        self.row = pending(self.request, self.start)
        bank.nonce = self.words["nonce"]

    def brought(self, **changes: str | None) -> BrowserAnswer:
        """What the browser brings; None takes a field away."""
        fields = {"state": self.request.handle, "code": "code-1", "iss": self.bank.issuer, **changes}
        return BrowserAnswer("GET", tuple((name, value) for name, value in fields.items() if value is not None))

    def finish(self, **changes: str | None) -> Identity:
        return self.provider.finish(self.row, self.brought(**changes))

    def refusal(self, **changes: str | None) -> tuple[str, str]:
        try:
            self.finish(**changes)
        except SignInRefused as refused:
            return refused.reason, refused.check
        raise AssertionError("somebody was signed in")


def without_none(told: Claims) -> Claims:
    return {name: value for name, value in told.items() if value is not None}
