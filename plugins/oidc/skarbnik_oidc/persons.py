"""From claims to a person. A PESEL that is not surely right makes no account; an e-mail address makes nobody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from skarbnik.plugin_api import Assurance, Identity, SignInReason, SignInRefused, birth_of, is_nip, is_pesel
from skarbnik_oidc.checks import FRESH, moment
from skarbnik_oidc.words import ClaimNames, Claims, Pairs, holds

ELEVEN_DIGITS = re.compile(r"[0-9]{11}")
NIP = re.compile(r"(?:PL)?([0-9]{10})")
BIRTH = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)  # the standard also has years alone, and days without a year
LONGEST_NAME = 120
LONGEST_CLAIM = 1000


@dataclass(frozen=True)
class Reading:
    """How the office reads this provider's claims."""

    names: ClaimNames
    pesel_when: Pairs
    without_pesel: bool
    second_factor: Pairs


def identity_of(
    claims: Claims, about: Claims, reading: Reading, level: Assurance | None, *, assertion_id: str, skew: timedelta
) -> Identity:
    """The person of an ID token whose claims were checked. `about` are claims about the person, from it or beside it.

    SignInRefused when a number is there and cannot be right, or one is needed and is not there.
    """
    names = reading.names
    born_on = _birth(_text(about, names.born_on))
    return Identity(
        issuer=claims["iss"],
        subject=claims["sub"],
        assertion_id=assertion_id,
        good_until=_good_until(claims) + skew,
        level=level,
        given_name=_name(_text(about, names.given_name)),
        family_name=_name(_text(about, names.family_name)),
        born_on=born_on,
        pesel=_pesel(about, reading, born_on),
        nip=_nip(_text(about, names.nip)),
        second_factor=any(holds(claims, pair) for pair in reading.second_factor),
    )


def _good_until(claims: Claims) -> datetime:
    ends_at, issued_at = moment(claims, "exp"), moment(claims, "iat")
    if ends_at is None or issued_at is None:
        raise SignInRefused(SignInReason.NOT_NOW, "no_times")
    return min(ends_at, issued_at + FRESH)


def _pesel(about: Claims, reading: Reading, born_on: date | None) -> str | None:
    """A number is a PESEL when all that makes it one is said; then it must be a right one, of who was born that day."""
    if reading.names.pesel is None:
        return None
    number = _text(about, reading.names.pesel)
    if number is None or not all(holds(about, pair) for pair in reading.pesel_when):
        if not reading.without_pesel:
            raise SignInRefused(SignInReason.NOBODY, "without_pesel")
        return None
    if not ELEVEN_DIGITS.fullmatch(number) or not is_pesel(number):
        raise SignInRefused(SignInReason.NOBODY, "pesel")
    if reading.names.born_on is not None and born_on != birth_of(number):
        raise SignInRefused(SignInReason.NOBODY, "pesel_birth")
    return number


def _nip(number: str | None) -> str | None:
    if number is None:
        return None
    found = NIP.fullmatch(number)
    if found is None or not is_nip(found[1]):
        raise SignInRefused(SignInReason.NOBODY, "nip")
    return found[1]


def _text(about: Claims, name: str | None) -> str | None:
    """A claim that is a text, or None where it is not told. A number has lost its leading zeros: it is refused."""
    told = None if name is None else about.get(name)
    if told is None or told == "":
        return None
    if not isinstance(told, str) or len(told) > LONGEST_CLAIM:
        raise SignInRefused(SignInReason.MALFORMED, "claim")
    return told


def _name(text: str | None) -> str | None:
    """A name as it will be shown: without control characters, and short enough."""
    if text is None:
        return None
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:LONGEST_NAME] or None


def _birth(text: str | None) -> date | None:
    if text is None or not BIRTH.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
