"""Values that cannot be right."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.exchange.corpus.good import (
    GOOD,
    Broken,
    broken,
    line,
    one,
    row,
    swap,
)


def sizes() -> Iterator[Broken]:
    for name, code, old, new in (
        ("a name of 201 letters", "text", "Tartak Żabno", "ż" * 201),
        ("a title of 121 letters", "text", "Koszty upomnienia\" regime", "k" * 121 + '" regime'),
        ("a basis of 501 letters", "text", "grunty 1200 m²", "g" * 501),
        ("a document of 65 letters", "text", "WB 181/2026", "W" * 65),
        ("a program of 81 letters", "text", "PUMA 7.2", "P" * 81),
        ("an identifier of 65 letters", "identifier", 'id="P-2"', f'id="{"P" * 65}"'),
        ("a code of 33 letters", "identifier", 'code="UPOMN"', f'code="{"U" * 33}"'),
        ("an e-mail of 121 letters", "email", "anna@example.org", "a" * 109 + "@example.org"),
        ("a telephone of 40 digits", "phone", "+48 600 100 200", "4" * 40),
        ("twelve digits of złote", "amount", 'charged="140.00"', 'charged="123456789012.00"'),
        ("twelve digits of an operation", "amount", 'principal="260.50"', 'principal="-123456789012.00"'),
        ("sixteen digits of a sum", "amount", 'principal="390.50"', 'principal="1234567890123456.00"'),
        ("a count of ten digits", "number", 'payers="4"', 'payers="4000000000"'),
        ("a number of 32 bits", "number", 'id="I-2" number="2"', 'id="I-2" number="2147483648"'),
        ("a number of 64 bits", "number", 'id="I-2" number="2"', 'id="I-2" number="9223372036854775808"'),
        ("a share of 32 bits", "number", 'role="user" part="1" whole="1"', 'role="user" part="1" whole="4294967296"'),
        ("a share over one", "share", 'role="user" part="1" whole="1"', 'role="user" part="2" whole="1"'),
        ("a share of nothing", "number", 'role="user" part="1" whole="1"', 'role="user" part="1" whole="0"'),
        ("no share", "number", 'role="user" part="1" whole="1"', 'role="user" part="0" whole="1"'),
    ):  # fmt: skip
        yield one("sizes", name, code, old, new)
    late = swap(GOOD, ("<manifest ", f"<!--{'m' * 70_000}-->\n<manifest "))
    yield broken("a manifest behind 64 KB", "sizes", "a long comment first", [("manifest", line("<export "))], late)


def days() -> Iterator[Broken]:
    for day in (
        "2026-02-30", "2025-02-29", "2026-13-01", "2026-00-10", "2026-11-00", "0000-01-01", "1899-12-31", "2200-01-01",
        "31.12.2026", "2026/12/31", "20261231", "2026-1-1", "2026-11-15T00:00:00", "jutro", "",
    ):  # fmt: skip
        yield one("dates", f"due on {day or 'nothing'}", "day", 'due="2026-11-15"', f'due="{day}"')
    for moment in (
        "2026-11-23T02:00:00", "2026-11-23", "2026-11-31T02:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T02:60:00Z",
        "2026-11-23T02:00:00+25:00", "2026-11-23 02:00:00Z", "1764000000",
    ):  # fmt: skip
        yield one("dates", f"as of {moment}", "moment", 'as-of="2026-11-23T02:00:00+01:00"', f'as-of="{moment}"')
    yield one("dates", "a period that ends before it begins", "period", 'until="2026-12-31"', 'until="2025-12-31"')
    yield one("dates", "an owner who left before he came", "period", 'until="2030-12-31"', 'until="2019-04-30"')


def amounts() -> Iterator[Broken]:
    for wrong in (
        "1e2", "1.2E2", "140,00", "140.000", "140.0", "140", ".50", "140.", "1 400.00", "1.400.00", "NaN", "Infinity",
        "-0.00", "-140.00", "+140.00", "0x8C.00", "١٤٠.00", "140.00 zł", "",
    ):  # fmt: skip
        name = f"charged {wrong or 'nothing'}"
        yield one("amounts", name, "amount", 'charged="140.00"', f'charged="{wrong}"')
    for part in ("principal", "interest", "costs"):
        old = row('<instalment id="I-3"')
        new = re.sub(rf'{part}="[\d.]+"', f'{part}="-0.01"', old)
        yield one("amounts", f"less than no {part} left", "amount", old, new)
    for wrong in ("1e2", "+260.50", "260,50", "NaN", "--1.00"):
        yield one("amounts", f"an operation of {wrong}", "amount", 'principal="260.50"', f'principal="{wrong}"')
    for wrong in ("0.00", "-12.00"):
        yield one("amounts", f"an overpayment of {wrong}", "amount", '"R-1" amount="12.00"', f'"R-1" amount="{wrong}"')


def check_digits() -> Iterator[Broken]:
    pesel, nip, regon = 'pesel="44051401359"', 'nip="9990000014"', 'regon="123456785"'
    account = 'regime="tax" account="61109010140000071219812874"'
    for code, name, old, wrong in (
        ("pesel", "a wrong last digit", pesel, "44051401358"), ("pesel", "two digits exchanged", pesel, "44051410359"),
        ("pesel", "a day that is none", pesel, "44133101350"), ("pesel", "ten digits", pesel, "4405140135"),
        ("pesel", "only zeros", pesel, "00000000000"), ("nip", "a wrong last digit", nip, "9990000015"),
        ("nip", "dashes", nip, "999-000-00-14"), ("nip", "a country", nip, "PL9990000014"),
        ("regon", "a wrong ninth digit", regon, "123456786"), ("regon", "ten digits", regon, "1234567850"),
        ("regon", "a wrong fourteenth digit", regon, "12345678512348"),
        ("regon", "fourteen digits on a wrong nine", regon, "12345678612342"),
        ("account", "a wrong check digit", account, "62109010140000071219812874"),
        ("account", "two digits exchanged", account, "61109010140000071219812847"),
        ("account", "a country", account, "PL61109010140000071219812874"),
        ("account", "spaces", account, "61 1090 1014 0000 0712 1981 2874"),
        ("account", "25 digits", account, "6110901014000007121981287"),
    ):  # fmt: skip
        new = re.sub(r'"[^"]*"$', f'"{wrong}"', old)
        yield one("check digits", f"{code}: {name}", code, old, new)
    own = '2026" account="61109010140000071219812874"'
    yield one("check digits", "account: of a receivable", "account", own, own.replace("874", "875"))
