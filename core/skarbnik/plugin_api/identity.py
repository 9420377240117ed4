"""The contract of an identity provider: it sends a person away to prove who they are, and reads what comes back.

The core owns everything that has to last: the pending row, cookies, what was used already, sessions and accounts. A
plugin only translates between these dataclasses and a protocol (SAML 2.0, OpenID Connect). It is called outside of any
transaction and keeps nothing between two calls but what it hands out as `kept`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from skarbnik.errors import SkarbnikError
from skarbnik.http import ClientCertificate, HttpClient

LONGEST_KEPT = 4096  # characters
LONGEST_SESSION = 2048  # characters
LONGEST_ID = 255  # characters of an issuer, a subject, an assertion's id


class IdentityCapability(StrEnum):
    """What a provider offers beyond signing in."""

    LOGOUT = "logout"  # a session there can be ended from here
    CERTIFICATES = "certificates"  # it has keys or certificates that run out
    KEYS = "keys"  # it makes keys of the gmina's own, and requests for their certificates


class Assurance(StrEnum):
    """Level of assurance of an electronic identification means (art. 8 of regulation 910/2014, eIDAS)."""

    LOW = "low"
    SUBSTANTIAL = "substantial"
    HIGH = "high"

    def reaches(self, wanted: Assurance) -> bool:
        order = list(Assurance)
        return order.index(self) >= order.index(wanted)


@dataclass(frozen=True)
class SignInRequest:
    """Somebody wants to sign in. The core's pending row is committed before the plugin is asked.

    `request_id` is ours and new each time. `handle` (43 characters, URL-safe, secret) comes back with the browser in
    `IdentityProvider.handle_field` and finds the pending row; it is `state` in OIDC and RelayState in SAML.
    """

    request_id: UUID
    handle: str = field(repr=False)
    return_url: str  # absolute, of this gmina and provider alone (RFC 9700, 4.4); where the browser comes back
    level: Assurance
    begun_at: datetime
    language: str = "pl"  # ISO 639-1


@dataclass(frozen=True)
class FormPost:
    """A form the browser sends to `address`: names and values of hidden fields, in their order."""

    address: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True)
class Redirect:
    """An address the browser is sent to (303)."""

    address: str = field(repr=False)


@dataclass(frozen=True)
class SignInStart:
    """Where to send the person.

    `kept` is the plugin's own text (JSON, ≤ `LONGEST_KEPT`): the core stores it encrypted in the pending row and hands
    it back once. The verifier of PKCE and the nonce belong there.
    """

    go: FormPost | Redirect
    kept: str = field(default="", repr=False)


@dataclass(frozen=True)
class PendingSignIn:
    """The pending row, already taken out of the database: it is handed to a plugin once.

    The core found it by the handle, and made sure that gmina, provider and browser (its pre-login cookie) are those it
    was made for, and that it is not older than ten minutes.
    """

    request_id: UUID
    return_url: str
    level: Assurance
    begun_at: datetime
    kept: str = field(default="", repr=False)


@dataclass(frozen=True)
class BrowserAnswer:
    """What the browser brought to the return address: fields of `answer_fields` only, each as often as it came."""

    method: str  # GET or POST
    fields: tuple[tuple[str, str], ...] = field(repr=False)

    def only(self, name: str) -> str | None:
        """The value of a field that came exactly once, or None."""
        found = [value for known, value in self.fields if known == name]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True)
class Identity:
    """Who somebody is, as the provider vouches for it. Checked by the plugin, every word of it.

    (`issuer`, `subject`) is the same person for ever, whatever their name becomes; both ≤ `LONGEST_ID`. `subject` may
    be a PESEL: the core keeps only its keyed hash. `pesel` and `nip` are there when the provider says them and their
    check digits hold; a PESEL also agrees with `born_on`. `session` is the plugin's own text (≤ `LONGEST_SESSION`)
    for ending the session there. `assertion_id` (≤ `LONGEST_ID`) names the very answer this was read from; the core
    keeps it until `good_until`, and refuses one that it has (`SignInReason.REPLAYED`). At `good_until` the plugin
    believes the answer no longer, whatever difference of clocks it allows. `second_factor` says that the provider
    vouches for two factors of different kinds in the sign-in it tells about, by a word the settings name or by its
    level of assurance; False means that nobody said so, and that whoever wants a second one has to ask for it.
    """

    issuer: str
    subject: str = field(repr=False)
    assertion_id: str
    good_until: datetime
    level: Assurance | None = None  # None where the provider has no levels; it reaches none then
    given_name: str | None = field(default=None, repr=False)
    family_name: str | None = field(default=None, repr=False)
    born_on: date | None = field(default=None, repr=False)
    pesel: str | None = field(default=None, repr=False)
    nip: str | None = field(default=None, repr=False)
    session: str = field(default="", repr=False)
    second_factor: bool = False


@dataclass(frozen=True)
class SignOutRequest:
    """End the session there. The one here is already over, whatever comes of this. `session` is of `Identity`."""

    request_id: UUID
    session: str = field(repr=False)


@dataclass(frozen=True)
class ExpiryWarning:
    """A key or certificate that runs out: `what` for the office in Polish, when, and whether it is still used."""

    what: str
    ends_at: datetime
    over: bool


@dataclass(frozen=True)
class KeyUse:
    """A key of the gmina's own: what for (Polish), and which settings hold it and its certificate, both PEM."""

    id: str
    label: str
    key_setting: str
    certificate_setting: str


@dataclass(frozen=True)
class NewKey:
    """A private key and the request for its certificate (PKCS #10), both PEM."""

    key: str = field(repr=False)
    request: str


class SignInReason(StrEnum):
    """Why a sign-in was refused. For the log and the counters, never for the person, except `DECLINED`."""

    DECLINED = "declined"  # the provider says that nobody was identified: given up, wrong password, no means
    MALFORMED = "malformed"  # not the shape that was agreed on
    UNPROVEN = "unproven"  # no good signature of the provider
    UNREADABLE = "unreadable"  # not encrypted for us, or not as agreed
    NOT_ASKED = "not_asked"  # an answer to no question of this gmina and this browser
    NOT_FOR_US = "not_for_us"  # of another issuer, for another audience, recipient or address
    NOT_NOW = "not_now"  # too old, not yet, or without any time
    TOO_LOW = "too_low"  # a lower level of assurance than was asked for
    NOBODY = "nobody"  # no identifier, or one that cannot be right
    REPLAYED = "replayed"  # the core says so: this answer was used already


class SignInRefused(SkarbnikError):
    """Nobody is signed in. The message is always the same; `reason` and `check` are words of the log.

    `check` names the rule that said no (≤ 60 characters, a constant of the plugin, nothing of what came).
    """

    def __init__(self, reason: SignInReason, check: str = "") -> None:
        super().__init__("the sign-in was refused")
        self.reason = reason
        self.check = check


class IdentityProvider(ABC):
    """A place that says who a person is: a national node, a bank, an office's own directory.

    One instance serves one gmina with one version of its settings; several threads use it at once. It is made anew for
    the settings as they are now, so a sign-in that was begun before a key changed must be finished with either key.
    """

    id: ClassVar[str]
    label: ClassVar[str]
    contract: ClassVar[int] = 1
    settings_type: ClassVar[type]
    capabilities: ClassVar[frozenset[IdentityCapability]] = frozenset()
    key_uses: ClassVar[tuple[KeyUse, ...]] = ()
    handle_field: ClassVar[str]  # the field in which the browser brings the handle: RelayState, state
    answer_fields: ClassVar[frozenset[str]]  # all the fields the return address takes, `handle_field` among them

    @abstractmethod
    def __init__(self, settings: Any, http: HttpClient) -> None:
        """`settings` is an instance of `settings_type`; `http` reaches only what `hosts` names."""

    @classmethod
    @abstractmethod
    def hosts(cls, settings: Any) -> frozenset[str]:
        """The hosts (`name` or `name:port`) our server calls; empty when it calls nobody."""

    @classmethod
    @abstractmethod
    def origins(cls, settings: Any) -> frozenset[str]:
        """Where browsers are sent (`https://login.gov.pl`): what `form-action` of our policy has to allow."""

    @classmethod
    def client_certificate(cls, settings: Any) -> ClientCertificate | None:
        """With what our server shows who it is when it calls `hosts`; None when nobody asks for it."""
        return None

    @classmethod
    def check(cls, settings: Any) -> None:
        """Misconfigured when these settings surely do not work: found without asking anybody."""
        return

    @classmethod
    def make_key(cls, use: KeyUse, *, common_name: str, organisation: str) -> NewKey:
        """A new key for one of `key_uses`. Needs `IdentityCapability.KEYS`."""
        raise NotImplementedError

    @abstractmethod
    def begin(self, request: SignInRequest) -> SignInStart:
        """Where to send the person. The same request may be asked again, and then means the same.

        Misconfigured when keys or settings cannot be used; any other ExternalSystemError when the provider has to be
        asked first and does not answer.
        """

    @abstractmethod
    def finish(self, pending: PendingSignIn, answer: BrowserAnswer) -> Identity:
        """Who it is. SignInRefused for whatever is wrong with the answer, and for nothing else.

        ExternalSystemError when the provider has to be asked and does not answer well now: nobody is signed in, and
        the person begins anew. It is called once for each pending row; what came is written down nowhere.
        """

    def end(self, request: SignOutRequest) -> None:
        """End the session there. Needs `IdentityCapability.LOGOUT`.

        Returns when the provider said, provably, that it is over. Refused when it said no, ExternalSystemError or
        OutcomeUnknown when it may live on; the core repeats it some times and lets it be.
        """
        raise NotImplementedError

    def expiries(self, now: datetime) -> Sequence[ExpiryWarning]:
        """Keys and certificates that are over or will soon be. Needs `IdentityCapability.CERTIFICATES`."""
        raise NotImplementedError
