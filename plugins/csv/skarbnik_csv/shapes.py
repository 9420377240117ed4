"""The two sorts of files: what each says of itself, and the columns of its table. `#` begins what a file says."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from skarbnik.plugin_api import FileKind, LiabilityRole, PayerKind, Regime
from skarbnik_csv import values
from skarbnik_csv.values import Value

LONGEST_RECEIVABLE = 54  # "/" and the number of an instalment follow it, and an identifier has 64


class Field(NamedTuple):
    """A line of the description or a column of the table, under the name a clerk sees."""

    name: str
    value: Value
    there: bool = True  # the column must be there
    filled: bool = True  # its cells must not be empty


class Shape(NamedTuple):
    """A sort of file."""

    word: str  # behind #plik
    kind: FileKind
    said: tuple[Field, ...]
    columns: tuple[Field, ...]


def optional(name: str, value: Value) -> Field:
    return Field(name, value, there=False, filled=False)


def fold(name: str) -> str:
    """`Kod_pocztowy`, `kod pocztowy` and `KOD POCZTOWY` are one name; Polish letters may lack their tails."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("ł", "l"))
    return re.sub(r"[^0-9a-z]+", "", "".join(letter for letter in plain if not unicodedata.combining(letter)))


PAYER = (
    Field("kontrahent", values.identifier(64)),
    Field("osoba czy firma", values.choice({"osoba": PayerKind.PERSON, "firma": PayerKind.COMPANY})),
    Field("nazwa", values.text(200)),
    optional("PESEL", values.PESEL),
    optional("NIP", values.NIP),
    optional("REGON", values.REGON),
    optional("ulica", values.text(120)),
    optional("kod pocztowy", values.POSTAL),
    optional("miejscowość", values.text(80)),
    optional("e-mail", values.EMAIL),
    optional("telefon", values.PHONE),
)
KIND = (
    Field("kod rodzaju", values.identifier(32)),
    Field("rodzaj należności", values.text(120)),
    Field(
        "rodzaj odsetek",
        values.choice({"podatkowe": Regime.TAX, "cywilne": Regime.CIVIL, "brak": Regime.NONE}),
    ),
    optional("rachunek", values.NRB),
)
RECEIVABLE = (
    Field("należność", values.identifier(LONGEST_RECEIVABLE)),
    Field("tytuł", values.text(200)),
    optional("numer decyzji", values.text(80)),
    optional("okres od", values.DAY),
    optional("okres do", values.DAY),
    optional("rachunek indywidualny", values.NRB),
    optional("kod płatności", values.PAYMENT_CODE),
)
ROLE = optional(
    "rola",
    values.choice(
        {
            "właściciel": LiabilityRole.OWNER,
            "współwłaściciel": LiabilityRole.CO_OWNER,
            "użytkownik": LiabilityRole.USER,
            "poręczyciel": LiabilityRole.GUARANTOR,
        }
    ),
)
INSTALMENT = (
    Field("rata", values.NUMBER),
    Field("termin", values.DAY),
    Field("przypisano", values.AMOUNT_LEFT),
    Field("należność główna", values.AMOUNT_LEFT),
    optional("odsetki", values.AMOUNT_LEFT),
    optional("koszty", values.AMOUNT_LEFT),
)
TENANT = Field("gmina", values.identifier(32))

RECEIVABLES = Shape(
    "należności",
    FileKind.IMPORT,
    (
        TENANT,
        Field("numer", values.NUMBER),
        Field("stan na", values.MOMENT_VALUE),
        Field("paczki", values.COUNT),
        Field("wiersze", values.COUNT),
        Field("należność główna", values.SUM),
        optional("odsetki", values.SUM),
        optional("koszty", values.SUM),
    ),
    (*PAYER, *KIND, *RECEIVABLE, ROLE, *INSTALMENT),
)

WHATEVER = values.text(500)
PAYMENTS = Shape(
    "wpłaty",
    FileKind.ACKNOWLEDGEMENT,
    (
        TENANT,
        Field("paczka", values.NUMBER),
        Field("pozycje", values.COUNT),
        Field("razem", values.SUM),
        optional("utworzono", values.MOMENT_VALUE),
    ),
    (
        Field("id księgowania", values.BOOKING),
        *(optional(name, WHATEVER) for name in ("należność", "rata", "kontrahent")),
        *(optional(name, WHATEVER) for name in ("należność główna", "odsetki", "koszty")),
        Field("razem", values.SUM),
        *(optional(name, WHATEVER) for name in ("rachunek", "zapłacono", "bramka", "numer w bramce", "zlecenie")),
        Field("kontrola", values.text(8)),
        Field("numer dowodu", values.text(64), filled=False),
        Field("data księgowania", values.DAY, filled=False),
        Field("odmowa", values.text(200), filled=False),
    ),
)
SHAPES = (RECEIVABLES, PAYMENTS)
