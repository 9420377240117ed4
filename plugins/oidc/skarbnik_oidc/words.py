"""How the settings' small words are read, and how JSON of others is: once, strictly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from skarbnik.plugin_api import Assurance
from skarbnik_oidc.settings import OidcSettings

NOT_TOLD = "-"
TENANT = re.compile(r"https?://[^/]+/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?:/v2\.0)?/?")

Pairs = tuple[tuple[str, str], ...]
Claims = dict[str, Any]


@dataclass(frozen=True)
class ClaimNames:
    """Under which names the provider tells who it is; None where it does not."""

    pesel: str | None
    nip: str | None
    born_on: str | None
    given_name: str | None
    family_name: str | None


def claim_names(settings: OidcSettings) -> ClaimNames:
    def name(value: str) -> str | None:
        return None if value in {"", NOT_TOLD} else value

    return ClaimNames(
        pesel=name(settings.pesel_claim),
        nip=name(settings.nip_claim),
        born_on=name(settings.birth_claim),
        given_name=name(settings.given_name_claim),
        family_name=name(settings.family_name_claim),
    )


def read_pairs(text: str) -> Pairs:
    """`claim=value claim=value` as pairs; a value may have further signs of equality."""
    split = (each.partition("=") for each in text.split())
    return tuple((claim, value) for claim, _, value in split)


def read_levels(settings: OidcSettings) -> dict[str, Assurance]:
    """The level of each value of `acr`. One that stands at two levels counts for the lower."""
    found: dict[str, Assurance] = {}
    for level in reversed(Assurance):
        found |= dict.fromkeys(getattr(settings, f"acr_{level}").split(), level)
    return found


def tenant_of(issuer: str) -> str | None:
    """The tenant in an issuer of Entra (`…/<id of the tenant>/v2.0`), which `tid` has to repeat."""
    found = TENANT.fullmatch(issuer)
    return found[1] if found else None


def holds(claims: Claims, pair: tuple[str, str]) -> bool:
    """Whether a claim is that text, or a list that has it. Nothing else is the same as a text."""
    told = claims.get(pair[0])
    return told == pair[1] or (isinstance(told, list) and pair[1] in told)


def read_object(body: bytes) -> Claims:
    """A JSON object in UTF-8. ValueError when it is none, says a name twice, or has numbers that are none.

    Two readers that disagree on a doubled name would believe two different things.
    """
    try:
        found = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(found, dict):
        raise ValueError("not an object")  # one error for whatever cannot be read
    return found


def _once(pairs: Iterable[tuple[str, Any]]) -> Claims:
    found: Claims = {}
    for name, value in pairs:
        if name in found:
            raise ValueError("a name stands twice")
        found[name] = value
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError("not a number of JSON")
