"""What the provider publishes about itself: its metadata and its keys, asked for at use and kept for a while.

Nothing there decides whom we believe. Its issuer must be the one of the settings, and its addresses must be on hosts
the settings name, or the document could send our client secret and the browsers of residents anywhere.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from skarbnik.plugin_api import ExternalSystemError, HttpAnswer, HttpClient, Misconfigured, Nonsense, now
from skarbnik_oidc.settings import PLACE, OidcSettings
from skarbnik_oidc.tokens import PublicKey, read_keys
from skarbnik_oidc.words import Claims, read_object

LASTS = timedelta(hours=1)
REST = timedelta(seconds=60)  # between two askings for keys nobody knows
LARGEST = 256 * 1024  # bytes of a document
ADDRESS = re.compile(rf"{PLACE}(/[!\"$-~]*)?")  # printable, without a fragment


@dataclass(frozen=True)
class Metadata:
    """What is used of the provider's document. `says_issuer`: it names itself in the way back (RFC 9207)."""

    authorization_url: str
    token_url: str
    keys_url: str
    userinfo_url: str | None
    says_issuer: bool


class Directory:
    """The provider's documents, of one instance. Several threads use it at once; a lock is never held while asking."""

    def __init__(self, settings: OidcSettings, http: HttpClient) -> None:
        self._settings = settings
        self._http = http
        self._lock = threading.Lock()
        self._metadata: tuple[datetime, Metadata] | None = None
        self._keys: tuple[datetime, tuple[PublicKey, ...]] | None = None
        self._asked_anew_at: datetime | None = None

    def metadata(self) -> Metadata:
        """The provider's metadata. Misconfigured when it is another's, or leads away."""
        known = self._metadata
        if known is not None and _fresh(known[0], LASTS):
            return known[1]
        address = self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = self._read_metadata(_document(self._http.request("GET", address)))
        self._metadata = (now(), found)
        return found

    def keys(self) -> tuple[PublicKey, ...]:
        known = self._keys
        if known is not None and _fresh(known[0], LASTS):
            return known[1]
        return self._ask_for_keys()

    def keys_anew(self) -> tuple[PublicKey, ...]:
        """The keys of this moment, for a token whose key is not among those known; at most once in `REST`."""
        with self._lock:
            if self._asked_anew_at is not None and _fresh(self._asked_anew_at, REST):
                return self._keys[1] if self._keys else ()
            self._asked_anew_at = now()
        return self._ask_for_keys()

    def _ask_for_keys(self) -> tuple[PublicKey, ...]:
        answer = self._http.request("GET", self.metadata().keys_url)
        try:
            found = read_keys(_body(answer))
        except ValueError as error:
            raise Nonsense("the keys of the provider cannot be read") from error
        self._keys = (now(), found)
        return found

    def _read_metadata(self, told: Claims) -> Metadata:
        if told.get("issuer") != self._settings.issuer:
            raise Misconfigured("the provider at this address calls itself otherwise")
        return Metadata(
            authorization_url=self._address(told, "authorization_endpoint"),
            token_url=self._address(told, "token_endpoint"),
            keys_url=self._address(told, "jwks_uri"),
            userinfo_url=self._address(told, "userinfo_endpoint") if self._settings.userinfo else None,
            says_issuer=told.get("authorization_response_iss_parameter_supported") is True,
        )

    def _address(self, told: Claims, name: str) -> str:
        address = told.get(name)
        if not isinstance(address, str) or len(address) > 1000 or not ADDRESS.fullmatch(address):
            raise Misconfigured(f"the provider's {name} is no address that can be used")
        if origin_of(address) not in origins_of(self._settings):
            raise Misconfigured(f"the provider's {name} is on a host that the settings do not name")
        return address


def origin_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def hosts_of(settings: OidcSettings) -> frozenset[str]:
    """`name` or `name:port` of all that may be called."""
    return frozenset({urlsplit(settings.issuer).netloc.lower(), *settings.more_hosts.lower().split()})


def origins_of(settings: OidcSettings) -> frozenset[str]:
    """Plain http stays on this machine, and only where the provider itself is here."""
    own = urlsplit(settings.issuer)

    def scheme(host: str) -> str:
        here = host.partition(":")[0] in {"127.0.0.1", "localhost"}
        return "http" if own.scheme == "http" and here else "https"

    return frozenset(f"{scheme(host)}://{host}" for host in hosts_of(settings))


def _fresh(since: datetime, lasts: timedelta) -> bool:
    return timedelta(0) <= now() - since < lasts


def _document(answer: HttpAnswer) -> Claims:
    body = _body(answer)
    try:
        return read_object(body)
    except ValueError as error:
        raise Nonsense("the metadata of the provider cannot be read") from error


def _body(answer: HttpAnswer) -> bytes:
    if answer.status == 404:
        raise Misconfigured("there is no provider of OpenID Connect at this address")
    if 300 <= answer.status < 400:
        raise Nonsense("the provider sends us elsewhere, which is not followed")
    if answer.status != 200:
        raise ExternalSystemError(f"the provider answers with status {answer.status}")
    if len(answer.body) > LARGEST:
        raise Nonsense("the document is too large")
    return answer.body
