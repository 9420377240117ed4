"""People to be. None of them lives; their numbers are made here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Person:
    key: str
    given_name: str
    family_name: str
    born_on: str  # RRRR-MM-DD
    identifier: str  # empty: none is told
    level: str
    means: str = "pz.gov.pl"
    note: str = ""


def pesel(born_on: str, serial: int) -> str:
    """A PESEL of somebody born on a day (1900-2099), with its check digit."""
    year, month, day = (int(part) for part in born_on.split("-"))
    digits = f"{year % 100:02d}{month + (20 if year >= 2000 else 0):02d}{day:02d}{serial:04d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), strict=True))
    return digits + str(-total % 10)


PEOPLE = (
    Person("jan", "Jan", "Testowy", "1987-02-22", pesel("1987-02-22", 1231), "substantial"),
    Person("maria", "Maria Anna", "Wysoka-Żółć", "1975-11-03", pesel("1975-11-03", 4442), "high", "edowod.gov.pl"),
    Person("adam", "Adam", "Niski", "2001-05-30", pesel("2001-05-30", 7113), "low", "bank.example"),
    Person("ewa", "Ewa", "Bezpeselowa", "1990-01-01", "", "substantial"),
    Person(
        "hans",
        "Hans",
        "Müller",
        "1969-07-20",
        "DE/PL/0123456789abcdef",
        "substantial",
        "eidas.example",
        "z innego państwa Unii",
    ),
    Person(
        "piotr",
        "Piotr",
        "Niezgodny",
        "1980-03-04",
        pesel("1980-04-03", 5555),
        "substantial",
        note="PESEL nie zgadza się z datą urodzenia",
    ),
    Person("ola", "Aleksandra", "Omylna", "1999-12-31", "99123112345", "high", note="PESEL z błędną cyfrą kontrolną"),
)


def read_people(path: Path | None) -> tuple[Person, ...]:
    """The people above, after those of a JSON file: a list of objects with the names of the fields."""
    if path is None:
        return PEOPLE
    return (*(Person(**each) for each in json.loads(path.read_text(encoding="utf-8"))), *PEOPLE)
