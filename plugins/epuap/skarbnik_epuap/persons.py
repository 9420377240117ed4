"""From attributes to a person. A PESEL that is not surely right makes no account."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from skarbnik.plugin_api import LONGEST_SESSION, Assurance, Identity, SignInReason, SignInRefused, birth_of, is_pesel
from skarbnik_epuap.facts import Assertion
from skarbnik_epuap.words import DATE_OF_BIRTH, FAMILY_NAME, GIVEN_NAME, PERSON_IDENTIFIER

ELEVEN_DIGITS = re.compile(r"[0-9]{11}")
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9/+=_.:@-]{2,254}")
BIRTH = re.compile(r"(\d{4}-\d\d-\d\d)(Z|[+-]\d\d:\d\d)?", re.ASCII)
OURS = ("PL/", "PL:")  # a Polish identifier comes bare; with its country in front it is nothing we know
LONGEST_NAME = 120
LONGEST_GOOD = timedelta(hours=12)  # no answer is believed when it is older than minutes


@dataclass(frozen=True)
class AttributeNames:
    """Under which names the provider tells who it is; those of eIDAS unless it has its own."""

    given_name: str = GIVEN_NAME
    family_name: str = FAMILY_NAME
    born_on: str = DATE_OF_BIRTH
    identifier: str = PERSON_IDENTIFIER


EIDAS_NAMES = AttributeNames()


def identity_of(
    assertion: Assertion,
    level: Assurance | None,
    names: AttributeNames,
    now: datetime,
    *,
    skew: timedelta,
    without_pesel: bool,
) -> Identity:
    """The person an assertion is about. SignInRefused when the identifier is none, or cannot be right.

    From the substantial level on a means has two factors of different kinds (regulation 2015/1502, annex, 2.2.1).
    """
    identifier = _value(assertion, names.identifier)
    if identifier is None or not IDENTIFIER.fullmatch(identifier):
        raise SignInRefused(SignInReason.NOBODY, "identifier")
    born_on = _birth(_value(assertion, names.born_on))
    pesel = identifier if ELEVEN_DIGITS.fullmatch(identifier) else None
    if pesel is not None:
        check_pesel(pesel, born_on)
    elif not without_pesel or identifier.upper().startswith(OURS):
        raise SignInRefused(SignInReason.NOBODY, "without_pesel")
    ends = [assertion.not_on_or_after, *(each.not_on_or_after for each in assertion.confirmations)]
    return Identity(
        issuer=assertion.issuer,
        subject=identifier,
        assertion_id=assertion.id,
        good_until=min([now + LONGEST_GOOD, *(moment for moment in ends if moment is not None)]) + skew,
        level=level,
        given_name=_name(assertion, names.given_name),
        family_name=_name(assertion, names.family_name),
        born_on=born_on,
        pesel=pesel,
        session=_session(assertion),
        second_factor=level is not None and level.reaches(Assurance.SUBSTANTIAL),
    )


def _session(assertion: Assertion) -> str:
    """What is needed to end the session there."""
    words = {"name": assertion.name_id, "format": assertion.name_format, "index": assertion.session_index}
    session = json.dumps(words, ensure_ascii=False)
    if len(session) > LONGEST_SESSION:
        raise SignInRefused(SignInReason.MALFORMED, "session")
    return session


def check_pesel(pesel: str, born_on: date | None) -> None:
    """Check digit, and the day of birth that is told beside it."""
    if not is_pesel(pesel):
        raise SignInRefused(SignInReason.NOBODY, "pesel")
    if born_on is None or born_on != birth_of(pesel):
        raise SignInRefused(SignInReason.NOBODY, "pesel_birth")


def _value(assertion: Assertion, name: str) -> str | None:
    values = assertion.attributes.get(name, ())
    if len(values) > 1:
        raise SignInRefused(SignInReason.NOBODY, "attribute_doubled")
    return values[0] if values else None


def _name(assertion: Assertion, name: str) -> str | None:
    """A name as it will be shown: without control characters, and short enough."""
    value = _value(assertion, name)
    if value is None:
        return None
    return " ".join("".join(each for each in value if each.isprintable()).split())[:LONGEST_NAME] or None


def _birth(text: str | None) -> date | None:
    """The day of xs:date, which may carry a zone: `1987-02-22Z`."""
    found = BIRTH.fullmatch(text or "")
    if found is None:
        return None
    try:
        return date.fromisoformat(found[1])
    except ValueError:
        return None
