"""Files that are no export: cut, not XML, wrong words, wrong sections."""

from __future__ import annotations

from collections.abc import Iterator

from tests.exchange.corpus.good import (
    EXPORT,
    GOOD,
    Broken,
    Place,
    broken,
    line,
    one,
    row,
    section,
    swap,
)


def cut_files() -> Iterator[Broken]:
    places = {
        "in the manifest": "<totals ",
        "behind the manifest": "<kinds>",
        "in an attribute": "Kowalski Jan",
        "behind an equals sign": '"P-3" kind="company"',
        "between two rows": '<payer id="P-9"',
        "in a receivable": '<instalment id="I-2"',
        "between two receivables": '<receivable id="R-2"',
        "before overpayments": "<overpayments>",
        "in a closing tag": "erpayments>\n</export>",
        "before its last tag": "</export>",
        "in its last tag": "xport>\n",
    }
    for name, at in places.items():
        end = GOOD.rindex(at) if at == "xport>\n" else GOOD.index(at)
        how = f"ends before {at[:30]!r}"
        yield broken(f"cut {name}", "structure", how, [("truncated", GOOD[:end].count("\n") + 1)], GOOD[:end])
    yield broken("cut in its first line", "structure", "ends in the declaration", [("not_ours", None)], GOOD[:25])
    yield broken("cut in its root", "structure", "ends in <export", [("truncated", 2)], GOOD[: GOOD.index(" xmlns")])


def other_things() -> Iterator[Broken]:
    for name, body, code in (
        ("an empty file", b"", "empty"),
        ("a file of spaces", b" \r\n" * 50, "empty"),
        ("a CSV file", "id;nazwa\r\nP-1;Kowalska Żaneta\r\n".encode("cp1250"), "not_ours"),
        ("a JSON file", b'{"export": []}', "not_ours"),
        ("a zipped spreadsheet", b"PK\x03\x04\x14\x00" + bytes(200), "encoding"),
        ("a web page", b"<!doctype html><html><body>502 Bad Gateway</body></html>", "dtd"),
    ):
        yield broken(name, "structure", "is something else", [(code, None)], body)
    yield broken("a page without a doctype", "structure", "is XHTML", [("not_ours", 1)], b"<html><body/></html>")
    bookings = '<bookings xmlns="urn:skarbnik:exchange:bookings:1" number="1"/>'
    yield broken("a batch of our own", "structure", "is <bookings>", [("not_ours", 1)], bookings)


def not_well_formed() -> Iterator[Broken]:
    for name, old, new in (
        ("a tag that is not closed", 'name="Kowalski Jan"/>', 'name="Kowalski Jan">'),
        ("an attribute without quotes", 'number="FN.3120.1.2026"', "number=FN"),
        ("an attribute twice", 'name="Kowalski Jan"', 'name="Kowalski Jan" name="Inny"'),
        ("a bare ampersand", "Tartak Żabno", "Tartak & Syn"),
        ("a bare less-than", "Tartak Żabno", "Tartak < Syn"),
        ("an entity nobody declared", "Tartak Żabno", "Tartak&nbsp;Syn"),
        ("a comment within a tag", 'name="Kowalski Jan"', "<!-- Jan -->"),
    ):
        at = "</payers>" if name == "a tag that is not closed" else None
        yield one("structure", name, "not_well_formed", old, new, at=at)
    after = GOOD + GOOD.partition("\n")[2]
    at = GOOD.count("\n") + 1
    yield broken("two files in one", "structure", "<export> behind the end", [("after_end", at)], after)
    places: list[Place] = [
        (code, line('id="P-2"')) for code in ("unknown_attribute", "missing_attribute", "not_well_formed")
    ]
    prefixed = swap(GOOD, ('name="Kowalski Jan"', 'x:name="Kowalski Jan"'))
    yield broken("a prefix nobody declared", "structure", "x:name", places, prefixed)


def wrong_words() -> Iterator[Broken]:
    """Elements and attributes that are none of the format, or stand in the wrong place."""
    jan, second, third = '<payer id="P-2"', '<instalment id="I-2"', '<instalment id="I-3"'
    company = '<liability payer="P-3"'
    for name, code, old, new in (
        ("another version", "not_ours", EXPORT, EXPORT[:-1] + "2"),
        ("no namespace", "not_ours", f' xmlns="{EXPORT}"', ""),
        ("an attribute of the root", "unknown_attribute", "<export ", '<export version="1" '),
        ("a schema location", "unknown_attribute", "<export ", '<export xmlns:x="urn:x" x:schemaLocation="a b" '),
        ("an unknown attribute", "unknown_attribute", jan, '<payer wiek="44" id="P-2"'),
        ("an unknown element among payers", "unknown_element", jan, f"<osoba/>{jan}"),
        ("an unknown element in a receivable", "unknown_element", second, f"<rata/>{second}"),
        ("an instalment of no namespace", "unknown_element", '<instalment id="I-2"', '<instalment xmlns="" id="I-2"'),
        ("text in the manifest", "unexpected_content", "<totals ", "suma <totals "),
        ("text between payers", "unexpected_content", jan, f"i {jan}"),
        ("text in a receivable", "unexpected_content", '<liability payer="P-3"', 'kto: <liability payer="P-3"'),
        ("text in a row", "unexpected_content", 'name="Kowalski Jan"/>', 'name="Kowalski Jan">tak</payer>'),
        ("a CDATA section", "unexpected_content", jan, f"<![CDATA[x]]>{jan}"),
        ("a payer within a payer", "misplaced", 'name="Kowalski Jan"/>', 'name="a"><payer id="P-4"/></payer>'),
        ("a payer among kinds", "misplaced", '<kind code="UPOMN"', '<payer id="P-4"/><kind code="UPOMN"'),
        ("a receivable within a receivable", "misplaced", company, f"<receivable/>{company}"),
        ("operations before instalments", "order", third, row('<operation id="O-5"').strip() + third),
        ("no due day", "missing_attribute", ' due="2026-10-14"', ""),
        ("no format", "missing_attribute", ' format="1"', ""),
        ("another format", "choice", 'format="1"', 'format="2"'),
        ("another kind of file", "choice", 'kind="full"', 'kind="partial"'),
        ("another kind of payer", "choice", 'kind="company"', 'kind="firma"'),
        ("another kind of operation", "choice", 'kind="payment"', 'kind="wplata"'),
        ("another role", "choice", 'role="user"', 'role="heir"'),
        ("another flag", "choice", 'arose="2026-06-01"', 'arose="2026-06-01" closed="tak"'),
        ("an empty attribute", "text", 'name="Kowalski Jan"', 'name=""'),
        ("an identifier with a space", "identifier", 'id="P-2"', 'id="P 2"'),
        ("an identifier with a tabulator", "identifier", '<receivable id="R-3"', '<receivable id="R&#9;3"'),
    ):  # fmt: skip
        at = {  # text belongs to what it stands behind
            "text in the manifest": "<manifest ",
            "text between payers": '<payer id="P-1"',
            "a CDATA section": '<payer id="P-1"',
            "text in a receivable": '<receivable id="R-3"',
        }.get(name)
        yield one("structure", name, code, old, new, at=at)


def wrong_sections() -> Iterator[Broken]:
    kinds, payers, over = section("kinds"), section("payers"), section("overpayments")
    manifest = GOOD[GOOD.index("<manifest ") : GOOD.index("<kinds>")]
    for name, code, at, text in (
        ("payers before kinds", "sections", "<payers>", swap(GOOD, (payers, ""), (kinds, payers + kinds))),
        ("no kinds", "sections", "<payers>", swap(GOOD, (kinds, ""))),
        ("no overpayments", "sections", "<export ", swap(GOOD, (over, ""))),
        ("payers twice", "sections", f"{line('<receivables>')}", swap(GOOD, (payers, payers + payers))),
        ("an unknown section", "sections", "<debts/>", swap(GOOD, (payers, f"<debts/>\n{payers}"))),
        ("an unknown section at the end", "sections", "<debts/>", swap(GOOD, (over, f"{over}<debts/>\n"))),
        ("two manifests", "sections", f"{line('<kinds>')}", swap(GOOD, (manifest, manifest + manifest))),
        ("no manifest", "manifest", "<export ", swap(GOOD, (manifest, ""))),
        ("a manifest at the end", "manifest", "<export ", swap(GOOD, (manifest, ""), (over, over + manifest))),
        ("no totals", "totals", "<manifest ", swap(GOOD, (row("<totals "), ""))),
        ("totals twice", "totals", "<manifest ", swap(GOOD, (row("<totals "), row("<totals ") * 2))),
    ):
        yield broken(name, "structure", name, [(code, line(at, text) if at[0] == "<" else int(at))], text)
