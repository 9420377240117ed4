"""The heart: from the bytes of an answer, what was expected and the time, to a person or a refusal. Pure.

Order matters in one thing: both signatures are proven and both statuses looked at before anything is decrypted, so
that nobody learns from us whether something they made up can be opened.
"""

from __future__ import annotations

from datetime import datetime

from lxml import etree

from skarbnik.plugin_api import Identity, SignInReason, SignInRefused
from skarbnik_epuap.checks import (
    ASSERTION_CHECKS,
    LOGOUT_CHECKS,
    RESOLVED_CHECKS,
    RESPONSE_CHECKS,
    Expected,
    MessageCheck,
    level_of,
)
from skarbnik_epuap.decryption import decrypt
from skarbnik_epuap.documents import Element, children, open_document
from skarbnik_epuap.facts import RESPONSE, SEALED, Assertion, Message, read_assertion, read_message
from skarbnik_epuap.persons import identity_of
from skarbnik_epuap.signatures import verify
from skarbnik_epuap.words import SAMLP, SOAP, SUCCESS, tag

RESOLVED, LOGGED_OUT = tag(SAMLP, "ArtifactResponse"), tag(SAMLP, "LogoutResponse")


def read_answer(body: bytes, expected: Expected, now: datetime) -> Identity:
    """Who the provider says it is, in its answer to our ArtifactResolve. SignInRefused for whatever is wrong."""
    assertion = read_assertion(open_document(open_envelope(body, expected, now)))
    for check in ASSERTION_CHECKS:
        check(assertion, expected, now)
    return person_of(assertion, expected, now)


def person_of(assertion: Assertion, expected: Expected, now: datetime) -> Identity:
    return identity_of(
        assertion,
        level_of(assertion),
        expected.names,
        now,
        skew=expected.skew,
        without_pesel=expected.without_pesel,
    )


def open_envelope(body: bytes, expected: Expected, now: datetime) -> bytes:
    """Envelope, Body, ArtifactResponse, Response, EncryptedAssertion: one of each, proven, opened. What was inside."""
    resolved = soap_content(body, RESOLVED)
    outer = _proven(resolved, RESPONSE, RESOLVED_CHECKS, expected, now)
    response = resolved.find(RESPONSE)
    if outer.inside is None or response is None:
        raise SignInRefused(SignInReason.MALFORMED, "no_response")
    inner = _proven(response, SEALED, RESPONSE_CHECKS, expected, now)
    if inner.inside is None:
        raise SignInRefused(SignInReason.MALFORMED, "no_assertion")
    if _canonical(outer.inside) != _canonical(response):
        raise SignInRefused(SignInReason.UNPROVEN, "other_response")
    return decrypt(inner.inside, expected.keys, expected.parties, expected.profile)


def read_logout(body: bytes, expected: Expected, now: datetime) -> bool:
    """Whether the provider ended the session. SignInRefused when the answer is not provably its own, and to us."""
    return _proven(soap_content(body, LOGGED_OUT), None, LOGOUT_CHECKS, expected, now).status == SUCCESS


def soap_content(body: bytes, wanted: str) -> Element:
    """The one message in the Body of a SOAP 1.1 envelope."""
    root = open_document(body)
    if root.tag != tag(SOAP, "Envelope"):
        raise SignInRefused(SignInReason.MALFORMED, "envelope")
    parts = children(root, once=(tag(SOAP, "Body"),), perhaps=(tag(SOAP, "Header"),))
    return children(parts[tag(SOAP, "Body")], once=(wanted,))[wanted]


def _proven(
    element: Element, carries: str | None, checks: tuple[MessageCheck, ...], expected: Expected, now: datetime
) -> Message:
    """A message read from what the provider signed."""
    message = read_message(verify(element, expected.certificates, expected.profile, now), carries=carries)
    for check in checks:
        check(message, expected, now)
    return message


def _canonical(element: Element) -> bytes:
    """Exclusive, without its tail: two readings of the same element are the same bytes."""
    return etree.tostring(element, method="c14n", exclusive=True, with_tail=False)
