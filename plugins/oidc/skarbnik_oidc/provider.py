"""The contract of Skarbnik on one side, OpenID Connect (code flow with PKCE) on the other."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import ClassVar
from urllib.parse import urlencode

from skarbnik.plugin_api import (
    WARSAW,
    Assurance,
    BrowserAnswer,
    ExpiryWarning,
    ExternalSystemError,
    HttpClient,
    Identity,
    IdentityCapability,
    IdentityProvider,
    Misconfigured,
    Nonsense,
    PendingSignIn,
    Redirect,
    SignInReason,
    SignInRefused,
    SignInRequest,
    SignInStart,
    now,
)
from skarbnik_oidc.checks import CHECKS, Expected, level_of
from skarbnik_oidc.directory import Directory, Metadata, hosts_of, origins_of
from skarbnik_oidc.exchange import Tokens, ask_about, check_proof, redeem
from skarbnik_oidc.persons import Reading, identity_of
from skarbnik_oidc.settings import OidcSettings
from skarbnik_oidc.tokens import Header, choose_key, encoded, name_of, open_token, read_header
from skarbnik_oidc.words import Claims, claim_names, read_levels, read_object, read_pairs, tenant_of

FORMS = {  # of what comes back; RFC 6749, appendix A, with an end
    "code": re.compile(r"[ -~]{1,4096}"),
    "state": re.compile(r"[!-~]{1,200}"),
    "iss": re.compile(r"[!-~]{1,255}"),
    "error": re.compile(r"[a-z_]{1,60}"),
}
# The person, or the provider on their behalf, says no (RFC 6749, 4.1.2.1; OpenID Connect Core 1.0, 3.1.2.6)
DECLINED = frozenset(
    {
        "access_denied",
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "login_required",
    }
)
NOT_NOW = frozenset({"server_error", "temporarily_unavailable"})
SOON = timedelta(days=45)


@dataclass(frozen=True)
class Kept:
    """What waits in the pending row: of the very question, and of nobody else."""

    issuer: str
    handle: str  # its digest
    says_issuer: bool
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class OidcProvider(IdentityProvider):
    """A bank, a broker of mojeID, any provider of OpenID Connect that residents have accounts with."""

    id = "oidc"
    label = "Bank lub inny dostawca tożsamości (OpenID Connect)"
    settings_type = OidcSettings
    capabilities = frozenset({IdentityCapability.CERTIFICATES})
    handle_field: ClassVar[str] = "state"
    answer_fields: ClassVar[frozenset[str]] = frozenset(FORMS)

    def __init__(self, settings: OidcSettings, http: HttpClient) -> None:
        self._settings = settings
        self._http = http
        self._directory = Directory(settings, http)
        self._levels = read_levels(settings)
        self._algorithms = frozenset(settings.algorithms.split())
        self._reading = Reading(
            names=claim_names(settings),
            pesel_when=read_pairs(settings.pesel_when),
            without_pesel=settings.without_pesel,
            second_factor=read_pairs(settings.second_factor),
        )

    @classmethod
    def hosts(cls, settings: OidcSettings) -> frozenset[str]:
        return hosts_of(settings)

    @classmethod
    def origins(cls, settings: OidcSettings) -> frozenset[str]:
        return origins_of(settings)

    def begin(self, request: SignInRequest) -> SignInStart:
        """Asked again, it asks the same with another nonce and another verifier: each start has its own `kept`."""
        check_proof(self._settings)
        metadata = self._directory.metadata()
        kept = Kept(
            issuer=self._settings.issuer,
            handle=_digest(request.handle),
            says_issuer=metadata.says_issuer,
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
        )
        words = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": request.return_url,
            "scope": self._settings.scope,
            "state": request.handle,
            "nonce": kept.nonce,
            "code_challenge": _digest(kept.verifier),
            "code_challenge_method": "S256",
            "ui_locales": request.language,
            **self._wishes(request.level),
        }
        joint = "&" if "?" in metadata.authorization_url else "?"
        return SignInStart(Redirect(f"{metadata.authorization_url}{joint}{urlencode(words)}"), json.dumps(vars(kept)))

    def finish(self, pending: PendingSignIn, answer: BrowserAnswer) -> Identity:
        kept = _read_kept(pending.kept)
        code = self._code(kept, answer)
        metadata = self._directory.metadata()
        tokens = redeem(
            self._http,
            self._settings,
            metadata.token_url,
            code=code,
            verifier=kept.verifier,
            return_url=pending.return_url,
            now=now(),
        )
        header, claims = self._open(tokens.identity)
        expected = self._expected(pending, kept, header, tokens)
        for check in CHECKS:
            check(claims, expected, now())
        return identity_of(
            claims,
            self._about(metadata, claims, tokens),
            self._reading,
            level_of(claims, expected),
            assertion_id=name_of(tokens.identity),
            skew=expected.skew,
        )

    def expiries(self, now: datetime) -> Sequence[ExpiryWarning]:
        """The client secret, on the day the office wrote down: nobody else tells us."""
        try:
            day = date.fromisoformat(self._settings.secret_ends_on)
        except ValueError:
            return []
        ends_at = datetime.combine(day, time.max, WARSAW)
        if ends_at > now + SOON:
            return []
        return [ExpiryWarning("Hasło systemu u dostawcy tożsamości", ends_at, over=ends_at <= now)]

    def _wishes(self, level: Assurance) -> dict[str, str]:
        """What is asked for besides. All of it is checked in what comes, whatever the provider makes of it."""
        wishes = {}
        if wanted := [value for value, reached in self._levels.items() if reached.reaches(level)]:
            wishes["acr_values"] = " ".join(wanted)
        if self._settings.max_age != "any":
            wishes["max_age"] = self._settings.max_age
        if self._settings.max_age == "0":
            wishes["prompt"] = "login"
        if self._settings.claims_request:
            try:
                wishes["claims"] = json.dumps(read_object(self._settings.claims_request.encode()))
            except ValueError as error:
                raise Misconfigured("the additional question is not JSON") from error
        return wishes

    def _code(self, kept: Kept, answer: BrowserAnswer) -> str:
        """The code that came back. Whose answer it is comes before what it says; nobody is asked about any of it."""
        brought = {name: answer.only(name) for name, _ in answer.fields}
        for name, value in brought.items():
            form = FORMS.get(name)
            if form is None or value is None or not form.fullmatch(value):
                raise SignInRefused(SignInReason.MALFORMED, "answer")
        state, code, error = brought.get("state"), brought.get("code"), brought.get("error")
        if answer.method != "GET" or state is None or (code is None) == (error is None):
            raise SignInRefused(SignInReason.MALFORMED, "answer")
        if not compare_digest(_digest(state), kept.handle):
            raise SignInRefused(SignInReason.NOT_ASKED, "state")
        self._check_issuer(kept, brought.get("iss"))
        if code is not None:
            return code
        raise _said_no(error or "")

    def _check_issuer(self, kept: Kept, told: str | None) -> None:
        """Mix-up: who answers must be who was asked (RFC 9207). One that does not announce it may still say it."""
        if kept.issuer != self._settings.issuer:
            raise SignInRefused(SignInReason.NOT_FOR_US, "asked_another")
        if told is None and not kept.says_issuer:
            return
        if told != self._settings.issuer:
            raise SignInRefused(SignInReason.NOT_FOR_US, "answer_issuer")

    def _open(self, token: str) -> tuple[Header, Claims]:
        """The claims of a token the provider signed. A key nobody knows is looked for once more."""
        header = read_header(token, self._algorithms)
        key = choose_key(self._directory.keys(), header) or choose_key(self._directory.keys_anew(), header)
        if key is None:
            raise SignInRefused(SignInReason.UNPROVEN, "key")
        return header, open_token(token, header, key)

    def _about(self, metadata: Metadata, claims: Claims, tokens: Tokens) -> Claims:
        """Claims about the person: those of the signed token, and beside them what the provider tells when asked."""
        if not self._settings.userinfo:
            return claims
        if metadata.userinfo_url is None or tokens.access is None:
            raise Nonsense("the provider gave nothing to ask about the person with")
        told = ask_about(self._http, metadata.userinfo_url, tokens.access)
        if told.get("sub") != claims["sub"]:  # an access token of somebody else (OpenID Connect Core 1.0, 5.3.2)
            raise SignInRefused(SignInReason.NOT_FOR_US, "userinfo_subject")
        return told | claims

    def _expected(self, pending: PendingSignIn, kept: Kept, header: Header, tokens: Tokens) -> Expected:
        settings = self._settings
        assumed = settings.level_without_acr
        return Expected(
            issuer=settings.issuer,
            client_id=settings.client_id,
            nonce=kept.nonce,
            begun_at=pending.begun_at,
            wanted=pending.level,
            levels=self._levels,
            level_without_acr=None if assumed == "none" else Assurance(assumed),
            tenant=tenant_of(settings.issuer),
            conditions=read_pairs(settings.conditions),
            max_age=None if settings.max_age == "any" else int(settings.max_age),
            skew=timedelta(seconds=settings.skew),
            algorithm=header.algorithm,
            access_token=tokens.access,
        )


class OidcOfficeProvider(OidcProvider):
    """The office's own directory, for single sign-on of officials: Entra, Keycloak. A second provider of a gmina."""

    id = "oidc_office"
    label = "Katalog urzędu (OpenID Connect)"


def _said_no(error: str) -> Exception:
    if error in DECLINED:
        return SignInRefused(SignInReason.DECLINED, "error")
    if error == "unmet_authentication_requirements":
        return SignInRefused(SignInReason.TOO_LOW, "error")
    if error in NOT_NOW:
        return ExternalSystemError("the provider cannot identify anybody now")
    return Misconfigured("the provider does not take our question")


def _read_kept(text: str) -> Kept:
    try:
        return Kept(**read_object(text.encode()))
    except (ValueError, TypeError):
        raise SignInRefused(SignInReason.NOT_ASKED, "kept") from None


def _digest(text: str) -> str:
    """SHA-256 as PKCE has it (RFC 7636, 4.2)."""
    return encoded(sha256(text.encode()).digest())
