"""The head of a file: its root and, for an export, the manifest. Nothing behind it is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TypedDict

from lxml import etree

from skarbnik.plugin_api import FileKind, ImportKind, Manifest, Totals
from skarbnik_puma.problems import Problems
from skarbnik_puma.shapes import Attribute, Element, Reader, has_text, line_of
from skarbnik_puma.source import Source
from skarbnik_puma.values import CODE, COUNT, MOMENT, NUMBER, SUM, choice, exactly, grosze, moment, text

EXPORT = "urn:skarbnik:exchange:export:1"
BOOKINGS = "urn:skarbnik:exchange:bookings:1"
ACKNOWLEDGEMENT = "urn:skarbnik:exchange:acknowledgement:1"
FORMAT = "1"

ROOTS = {
    f"{{{EXPORT}}}export": FileKind.IMPORT,
    f"{{{ACKNOWLEDGEMENT}}}acknowledgement": FileKind.ACKNOWLEDGEMENT,
}
MANIFEST_TAG = f"{{{EXPORT}}}manifest"
TOTALS_TAG = f"{{{EXPORT}}}totals"

COUNTS = ("payers", "kinds", "receivables", "liabilities", "instalments", "operations", "overpayments")
SUMS = ("principal", "interest", "costs", "operations-amount", "overpayments-amount")


class ParserOptions(TypedDict):
    resolve_entities: bool
    no_network: bool
    load_dtd: bool
    huge_tree: bool
    recover: bool
    remove_comments: bool
    remove_pis: bool


# how a parser is made everywhere in this plugin: nothing is fetched, expanded or repaired
PARSER: ParserOptions = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "recover": False,
    "remove_comments": True,
    "remove_pis": True,
}


def build_manifest(
    _line: int,
    _owner: str | None,
    number: str,
    kind: str,
    tenant: str,
    as_of: str,
    created: str,
    system: str,
    version: str,
) -> tuple[int, ImportKind, str, datetime, datetime, str, str]:
    return int(number), ImportKind(kind), tenant, moment(as_of), moment(created), system, version


def build_totals(_line: int, _owner: str | None, documents: str | None, *values: str) -> Totals:
    counts, sums = values[: len(COUNTS)], values[len(COUNTS) :]
    said = (*map(int, counts), *map(grosze, sums), None if documents is None else int(documents))
    return Totals(*said)  # in the order of its fields


MANIFEST = Element(
    "manifest",
    "Nagłówek",
    {
        "number": Attribute(NUMBER, "numer pliku"),
        "kind": Attribute(choice(ImportKind), "rodzaj pliku"),
        "tenant": Attribute(CODE, "kod gminy"),
        "as-of": Attribute(MOMENT, "stan na chwilę"),
        "created": Attribute(MOMENT, "chwila utworzenia"),
        "system": Attribute(text(80), "program"),
        "format": Attribute(exactly(FORMAT), "wersja formatu"),
    },
    build_manifest,
)
TOTALS = Element(
    "totals",
    "Sumy kontrolne",
    {"documents": Attribute(COUNT, "liczba pozycji", required=False)}  # a system may deliver none
    | {name: Attribute(COUNT, "liczba pozycji") for name in COUNTS}
    | {name: Attribute(SUM, "suma") for name in SUMS},
    build_totals,
)


def find_kind(source: Source) -> FileKind:
    root, _ = parse_head(source)
    kind = ROOTS.get(root.tag)
    if kind is None:
        raise Problems().stop(line_of(root), "not_ours", "Plik nie jest plikiem wymiany w wersji 1.")
    return kind


def read_head(source: Source, tenant_code: str) -> Manifest:
    """The manifest of an export for this gmina; anything else is refused."""
    problems = Problems()
    root, manifest = parse_head(source)
    if manifest is None and source.is_cut("export"):
        raise problems.stop(source.head.count(b"\n") + 1, "truncated", "Plik jest urwany: brakuje jego końca.")
    if root.tag != f"{{{EXPORT}}}export":
        raise problems.stop(line_of(root), "not_ours", "Plik nie jest eksportem w wersji 1.")
    if root.attrib:
        raise problems.stop(line_of(root), "unknown_attribute", "Element „export” nie ma atrybutów.")
    if manifest is None or root[0] is not manifest:
        raise problems.stop(line_of(root), "manifest", "Plik nie zaczyna się od nagłówka „manifest”.")
    children = list(manifest)
    if any(has_text(text) for node in children for text in (manifest.text, node.text, node.tail)):
        raise problems.stop(line_of(manifest), "unexpected_content", "Nagłówek zawiera tekst między elementami.")
    if [child.tag for child in children] != [TOTALS_TAG] or len(children[0]):
        raise problems.stop(line_of(manifest), "totals", "Nagłówek nie zawiera jednego elementu „totals”.")
    values = Reader(MANIFEST, problems).read(manifest)
    totals = Reader(TOTALS, problems).read(children[0])
    if values is None or totals is None:
        raise problems.broken("Nagłówek pliku ma błędy.")
    number, kind, tenant, as_of, created, system, version = values
    if tenant != tenant_code:
        raise problems.stop(
            line_of(manifest), "other_tenant", f"Plik jest dla gminy o kodzie {tenant}, a nie {tenant_code}."
        )
    return Manifest(
        number=number,
        kind=kind,
        tenant_code=tenant,
        as_of=as_of,
        created_at=created,
        system=system,
        format_version=version,
        totals=totals,
    )


def parse_head(source: Source) -> tuple[etree._Element, etree._Element | None]:
    """The root as it began, and the manifest if it ended within the head."""
    parser = etree.XMLPullParser(events=("start", "end"), encoding="UTF-8", **PARSER)
    try:
        parser.feed(source.head)
    except etree.XMLSyntaxError as error:
        raise Problems().syntax(error) from None
    # asked for "start" and "end" alone, it answers with elements alone; lxml-stubs cannot say so
    events: Iterator[tuple[str, etree._Element]] = parser.read_events()  # type: ignore[assignment]  # as above
    root: etree._Element | None = None
    for event, node in events:
        if root is None:
            root = node
        if event == "end" and node.tag == MANIFEST_TAG:
            return root, node
    for entry in parser.feed_error_log:  # feeding keeps still about most of what it cannot read
        raise Problems().unreadable(entry.type, entry.line, cut=source.is_cut(""))
    if root is None:
        raise Problems().stop(source.head.count(b"\n") + 1, "truncated", "Plik jest urwany: brakuje jego końca.")
    return root, None
