"""The rules an answer has to keep, each a function of its own, in the order they are asked.

A check raises or says nothing. Each knows one thing only; what the others know does not matter to it, so any of them
alone stops what it is there for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from skarbnik.plugin_api import Assurance, SignInReason, SignInRefused
from skarbnik_epuap.decryption import Parties
from skarbnik_epuap.facts import Assertion, Message
from skarbnik_epuap.persons import EIDAS_NAMES, AttributeNames
from skarbnik_epuap.signatures import PrivateKey, Profile
from skarbnik_epuap.words import BEARER, LEVELS, SUCCESS

FRESH = timedelta(minutes=5)


@dataclass(frozen=True)
class Expected:
    """What a right answer to one question of one gmina says. All of it is ours, nothing of it came with the answer."""

    profile: Profile
    issuer: str  # of the provider
    certificates: tuple[x509.Certificate, ...]  # of the provider, pinned
    audience: str  # our issuer
    recipient: str  # the return address of this gmina
    resolve_id: str  # of our ArtifactResolve
    request_id: str  # of our AuthnRequest
    level: Assurance
    keys: tuple[PrivateKey, ...]  # that may open the assertion: the current and the next
    parties: Parties
    skew: timedelta = timedelta(seconds=90)
    without_pesel: bool = False  # whether somebody without PESEL may come in
    names: AttributeNames = EIDAS_NAMES


def message_issuer(message: Message, expected: Expected, now: datetime) -> None:
    if message.issuer != expected.issuer:
        raise SignInRefused(SignInReason.NOT_FOR_US, "message_issuer")


def message_fresh(message: Message, expected: Expected, now: datetime) -> None:
    if not _fresh(message.issued_at, expected, now):
        raise SignInRefused(SignInReason.NOT_NOW, "message_age")


def message_status(message: Message, expected: Expected, now: datetime) -> None:
    """Before anything is decrypted: the node has sent an assertion along with AuthnFailed."""
    if message.status != SUCCESS:
        raise SignInRefused(SignInReason.DECLINED, "status")


def answers_our_resolve(message: Message, expected: Expected, now: datetime) -> None:
    if message.in_response_to != expected.resolve_id:
        raise SignInRefused(SignInReason.NOT_ASKED, "resolve_id")


def answers_our_request(message: Message, expected: Expected, now: datetime) -> None:
    if message.in_response_to != expected.request_id:
        raise SignInRefused(SignInReason.NOT_ASKED, "request_id")


def message_destination(message: Message, expected: Expected, now: datetime) -> None:
    """The node says none; one that is said must be ours."""
    if message.destination is not None and message.destination != expected.recipient:
        raise SignInRefused(SignInReason.NOT_FOR_US, "destination")


def assertion_version(assertion: Assertion, expected: Expected, now: datetime) -> None:
    if assertion.version != "2.0" or not assertion.id or len(assertion.id) > 255:
        raise SignInRefused(SignInReason.MALFORMED, "assertion_version")


def assertion_issuer(assertion: Assertion, expected: Expected, now: datetime) -> None:
    if assertion.issuer != expected.issuer:
        raise SignInRefused(SignInReason.NOT_FOR_US, "assertion_issuer")


def assertion_fresh(assertion: Assertion, expected: Expected, now: datetime) -> None:
    if not _fresh(assertion.issued_at, expected, now):
        raise SignInRefused(SignInReason.NOT_NOW, "assertion_age")


def conditions_times(assertion: Assertion, expected: Expected, now: datetime) -> None:
    """Both ends must be said (conditions of an assertion, SAML 2.0 core, 2.5.1)."""
    if assertion.not_before is None or assertion.not_on_or_after is None:
        raise SignInRefused(SignInReason.NOT_NOW, "conditions_without_times")
    if not (assertion.not_before <= now + expected.skew and now - expected.skew < assertion.not_on_or_after):
        raise SignInRefused(SignInReason.NOT_NOW, "conditions_times")


def audience(assertion: Assertion, expected: Expected, now: datetime) -> None:
    """At least one restriction, and each of them names us."""
    if not assertion.audiences or any(expected.audience not in each for each in assertion.audiences):
        raise SignInRefused(SignInReason.NOT_FOR_US, "audience")


def one_bearer(assertion: Assertion, expected: Expected, now: datetime) -> None:
    if [each.method for each in assertion.confirmations] != [BEARER]:
        raise SignInRefused(SignInReason.MALFORMED, "confirmation")


def recipient(assertion: Assertion, expected: Expected, now: datetime) -> None:
    if any(each.recipient != expected.recipient for each in assertion.confirmations):
        raise SignInRefused(SignInReason.NOT_FOR_US, "recipient")


def confirms_our_request(assertion: Assertion, expected: Expected, now: datetime) -> None:
    if any(each.in_response_to != expected.request_id for each in assertion.confirmations):
        raise SignInRefused(SignInReason.NOT_ASKED, "confirmation_request_id")


def confirmation_times(assertion: Assertion, expected: Expected, now: datetime) -> None:
    """The end must be said, the beginning is judged when it is (SAML 2.0 profiles, 4.1.4.2)."""
    for each in assertion.confirmations:
        if each.not_on_or_after is None:
            raise SignInRefused(SignInReason.NOT_NOW, "confirmation_without_times")
        if now - expected.skew >= each.not_on_or_after:
            raise SignInRefused(SignInReason.NOT_NOW, "confirmation_times")
        if each.not_before is not None and each.not_before > now + expected.skew:
            raise SignInRefused(SignInReason.NOT_NOW, "confirmation_times")


def session_not_over(assertion: Assertion, expected: Expected, now: datetime) -> None:
    if assertion.session_ends_at is not None and now - expected.skew >= assertion.session_ends_at:
        raise SignInRefused(SignInReason.NOT_NOW, "session_over")


def level(assertion: Assertion, expected: Expected, now: datetime) -> None:
    """Whatever was asked for, what came is compared."""
    found = level_of(assertion)
    if found is None or not found.reaches(expected.level):
        raise SignInRefused(SignInReason.TOO_LOW, "level")


def level_of(assertion: Assertion) -> Assurance | None:
    """The one level that is said, in the words of eIDAS."""
    known = {word: level for level, word in LEVELS.items()}
    return known.get(assertion.levels[0]) if len(assertion.levels) == 1 else None


def _fresh(moment: datetime, expected: Expected, now: datetime) -> bool:
    return now - FRESH - expected.skew <= moment <= now + expected.skew


MessageCheck = Callable[[Message, Expected, datetime], None]
AssertionCheck = Callable[[Assertion, Expected, datetime], None]

RESOLVED_CHECKS: tuple[MessageCheck, ...] = (message_issuer, answers_our_resolve, message_fresh, message_status)
RESPONSE_CHECKS: tuple[MessageCheck, ...] = (
    message_issuer,
    answers_our_request,
    message_destination,
    message_fresh,
    message_status,
)
LOGOUT_CHECKS: tuple[MessageCheck, ...] = (message_issuer, answers_our_request, message_fresh)
ASSERTION_CHECKS: tuple[AssertionCheck, ...] = (
    assertion_version,
    assertion_issuer,
    assertion_fresh,
    conditions_times,
    audience,
    one_bearer,
    recipient,
    confirms_our_request,
    confirmation_times,
    session_not_over,
    level,
)
