"""The contract of Skarbnik on one side, SAML 2.0 on the other."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import ClassVar
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from lxml import etree

from skarbnik.plugin_api import (
    Assurance,
    BrowserAnswer,
    ClientCertificate,
    ExpiryWarning,
    FormPost,
    HttpClient,
    Identity,
    IdentityCapability,
    IdentityProvider,
    KeyUse,
    NewKey,
    Nonsense,
    PendingSignIn,
    Refused,
    SignInReason,
    SignInRefused,
    SignInRequest,
    SignInStart,
    SignOutRequest,
    now,
)
from skarbnik_epuap import keys, requests, soap
from skarbnik_epuap.answers import read_answer, read_logout
from skarbnik_epuap.checks import Expected
from skarbnik_epuap.decryption import Parties
from skarbnik_epuap.documents import Element
from skarbnik_epuap.persons import AttributeNames
from skarbnik_epuap.settings import EpuapSettings
from skarbnik_epuap.signatures import Profile, sign

ARTIFACT = re.compile(r"[A-Za-z0-9+/=_-]{16,1024}")  # opaque otherwise: the node's form of it is not documented


class EpuapProvider(IdentityProvider):
    """Profil Zaufany, mObywatel, e-dowód or a bank, chosen at login.gov.pl."""

    id = "epuap"
    label = "Profil Zaufany (login.gov.pl)"
    settings_type = EpuapSettings
    capabilities = frozenset({IdentityCapability.LOGOUT, IdentityCapability.CERTIFICATES, IdentityCapability.KEYS})
    key_uses = (
        KeyUse("signing", "Podpis", "signing_key", "signing_certificate"),
        KeyUse("encryption", "Szyfrowanie", "encryption_key", "encryption_certificate"),
        KeyUse("next", "Szyfrowanie: następny", "next_encryption_key", "next_encryption_certificate"),
        KeyUse("tls", "Połączenie (TLS)", "tls_key", "tls_certificate"),
    )
    handle_field: ClassVar[str] = "RelayState"
    answer_fields: ClassVar[frozenset[str]] = frozenset({"SAMLart", "RelayState"})

    def __init__(self, settings: EpuapSettings, http: HttpClient) -> None:
        self._settings = settings
        self._http = http
        self._profile = Profile(settings.profile)
        given = {
            "given_name": settings.given_name_attribute,
            "family_name": settings.family_name_attribute,
            "born_on": settings.birth_attribute,
            "identifier": settings.identifier_attribute,
        }
        self._names = AttributeNames(**{field: name for field, name in given.items() if name})

    @classmethod
    def hosts(cls, settings: EpuapSettings) -> frozenset[str]:
        return frozenset(urlsplit(address).netloc.lower() for address in (settings.ars_url, settings.slo_url))

    @classmethod
    def origins(cls, settings: EpuapSettings) -> frozenset[str]:
        parts = urlsplit(settings.sso_url)
        return frozenset({f"{parts.scheme}://{parts.netloc}"})

    @classmethod
    def client_certificate(cls, settings: EpuapSettings) -> ClientCertificate | None:
        if not (settings.tls_key and settings.tls_certificate):
            return None
        return ClientCertificate(certificate=settings.tls_certificate, key=settings.tls_key)

    @cached_property
    def _keys(self) -> keys.Keys:
        """Read when they are needed: a page that only names the provider works with broken keys, too."""
        return keys.read_keys(self._settings)

    @classmethod
    def check(cls, settings: EpuapSettings) -> None:
        keys.read_keys(settings)

    @classmethod
    def make_key(cls, use: KeyUse, *, common_name: str, organisation: str) -> NewKey:
        return keys.make_key(common_name, organisation)

    def begin(self, request: SignInRequest) -> SignInStart:
        message = requests.authn_request(
            self._settings,
            self._names,
            message_id=saml_id(request.request_id),
            return_url=request.return_url,
            level=self._level(request.level),
            now=now(),
        )
        signed = etree.tostring(self._signed(message), xml_declaration=True, encoding="UTF-8")
        fields = [("SAMLRequest", b64encode(signed).decode()), ("RelayState", request.handle)]
        if self._settings.foreign_authentication:
            fields.append(("ForeignAuthentication", "true"))
        return SignInStart(FormPost(self._settings.sso_url, tuple(fields)))

    def finish(self, pending: PendingSignIn, answer: BrowserAnswer) -> Identity:
        artifact = answer.only("SAMLart")
        if artifact is None or not ARTIFACT.fullmatch(artifact) or answer.only("RelayState") is None:
            raise SignInRefused(SignInReason.MALFORMED, "artifact")
        resolve_id = saml_id(uuid4())
        message = requests.artifact_resolve(self._settings, message_id=resolve_id, artifact=artifact, now=now())
        expected = self._expected(
            request_id=saml_id(pending.request_id),
            resolve_id=resolve_id,
            recipient=pending.return_url,
            level=self._level(pending.level),
        )
        body = soap.call(self._http, self._settings.ars_url, self._signed(message))
        return read_answer(body, expected, now())

    def end(self, request: SignOutRequest) -> None:
        request_id = saml_id(request.request_id)
        try:
            session = json.loads(request.session)
            words = {"name": session["name"], "name_format": session["format"], "index": session["index"]}
        except (ValueError, TypeError, KeyError) as error:
            raise Refused("this session has no words for ending it") from error
        message = requests.logout_request(self._settings, message_id=request_id, now=now(), **words)
        body = soap.call(self._http, self._settings.slo_url, self._signed(message))
        expected = self._expected(request_id=request_id, resolve_id="", recipient="", level=Assurance.LOW)
        try:
            over = read_logout(body, expected, now())
        except SignInRefused as error:
            raise Nonsense(f"the answer to a logout is not one that can be believed: {error.check}") from error
        if not over:
            raise Refused("the provider did not end the session")

    def expiries(self, now: datetime) -> Sequence[ExpiryWarning]:
        return keys.expiries(self._settings, now)

    def _expected(self, *, request_id: str, resolve_id: str, recipient: str, level: Assurance) -> Expected:
        settings = self._settings
        return Expected(
            profile=self._profile,
            issuer=settings.idp_issuer,
            certificates=self._keys.provider,
            audience=settings.issuer,
            recipient=recipient,
            resolve_id=resolve_id,
            request_id=request_id,
            level=level,
            keys=self._keys.encryption,
            parties=Parties(provider=settings.idp_party or settings.idp_issuer, ours=settings.issuer),
            skew=timedelta(seconds=settings.skew),
            without_pesel=settings.without_pesel,
            names=self._names,
        )

    def _level(self, wanted: Assurance) -> Assurance:
        """The higher of what the core asks for and what the office allows."""
        least = Assurance(self._settings.level)
        return wanted if wanted.reaches(least) else least

    def _signed(self, message: Element) -> Element:
        return sign(message, self._keys.signing, self._keys.signing_certificate, self._profile)


def saml_id(made: UUID) -> str:
    """An xs:ID may not begin with a digit."""
    return f"ID-{made}"
