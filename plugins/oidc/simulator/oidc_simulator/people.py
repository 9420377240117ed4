"""People to be. None of them lives; their numbers are made here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oidc_simulator.clients import BANK, OFFICE

MFA = ("pwd", "mfa")


@dataclass(frozen=True)
class Person:
    key: str
    realm: str
    given_name: str
    family_name: str
    claims: dict[str, Any] = field(default_factory=dict)
    amr: tuple[str, ...] = ("pwd",)
    acr: str = ""
    note: str = ""


def pesel(born_on: str, serial: int) -> str:
    """A PESEL of somebody born on a day (1900-2099), with its check digit."""
    year, month, day = (int(part) for part in born_on.split("-"))
    digits = f"{year % 100:02d}{month + (20 if year >= 2000 else 0):02d}{day:02d}{serial:04d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), strict=True))
    return digits + str(-total % 10)


def resident(key: str, given: str, family: str, born_on: str, nin: str, note: str = "", **more: Any) -> Person:
    claims: dict[str, Any] = {"birthdate": born_on, "email": "rodzina@poczta.example"}
    if nin:
        claims |= {"nin": nin, "nin_type": "PERSON", "nin_issuing_country": more.pop("country", "PL")}
    claims |= more.pop("claims", {})
    return Person(key, BANK, given, family, claims, acr=more.pop("acr", "urn:bank:loa:substantial"), note=note, **more)


PEOPLE = (
    resident("jan", "Jan", "Testowy", "1987-02-22", pesel("1987-02-22", 1231)),
    resident(
        "maria",
        "Maria Anna",
        "Wysoka-Żółć",
        "1975-11-03",
        pesel("1975-11-03", 4442),
        acr="urn:bank:loa:high",
        amr=MFA,
    ),
    resident("adam", "Adam", "Niski", "2001-05-30", pesel("2001-05-30", 7113), "słaby środek", acr="urn:bank:loa:low"),
    resident("ewa", "Ewa", "Bezpeselowa", "1990-01-01", "", "bez numeru PESEL"),
    resident("hans", "Hans", "Müller", "1969-07-20", "69072012345", "numer innego państwa", country="DE"),
    resident(
        "piotr", "Piotr", "Niezgodny", "1980-03-04", pesel("1980-04-03", 5555), "PESEL niezgodny z datą urodzenia"
    ),
    resident("ola", "Aleksandra", "Omylna", "1999-12-31", "99123112345", "PESEL z błędną cyfrą kontrolną"),
    resident(
        "prezes",
        "Paweł",
        "Prezes",
        "1970-06-15",
        pesel("1970-06-15", 3331),
        "w imieniu firmy",
        claims={"nip": "5260250274"},
    ),
    Person("ksiegowa", OFFICE, "Katarzyna", "Księgowa", {"groups": ["skarbnik", "podatki"]}, MFA),
    Person("referent", OFFICE, "Tomasz", "Referent", {"groups": ["skarbnik"]}),
    Person("stazysta", OFFICE, "Stanisław", "Stażysta", {"groups": []}, MFA, note="bez grupy skarbnik"),
    Person(
        "gosc",
        OFFICE,
        "Grażyna",
        "Gość",
        {"tid": "00000000-0000-4000-8000-000000000001"},
        MFA,
        note="z innego katalogu",
    ),
)


def read_people(path: Path | None) -> tuple[Person, ...]:
    """The people above, after those of a JSON file: a list of objects with the names of the fields."""
    if path is None:
        return PEOPLE
    told = json.loads(path.read_text(encoding="utf-8"))
    return (*(Person(**{**each, "amr": tuple(each.get("amr", ("pwd",)))}) for each in told), *PEOPLE)
