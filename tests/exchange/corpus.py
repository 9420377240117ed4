"""Broken files of a finance system: each way to be wrong once, made from one good file whenever they are needed.

`python -m tests.exchange.corpus` lists them; with a name behind it, writes that one to the standard output.
"""

from __future__ import annotations

import gzip
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

CODE = "PL-LIPOWO"
EXPORT = "urn:skarbnik:exchange:export:1"
MEGABYTE = 1024 * 1024

GOOD = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<export xmlns="{EXPORT}">
<manifest number="2" kind="full" tenant="{CODE}" as-of="2026-11-23T02:00:00+01:00" created="2026-11-23T02:04:11+01:00" system="PUMA 7.2" format="1">
<totals payers="4" kinds="2" receivables="3" liabilities="4" instalments="5" operations="5" overpayments="1" principal="390.50" interest="3.00" costs="16.00" operations-amount="256.50" overpayments-amount="12.00"/>
</manifest>
<kinds>
<kind code="PODN" title="Podatek od nieruchomości" regime="tax" account="61109010140000071219812874"/>
<kind code="UPOMN" title="Koszty upomnienia" regime="none"/>
</kinds>
<payers>
<payer id="P-1" kind="person" name="Kowalska Anna" pesel="44051401359" street="Lipowa 7/2" postal-code="11-100" city="Lipowo" email="anna@example.org" phone="+48 600 100 200"/>
<payer id="P-2" kind="person" name="Kowalski Jan"/>
<payer id="P-3" kind="company" name="Tartak Żabno" nip="9990000014" regon="123456785"/>
<payer id="P-9" kind="person" name="Kowalska A." merged-into="P-1"/>
</payers>
<receivables>
<receivable id="R-1" kind="PODN" title="Podatek 2026" number="FN.3120.1.2026" from="2026-01-01" until="2026-12-31" basis="grunty 1200 m²">
<liability payer="P-1" role="co_owner" part="1" whole="2" from="2019-05-01" until="2030-12-31"/>
<liability payer="P-2" role="co_owner" part="1" whole="2"/>
<instalment id="I-1" number="1" due="2026-09-15" charged="120.50" principal="120.50" interest="3.00" costs="0.00"/>
<instalment id="I-2" number="2" due="2026-11-15" charged="140.00" principal="120.00" interest="0.00" costs="0.00"/>
<operation id="O-1" kind="charge" booked="2026-02-02" happened="2026-02-02" document="PK 12/2026" principal="260.50" interest="0.00" costs="0.00"/>
<operation id="O-2" instalment="I-1" kind="payment" booked="2026-09-16" happened="2026-09-15" document="WB 181/2026" principal="-20.00" interest="0.00" costs="0.00"/>
<operation id="O-3" instalment="I-1" kind="rebooking" booked="2026-09-20" happened="2026-09-20" document="PK 90/2026" principal="20.00" interest="0.00" costs="0.00" counterpart="O-4"/>
<operation id="O-4" instalment="I-2" kind="rebooking" booked="2026-09-20" happened="2026-09-20" document="PK 90/2026" principal="-20.00" interest="0.00" costs="0.00" counterpart="O-3"/>
</receivable>
<receivable id="R-2" kind="UPOMN" parent="R-1" title="Koszty upomnienia">
<liability payer="P-1" role="owner" part="1" whole="1"/>
<instalment id="I-3" number="1" due="2026-10-14" charged="0.00" principal="0.00" interest="0.00" costs="16.00"/>
<operation id="O-5" instalment="I-3" kind="charge" booked="2026-10-07" happened="2026-10-07" document="UP 33/2026" principal="0.00" interest="0.00" costs="16.00"/>
</receivable>
<receivable id="R-3" kind="PODN" title="Podatek spółki 2026" account="61109010140000071219812874">
<liability payer="P-3" role="user" part="1" whole="1"/>
<instalment id="I-4" number="1" due="2026-09-15" charged="100.00" principal="100.00" interest="0.00" costs="0.00"/>
<instalment id="I-5" number="2" due="2026-12-15" charged="50.00" principal="50.00" interest="0.00" costs="0.00"/>
</receivable>
</receivables>
<overpayments>
<overpayment id="NP-1" payer="P-2" receivable="R-1" amount="12.00" arose="2026-06-01"/>
</overpayments>
</export>
"""  # noqa: E501  # one element a line: problems are told by lines


@dataclass(frozen=True)
class Portal:
    """What a portal that read the good file has: two bookings, of I-4 and I-5, in a batch the finance system got."""

    bookings: tuple[str, str] = ("0192b000-0000-7000-8000-000000000001", "0192b000-0000-7000-8000-000000000002")
    batch: int = 1
    sha256: str = "0" * 64


Place = tuple[str, int | None]  # code and line


@dataclass(frozen=True)
class Broken:
    """One broken file and everything a clerk must be told about it, in the order of lines."""

    name: str
    group: str
    how: str
    places: tuple[Place, ...]
    make: Callable[[Portal], bytes]
    fresh: bool = False  # it comes to a source that has read nothing yet


def good(number: int = 2) -> bytes:
    return GOOD.replace('number="2" kind="full"', f'number="{number}" kind="full"').encode()


def line(old: str, text: str = GOOD) -> int:
    """Where something stands. Only what stands once can be told by its line."""
    assert text.count(old) == 1, (old, text.count(old))
    return text[: text.index(old)].count("\n") + 1


def swap(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert text.count(old) == 1, (old, text.count(old))
        text = text.replace(old, new)
    return text


def recount(text: str) -> str:
    """The file with totals that are right again, so that it is broken in one way only."""
    tags = re.findall(r"<(\w+)( [^>]*)/?>", text)
    found = Counter(name for name, _ in tags)
    plurals = {"liabilities": "liability"}
    names = ("payers", "kinds", "receivables", "liabilities", "instalments", "operations", "overpayments")
    parts = ("principal", "interest", "costs")

    def total(element: str, *names: str) -> str:
        amounts = re.findall(r'([\w-]+)="([^"]*)"', "".join(words for name, words in tags if name == element))
        return f"{sum((Decimal(value) for name, value in amounts if name in names), Decimal(0)):.2f}"

    words = {name: str(found[plurals.get(name, name[:-1])]) for name in names}
    words |= {part: total("instalment", part) for part in parts}
    words["operations-amount"] = total("operation", *parts)
    words["overpayments-amount"] = total("overpayment", "amount")
    totals = " ".join(f'{name}="{value}"' for name, value in words.items())
    return re.sub(r"<totals [^>]*/>", f"<totals {totals}/>", text, count=1)


def broken(name: str, group: str, how: str, places: list[Place], text: str | bytes, **more: bool) -> Broken:
    body = text if isinstance(text, bytes) else text.encode()
    return Broken(name, group, how, tuple(places), lambda _portal: body, **more)


def one(group: str, name: str, code: str, old: str, new: str, *, at: str | None = None) -> Broken:
    """A good file with one thing in it replaced, and wrong in the line where that stood."""
    where = line(at or old)
    return broken(name, group, f"{old[:60]!r} → {new[:60]!r}", [(code, where)], swap(GOOD, (old, new)))


def counted(group: str, name: str, places: list[Place], *changes: tuple[str, str]) -> Broken:
    """A good file with rows changed, and with the totals of what is in it then."""
    how = "; ".join(f"{old[:40]!r} → {new[:60]!r}" for old, new in changes)
    return broken(name, group, how, places, recount(swap(GOOD, *changes)))


# --- structure


def row(name: str) -> str:
    """A whole line of the good file, by what it begins with."""
    (found,) = [each for each in GOOD.splitlines(keepends=True) if each.startswith(name)]
    return found


def section(name: str) -> str:
    return GOOD[GOOD.index(f"<{name}>\n") : GOOD.index(f"</{name}>\n")] + f"</{name}>\n"


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


# --- encoding


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


# --- rows that fit one by one and not together


def operation(
    own_id: str, principal: str, *, kind: str = "payment", document: str = "WB 1/2026", costs: str = "0.00", **more: str
) -> str:
    words = "".join(f' {name}="{value}"' for name, value in more.items())
    return (
        f'<operation id="{own_id}" kind="{kind}" booked="2026-11-20" happened="2026-11-20" document="{document}"'
        f' principal="{principal}" interest="0.00" costs="{costs}"{words}/>\n'
    )


def behind(old: str, *rows: str) -> tuple[str, str]:
    """Rows behind a row: the first of them stands where `behind_line` says."""
    return row(old), row(old) + "".join(rows)


LAST = '<instalment id="I-5"'  # behind it, operations of R-3
NEW = line(LAST) + 1


def references() -> Iterator[Broken]:
    def wrong(name: str, code: str, old: str, new: str) -> Broken:
        return counted("references", name, [(code, line(old))], (old, new))

    yield wrong("an unknown kind", "unknown-kind", '"R-3" kind="PODN"', '"R-3" kind="NIEMA"')
    yield wrong("an unknown parent", "unknown-parent", 'parent="R-1"', 'parent="R-77"')
    yield wrong("an unknown payer", "unknown-payer", 'payer="P-3" role', 'payer="P-77" role')
    yield wrong(
        "an unknown instalment", "unknown-instalment", 'id="O-5" instalment="I-3"', 'id="O-5" instalment="I-77"'
    )
    yield wrong(
        "an instalment of another receivable", "instalment-of-another",
        'id="O-5" instalment="I-3"', 'id="O-5" instalment="I-4"',
    )  # fmt: skip
    yield wrong("merged into nobody", "unknown-merged", 'merged-into="P-1"', 'merged-into="P-77"')
    yield wrong("an overpayment of nobody", "overpayment-payer", '"NP-1" payer="P-2"', '"NP-1" payer="P-77"')
    yield wrong(
        "an overpayment on nothing", "overpayment-receivable", 'receivable="R-1" amount', 'receivable="R-77" amount'
    )
    liable = row('<liability payer="P-3"')
    yield counted("references", "nobody liable", [("nobody-liable", line('<receivable id="R-3"'))], (liable, ""))
    moved = row('<instalment id="I-5"')
    yield counted(
        "references", "an instalment moved to a receivable", [("foreign-row", line('<instalment id="I-3"') + 1)],
        (moved, ""), behind('<instalment id="I-3"', moved),
    )  # fmt: skip
    yield one("references", "merged with itself", "merged_into", 'merged-into="P-1"', 'merged-into="P-9"')
    yield one("references", "its own parent", "parent", 'parent="R-1"', 'parent="R-2"')
    yield one("references", "its own counterpart", "counterpart", 'counterpart="O-4"', 'counterpart="O-3"')


def circles() -> Iterator[Broken]:
    first, second, last = (line(f'<payer id="P-{number}"') for number in (1, 2, 9))
    anna, jan = ('phone="+48 600 100 200"', 'name="Kowalski Jan"')
    yield counted(
        "references", "a circle of merges", [("merged-in-a-circle", each) for each in (first, second, last)],
        (anna, f'{anna} merged-into="P-2"'), (jan, f'{jan} merged-into="P-1"'),
    )  # fmt: skip
    above, below = ('<receivable id="R-1" kind="PODN"', '<receivable id="R-2" kind="UPOMN"')
    yield counted(
        "references", "a circle of parents", [("parents-in-a-circle", line(each)) for each in (above, below)],
        (above, f'{above} parent="R-2"'),
    )  # fmt: skip
    only = swap(GOOD, ('kind="full"', 'kind="incremental"'), (section("kinds"), "<kinds/>\n"))
    parts = row(above) + row('<liability payer="P-2"') + "</receivable>\n"
    alone = parts.replace('kind="PODN"', 'kind="PODN" parent="R-2"')
    text = recount(swap(only, (section("receivables"), f"<receivables>\n{alone}</receivables>\n")))
    places = [("parents-in-a-circle", line("<receivable ", text))]
    yield broken("a circle closed by a later file", "references", "R-1 under R-2, as R-2 is under R-1", places, text)


def rebookings() -> Iterator[Broken]:
    def pair(name: str, first: str, second: str, code: str = "one-sided-rebooking") -> Broken:
        places = [(code, NEW), (code, NEW + 1)] if code.startswith("one") else [(code, NEW)]
        return counted("references", name, places, behind(LAST, first, second))

    def leg(own_id: str, other: str, principal: str, **more: str) -> str:
        words = {"kind": "rebooking", "counterpart": other, "document": "PK 91/2026"} | more
        return operation(own_id, principal, **words)

    plus = leg("O-7", "O-8", "5.00")
    yield pair("a re-booking that is not zero", plus, leg("O-8", "O-7", "-4.99"))
    yield pair("a re-booking that moves principal into costs", plus, leg("O-8", "O-7", "0.00", costs="-5.00"))
    yield pair("a re-booking on two documents", plus, leg("O-8", "O-7", "-5.00", document="PK 92/2026"))
    places = [("one-sided-rebooking", NEW)]
    yield counted("references", "a re-booking of one side", places, behind(LAST, plus))
    nameless = operation("O-7", "5.00", kind="rebooking")
    yield counted("references", "a re-booking that names no other side", places, behind(LAST, nameless))
    strays = [("one-sided-rebooking", NEW), ("stray-counterpart", NEW + 1)]
    other = leg("O-8", "O-7", "-5.00", kind="payment")
    yield counted("references", "a re-booking against a payment", strays, behind(LAST, plus, other))
    stray = operation("O-7", "-5.00", counterpart="O-2")
    places = [("stray-counterpart", NEW)]
    yield counted("references", "a payment with another side", places, behind(LAST, stray))


def echoes() -> Iterator[Broken]:
    def echo(name: str, places: list[Place], *rows: Callable[[Portal], str]) -> Broken:
        def make(portal: Portal) -> bytes:
            return recount(swap(GOOD, behind(LAST, *(each(portal) for each in rows)))).encode()

        return Broken(name, "echoes", name, tuple(places), make)

    def first(own_id: str = "O-7", principal: str = "-100.00", **more: str) -> Callable[[Portal], str]:
        return lambda portal: operation(own_id, principal, instalment="I-4", booking=portal.bookings[0], **more)

    def nobody(_portal: Portal) -> str:
        return operation("O-7", "-100.00", booking="0192b000-dead-7000-8000-000000000001")

    yield echo("an echo of another sum", [("echo-amount", NEW)], first(principal="-100.01"))
    yield echo("an echo of another sign", [("echo-amount", NEW)], first(principal="100.00"))
    yield echo("an echo of nothing", [("unknown-booking", NEW)], nobody)
    yield echo("one echo too many", [("echoed-twice", NEW), ("echoed-twice", NEW + 1)], first(), first("O-8"))
    named = ('document="WB 181/2026"', 'document="WB 181/2026" booking="17"')
    yield one("echoes", "an echo of a number", "uuid", *named)


def changed_operations() -> Iterator[Broken]:
    """The good file was read before: what it booked stays, in a full file and in an incremental one."""
    at = line('<operation id="O-2"')
    paid = row('<operation id="O-2"')
    for name, old, new in (
        ("amount", 'principal="-20.00"', 'principal="-21.00"'),
        ("day", 'happened="2026-09-15"', 'happened="2026-09-14"'),
        ("kind", 'kind="payment"', 'kind="decrease"'), ("document", 'document="WB 181/2026"', 'document="WB 182/2026"'),
    ):  # fmt: skip
        other = (paid, swap(paid, (old, new)))
        yield counted("changed operations", f"another {name} (full)", [("changed-operation", at)], other)
        incremental = ('number="2" kind="full"', 'number="2" kind="incremental"')
        yield counted(
            "changed operations", f"another {name} (incremental)", [("changed-operation", at)], other, incremental
        )


def duplicates() -> Iterator[Broken]:
    for name in (
        '<kind code="PODN"', '<payer id="P-2"', '<liability payer="P-3"', '<instalment id="I-4"', '<operation id="O-5"',
        "<overpayment id",
    ):  # fmt: skip
        element = name.split()[0][1:]
        yield counted("duplicates", f"a {element} twice", [("duplicate", line(name))], behind(name, row(name)))
    whole = GOOD[GOOD.index('<receivable id="R-3"') : GOOD.index("</receivables>")]
    first = line('<receivable id="R-3"')
    places = [("duplicate", first + number) for number in range(4)]
    yield counted("duplicates", "a receivable twice", places, (whole, whole + whole))
    renamed = swap(row('<payer id="P-2"'), ("Kowalski Jan", "Nowak Piotr"))
    places = [("duplicate", line('<payer id="P-2"'))]
    yield counted("duplicates", "one number of two payers", places, behind('<payer id="P-2"', renamed))


# --- values


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


# --- files made to hurt


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


# --- many at once


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


# --- answers to a batch


def answer(portal: Portal, *lines: str, **changes: str) -> bytes:
    words = {"batch": portal.batch, "tenant": CODE, "sha256": portal.sha256, "created": "2026-11-23T03:00:00+01:00"}
    head = "".join(f' {name}="{value}"' for name, value in (words | changes).items())
    body = "\n".join(lines)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<acknowledgement xmlns="urn:skarbnik:exchange:acknowledgement:1"'
        f'{head} system="PUMA 7.2" format="1">\n{body}\n</acknowledgement>\n'
    ).encode()


def booked(booking: str, day: str = "2026-11-23") -> str:
    return f'<booked booking="{booking}" reference="WB 231/2026" on="{day}"/>'


STRANGER = "0192b000-dead-7000-8000-000000000001"


def acknowledgements() -> Iterator[Broken]:
    def wrong(name: str, code: str, at: int | None, make: Callable[[Portal], bytes]) -> Broken:
        return Broken(name, "acknowledgements", name, ((code, at),), make)

    def both(portal: Portal, *more: str, **changes: str) -> bytes:
        return answer(portal, *map(booked, portal.bookings), *more, **changes)

    yield wrong("an unknown batch", "unknown-batch", None, lambda portal: both(portal, batch="77"))
    yield wrong("other bytes", "other-content", None, lambda portal: both(portal, sha256="f" * 64))
    yield wrong("no sha", "sha256", 2, lambda portal: both(portal, sha256=""))
    yield wrong("of another gmina", "other_tenant", 2, lambda portal: both(portal, tenant="PL-DEBINA"))
    yield wrong("a line is missing", "other-lines", None, lambda portal: answer(portal, booked(portal.bookings[0])))
    yield wrong("no line", "other-lines", None, answer)
    yield wrong("a line too many", "other-lines", None, lambda portal: both(portal, booked(STRANGER)))
    yield wrong("a line twice", "duplicate", 5, lambda portal: both(portal, booked(portal.bookings[0])))
    refused = '<refused booking="{}" reason="{}"/>'
    yield wrong(
        "a line booked and refused",
        "duplicate",
        5,
        lambda portal: both(portal, refused.format(portal.bookings[1], "Nie")),
    )
    yield wrong("a refusal without a reason", "text", 5, lambda portal: both(portal, refused.format(STRANGER, "")))
    yield wrong("a day that is none", "day", 5, lambda portal: both(portal, booked(STRANGER, "2026-02-30")))
    yield wrong("an unknown line", "unknown_element", 5, lambda portal: both(portal, "<maybe/>"))
    yield wrong("text between lines", "unexpected_content", 4, lambda portal: both(portal, "i"))
    yield wrong("cut in a line", "truncated", 4, lambda portal: both(portal)[:-60])
    yield wrong("a document type", "dtd", None, lambda portal: both(portal).replace(b"?>\n", b"?>\n<!DOCTYPE a>", 1))
    yield wrong("an acknowledgement of 33 MB", "too-large", None, lambda portal: both(portal) + b" " * (33 * MEGABYTE))
    stranger = "0192b000-dead-7000-8000-{:012}".format
    yield wrong(
        "300,000 lines", "too_large", 10_003, lambda portal: answer(portal, *map(booked, map(stranger, range(300_000))))
    )
    yield Broken(
        "lines without end", "acknowledgements", "<a/> without end",
        (("unknown_element", 3),) * 999 + (("too_large", 3),),
        lambda portal: answer(portal, "<a/>" * (7 * MEGABYTE)),
    )  # fmt: skip


GROUPS = (
    cut_files, other_things, not_well_formed, wrong_words, wrong_sections, encodings, characters, totals, sequence,
    references, circles, rebookings, echoes, changed_operations, duplicates, sizes, days, amounts, check_digits, bombs,
    many, acknowledgements,
)  # fmt: skip
CORPUS = {each.name: each for group in GROUPS for each in group()}


def main(words: list[str]) -> None:
    if words:
        sys.stdout.buffer.write(CORPUS[" ".join(words)].make(Portal()))
        return
    for each in CORPUS.values():
        codes = ", ".join(sorted({code for code, _ in each.places}))
        print(f"{each.group:18} {each.name:48} {codes:24} {each.how}")


if __name__ == "__main__":
    main(sys.argv[1:])
