"""What messages and assertions say, taken out of trees that were proven. Nothing here is judged, only read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from skarbnik.plugin_api import SignInReason, SignInRefused
from skarbnik_epuap.documents import Element, children, text_of
from skarbnik_epuap.signatures import SIGNATURE
from skarbnik_epuap.words import SAML, SAMLP, tag

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
ISSUER, STATUS, EXTENSIONS = tag(SAML, "Issuer"), tag(SAMLP, "Status"), tag(SAMLP, "Extensions")
RESPONSE, SEALED = tag(SAMLP, "Response"), tag(SAML, "EncryptedAssertion")
LONGEST = 1000  # characters of a value


@dataclass(frozen=True)
class Message:
    """A signed protocol message: ArtifactResponse, Response, LogoutResponse. `inside` is what it carries."""

    issuer: str
    in_response_to: str | None
    issued_at: datetime
    destination: str | None
    status: str
    inside: Element | None


@dataclass(frozen=True)
class Confirmation:
    method: str
    in_response_to: str | None
    recipient: str | None
    not_before: datetime | None
    not_on_or_after: datetime | None


@dataclass(frozen=True)
class Assertion:
    """Who the provider says it was, when, for whom and how. Lists hold as many as there were."""

    id: str
    version: str
    issuer: str
    issued_at: datetime
    name_id: str = field(repr=False)
    name_format: str | None
    confirmations: tuple[Confirmation, ...]
    not_before: datetime | None
    not_on_or_after: datetime | None
    audiences: tuple[tuple[str, ...], ...]
    levels: tuple[str, ...]
    session_index: str | None
    session_ends_at: datetime | None
    attributes: dict[str, tuple[str, ...]] = field(repr=False)


def read_message(element: Element, *, carries: str | None = None) -> Message:
    """A message in its agreed layout. `carries` names what may be inside besides; a message of no success has none."""
    perhaps = (SIGNATURE, EXTENSIONS, *((carries,) if carries else ()))
    parts = children(element, once=(ISSUER, STATUS), perhaps=perhaps)
    codes = [each for each in parts[STATUS] if each.tag == tag(SAMLP, "StatusCode")]
    if len(codes) != 1 or element.get("Version") != "2.0":
        raise SignInRefused(SignInReason.MALFORMED, "layout")
    return Message(
        issuer=_short(text_of(parts[ISSUER])),
        in_response_to=element.get("InResponseTo"),
        issued_at=_needed(_moment(element, "IssueInstant")),
        destination=element.get("Destination"),
        status=codes[0].get("Value", ""),
        inside=parts.get(carries) if carries else None,
    )


def read_assertion(root: Element) -> Assertion:
    """An assertion in its agreed layout: one subject, one set of conditions, one statement of each kind."""
    if root.tag != tag(SAML, "Assertion"):
        raise SignInRefused(SignInReason.MALFORMED, "layout")
    names = ("Issuer", "Subject", "Conditions", "AuthnStatement", "AttributeStatement")
    parts = children(root, once=tuple(tag(SAML, name) for name in names), perhaps=(SIGNATURE,))
    issuer, subject, conditions, statement, attributes = (parts[tag(SAML, name)] for name in names)
    name_id = children(subject, once=(tag(SAML, "NameID"),), perhaps=(tag(SAML, "SubjectConfirmation"),))
    named = name_id[tag(SAML, "NameID")]
    return Assertion(
        id=_short(root.get("ID", "")),
        version=root.get("Version", ""),
        issuer=_short(text_of(issuer)),
        issued_at=_needed(_moment(root, "IssueInstant")),
        name_id=_short(text_of(named)),
        name_format=named.get("Format"),
        confirmations=tuple(_confirmation(each) for each in subject.findall(tag(SAML, "SubjectConfirmation"))),
        not_before=_moment(conditions, "NotBefore"),
        not_on_or_after=_moment(conditions, "NotOnOrAfter"),
        audiences=tuple(_audiences(conditions)),
        levels=tuple(_short(text_of(each)) for each in statement.iter(tag(SAML, "AuthnContextClassRef"))),
        session_index=statement.get("SessionIndex"),
        session_ends_at=_moment(statement, "SessionNotOnOrAfter"),
        attributes=_attributes(attributes),
    )


def _confirmation(element: Element) -> Confirmation:
    data = element.findall(tag(SAML, "SubjectConfirmationData"))
    if len(data) != 1:
        raise SignInRefused(SignInReason.MALFORMED, "confirmation")
    return Confirmation(
        method=element.get("Method", ""),
        in_response_to=data[0].get("InResponseTo"),
        recipient=data[0].get("Recipient"),
        not_before=_moment(data[0], "NotBefore"),
        not_on_or_after=_moment(data[0], "NotOnOrAfter"),
    )


def _audiences(conditions: Element) -> list[tuple[str, ...]]:
    """A condition nobody here understands makes an assertion invalid (SAML 2.0 core, 2.5.1)."""
    known = [tag(SAML, name) for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")]
    if any(each.tag not in known for each in conditions):
        raise SignInRefused(SignInReason.MALFORMED, "conditions")
    return [
        tuple(_short(text_of(audience)) for audience in each.iter(tag(SAML, "Audience")))
        for each in conditions.findall(known[0])
    ]


def _attributes(statement: Element) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for each in statement:
        name = each.get("Name", "")
        if each.tag != tag(SAML, "Attribute") or name in found:
            raise SignInRefused(SignInReason.MALFORMED, "attributes")
        found[name] = tuple(_short(text_of(value).strip()) for value in each.findall(tag(SAML, "AttributeValue")))
    return found


def _moment(element: Element, name: str) -> datetime | None:
    """A moment with a zone, in UTC. None when it is not there."""
    text = element.get(name)
    if text is None:
        return None
    if not MOMENT.fullmatch(text):
        raise SignInRefused(SignInReason.MALFORMED, "moment")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise SignInRefused(SignInReason.MALFORMED, "moment") from error


def _needed(moment: datetime | None) -> datetime:
    if moment is None:
        raise SignInRefused(SignInReason.NOT_NOW, "moment")
    return moment


def _short(text: str) -> str:
    if len(text) > LONGEST:
        raise SignInRefused(SignInReason.MALFORMED, "length")
    return text
