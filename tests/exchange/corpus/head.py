"""Encodings, characters, and what a file says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from tests.exchange.corpus.good import (
    CODE,
    GOOD,
    Broken,
    Place,
    broken,
    line,
    one,
    row,
    swap,
)


def encodings() -> Iterator[Broken]:
    def whole(name: str, body: bytes, code: str = "encoding") -> Broken:
        return broken(name, "encoding", name, [(code, None)], body)

    undeclared = swap(GOOD, (' encoding="UTF-8"', ""))
    yield whole("UTF-16", undeclared.encode("utf-16"))
    yield whole("UTF-16 without a mark", undeclared.encode("utf-16-le"))
    yield whole("UTF-16, big end first", undeclared.encode("utf-16-be"))
    yield whole("UTF-32", undeclared.encode("utf-32"))
    for encoding in ("ISO-8859-2", "windows-1250"):
        declared = swap(GOOD, ("UTF-8", encoding)).replace("²", "2")
        yield whole(f"{encoding}, as it says", declared.encode(encoding))
        yield whole(f"UTF-8 that says it is {encoding}", declared.encode())
        at = line("Podatek od nieruchomości")
        body = GOOD.replace("²", "2").encode(encoding)
        yield broken(f"{encoding} that says it is UTF-8", "encoding", encoding, [("encoding", at)], body)
    yield whole("XML 1.1", swap(GOOD, ('version="1.0"', 'version="1.1"')).encode(), "not_ours")


def characters() -> Iterator[Broken]:
    raw = {
        "a NUL": b"\0", "a surrogate": b"\xed\xa0\x80", "an overlong slash": b"\xc0\xaf", "half a letter": b"\xc5",
        "a byte that is none": b"\xff", "beyond Unicode": b"\xf5\x80\x80\x80", "a bell": b"\x07",
    }  # fmt: skip
    at = line("Tartak Żabno")
    for name, piece in raw.items():
        body = GOOD.encode().replace("Tartak Żabno".encode(), b"Tartak " + piece + b" Syn")
        yield broken(f"{name} in a name", "encoding", repr(piece), [("encoding", at)], body)
    for name, piece in (("NUL", "&#0;"), ("surrogate", "&#xD800;"), ("control character", "&#x1F;")):
        yield one("encoding", f"a {name} by its number", "encoding", "Tartak Żabno", f"Tartak{piece}")
    for name, piece in (
        ("a line break", "&#10;"), ("a next-line control", "\x85"), ("a right-to-left override", "\u202e"),
        ("an isolate", "\u2066"), ("a byte order mark", "\ufeff"), ("a paragraph separator", "\u2029"),
    ):  # fmt: skip
        yield one("encoding", f"{name} in a name", "text", "Tartak Żabno", f"Tartak{piece}Syn")


# --- what the manifest says


def totals() -> Iterator[Broken]:
    for name, value in re.findall(r'([\w-]+)="([\d.]+)"', row("<totals ")):
        step = "0.01" if "." in value else "1"
        wrong = Decimal(value) + Decimal(step)
        text = re.sub(rf'(<totals [^>]*\b(?<!-){name}=)"{re.escape(value)}"', rf'\1"{wrong}"', GOOD)
        assert text != GOOD, name
        yield broken(f"totals: {name}", "totals", f"{name} is {step} too much", [("totals", None)], text)
    several = swap(GOOD, ('payers="4"', 'payers="3"'), ('principal="390.50"', 'principal="-390.50"'))
    yield broken("totals: two of them", "totals", "payers and principal", [("totals", None)] * 2, several)


def sequence() -> Iterator[Broken]:
    head = 'number="2" kind="full"'

    def numbered(name: str, places: list[Place], *changes: tuple[str, str], **more: bool) -> Broken:
        return broken(name, "sequence", "; ".join(new for _, new in changes), places, swap(GOOD, *changes), **more)

    yield numbered("the very same file again", [("old-number", None)], (head, 'number="1" kind="full"'))
    yield numbered(
        "the same number with other bytes", [("old-number", None)],
        (head, 'number="1" kind="full"'), ("Tartak Żabno", "Tartak"),
    )  # fmt: skip
    gap = (head, 'number="4" kind="incremental"')
    yield numbered("an incremental file after a gap", [("missing-number", None)], gap)
    first = (head, 'number="1" kind="incremental"')
    yield numbered("a first file that is not full", [("first-not-full", None)], first, fresh=True)
    at = line("<manifest ")
    for number in ("0", "-2", "1.5", "2147483648", "99999999999999999999"):
        wrong = (head, f'number="{number}" kind="full"')
        yield numbered(f"number {number}", [("number", at)], wrong)
    yield numbered("another gmina", [("other_tenant", at)], (f'tenant="{CODE}"', 'tenant="PL-DEBINA"'))
    as_of = 'as-of="2026-11-23T02:00:00+01:00"'
    earlier = (as_of, 'as-of="2026-11-23T01:59:59+01:00"')
    yield numbered("an earlier state than before", [("earlier-moment", None)], earlier)
    yield numbered("a state of the future", [("future-moment", None)], (as_of, 'as-of="2199-12-31T23:00:00Z"'))
