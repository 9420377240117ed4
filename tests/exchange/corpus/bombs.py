"""Files made to hurt, and files in which much is wrong at once."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from tests.exchange.corpus.good import (
    GOOD,
    LAST,
    MEGABYTE,
    Broken,
    Place,
    Portal,
    behind,
    broken,
    good,
    line,
    row,
    swap,
)


def bombs() -> Iterator[Broken]:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for name, dtd in (
        ("billion laughs", f'[<!ENTITY l0 "ha">{laughs}]'),
        ("a quadratic blow-up", f'[<!ENTITY q "{"q" * 50_000}">]'),
        ("an external entity", '[<!ENTITY x SYSTEM "file:///etc/passwd">]'),
        ("an external document type", 'SYSTEM "http://127.0.0.1:9/export.dtd"'),
        ("a parameter entity", '[<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]'),
        ("an attribute by default", '[<!ATTLIST payer closed CDATA "true">]'),
    ):
        text = GOOD.replace("<export ", f"<!DOCTYPE export {dtd}>\n<export ").replace("Tartak Żabno", "&l9;&q;&x;" * 50)
        yield broken(name, "bombs", dtd[:70], [("dtd", None)], text)
    yield broken("gzip", "bombs", "compressed", [("encoding", None)], gzip.compress(good(), mtime=0))
    for name, code, at, old, piece, times in (
        ("deep nesting", "not_well_formed", 1, "<kinds>\n", "<a>", 300_000),
        ("a huge attribute", "too_large", None, "Tartak Żabno", "ż", 10 * MEGABYTE),
        ("a huge comment", "too_large", None, "<payers>\n", "<!-- x -->", 2 * MEGABYTE),
        ("a huge white space", "too_large", None, "<payers>\n", " \n", 10 * MEGABYTE),
        ("unknown elements without end", "too_large", None, "<payers>\n", "<a/>", 5 * MEGABYTE),
        ("attributes of a row without end", "too_large", None, '<payer id="P-2"', ' a{}=""', 300_000),
        ("namespaces without end", "too_large", None, '<payer id="P-2"', ' xmlns:n{0}="u{0}"', 150_000),
        ("a name without end", "not_well_formed", 0, '<payer id="P-2"', "<aaaaaaaaaa", 1),
        ("instalments without end", "too_large", None, row(LAST), row(LAST), 200_000),
    ):
        yield huge(name, code, line(old.strip()) + at if at is not None else None, old, piece, times)


def huge(name: str, code: str, at: int | None, old: str, piece: str, times: int) -> Broken:
    """A good file with something repeated behind a place. Made when it is asked for, so a list of bombs is small."""

    def make(_portal: Portal) -> bytes:
        numbered = "{" in piece
        pieces = "".join(map(piece.format, range(times))) if numbered else piece * times
        return swap(GOOD, (old, old + pieces)).encode()

    return Broken(name, "bombs", f"{piece.strip()[:40]!r}, {times} times", ((code, at),), make)


def many() -> Iterator[Broken]:
    values = (
        ('pesel="44051401359"', 'pesel="44051401358"', "pesel"),
        ('name="Kowalski Jan"', 'name=""', "text"),
        ('nip="9990000014"', 'nip="9990000015"', "nip"),
        ('until="2026-12-31"', 'until="2025-12-31"', "period"),
        ('due="2026-09-15" charged="120.50"', 'due="2026-02-30" charged="120.50"', "day"),
        ('charged="140.00"', 'charged="140,00"', "amount"),
        ('kind="payment"', 'kind="wplata"', "choice"),
        ('role="user" part="1"', 'role="user" part="2"', "share"),
        ('arose="2026-06-01"', 'arose="2026-06-31"', "day"),
    )
    places: list[Place] = [(code, line(old)) for old, _, code in values]
    yield counted_values("values wrong in nine rows", places, [(old, new) for old, new, _ in values])
    refers = (
        ('merged-into="P-1"', 'merged-into="P-77"', "unknown-merged"),
        ('payer="P-2" role', 'payer="P-78" role', "unknown-payer"),
        ('id="O-2" instalment="I-1"', 'id="O-2" instalment="I-77"', "unknown-instalment"),
        ('parent="R-1"', 'parent="R-77"', "unknown-parent"),
        ('id="R-3" kind="PODN"', 'id="R-3" kind="NIEMA"', "unknown-kind"),
        ('"NP-1" payer="P-2"', '"NP-1" payer="P-79"', "overpayment-payer"),
        ('principal="390.50"', 'principal="1.00"', "totals"),
    )
    places = [("totals", None), *((code, line(old)) for old, _, code in refers if code != "totals")]
    changes = [(old, new) for old, new, _ in refers]
    yield counted_values("references wrong in six rows, and a total", places, changes)
    shifted = row('<payer id="P-2"').replace("person", "Kowalski")
    at = line('<payer id="P-2"')
    text = swap(GOOD, behind('<payer id="P-2"', shifted * 20_000))
    places = [("choice", at + 1 + number) for number in range(1000)]
    yield broken("a column shifted in 20,000 rows", "many at once", "kind holds a name", places, text)
    at = line('<receivable id="R-1"')
    how = "R&#9;1 in a file of 9 MB"
    yield Broken("an identifier with a tabulator in a long file", "many at once", how, (("identifier", at),), long_file)


def long_file(_portal: Portal) -> bytes:
    """Rows of it are on their way to the database when its end is read: more than wait in memory."""
    first = '<receivable id="R-1"'
    filler = '<receivable id="X-{}" kind="PODN" title="Podatek" basis="' + "g" * 450 + '" closed="true"/>\n'
    rows = "".join(map(filler.format, range(18_000)))
    return swap(GOOD, (first, '<receivable id="R&#9;1"'), ("</receivables>", rows + "</receivables>")).encode()


def counted_values(name: str, places: list[Place], changes: list[tuple[str, str]]) -> Broken:
    return broken(name, "many at once", f"{len(changes)} changes", places, swap(GOOD, *changes))
