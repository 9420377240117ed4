"""Reads PUMA's answer to a batch, line by line."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

from lxml import etree

from skarbnik.plugin_api import AcknowledgedLine, Acknowledgement
from skarbnik_puma.head import ACKNOWLEDGEMENT, FORMAT, PARSER
from skarbnik_puma.problems import Problems
from skarbnik_puma.shapes import Attribute, Element, Reader, has_text, shown
from skarbnik_puma.source import Source
from skarbnik_puma.values import CODE, DAY, DAYS, MOMENT, NUMBER, SHA256, UUID_TEXT, exactly, moment, text

MOST_BYTES = 32 * 1024 * 1024


def build_root(_line, _owner, batch, tenant, sha256, created, _system, _version):
    moment(created)
    return int(batch), tenant, sha256


def build_booked(_line, _owner, booking, reference, booked_on):
    return AcknowledgedLine(UUID(booking), reference, DAYS[booked_on], None)


def build_refused(_line, _owner, booking, reason):
    return AcknowledgedLine(UUID(booking), None, None, reason)


ROOT = Element(
    "acknowledgement",
    "Potwierdzenie",
    {
        "batch": Attribute(NUMBER, "numer paczki"),
        "tenant": Attribute(CODE, "kod gminy"),
        "sha256": Attribute(SHA256, "skrót pliku paczki"),
        "created": Attribute(MOMENT, "chwila utworzenia"),
        "system": Attribute(text(80), "program"),
        "format": Attribute(exactly(FORMAT), "wersja formatu"),
    },
    build_root,
)
BOOKED = Element(
    "booked",
    "Zaksięgowanie",
    {
        "booking": Attribute(UUID_TEXT, "identyfikator księgowania"),
        "reference": Attribute(text(64), "numer dowodu"),
        "on": Attribute(DAY, "dzień zaksięgowania"),
    },
    build_booked,
)
REFUSED = Element(
    "refused",
    "Odmowa",
    {
        "booking": Attribute(UUID_TEXT, "identyfikator księgowania"),
        "reason": Attribute(text(200), "powód odmowy"),
    },
    build_refused,
)


def read(body: bytes, tenant_code: str) -> Acknowledgement:
    problems = Problems()
    root = parse(body, problems)
    if root.tag != f"{{{ACKNOWLEDGEMENT}}}acknowledgement":
        raise problems.stop(root.sourceline, "not_ours", "Plik nie jest potwierdzeniem w wersji 1.")
    head = Reader(ROOT, problems).read(root)
    lines = read_lines(root, problems)
    if head is not None and head[1] != tenant_code:
        problems.add(root.sourceline, "other_tenant", f"Potwierdzenie jest dla gminy {head[1]}, a nie {tenant_code}.")
    problems.raise_found()
    number, tenant, sha256 = head
    return Acknowledgement(batch_number=number, tenant_code=tenant, sha256=sha256, lines=tuple(lines))


def parse(body: bytes, problems: Problems) -> etree._Element:
    if len(body) > MOST_BYTES:
        raise problems.stop(None, "too_large", "Potwierdzenie jest większe niż 32 MB.")
    Source(BytesIO(body))  # refuses a DTD and other encodings before the parser sees them
    try:
        return etree.fromstring(body, etree.XMLParser(encoding="UTF-8", **PARSER))
    except etree.XMLSyntaxError as error:
        raise problems.syntax(error) from None


def read_lines(root: etree._Element, problems: Problems) -> list[AcknowledgedLine]:
    readers = {f"{{{ACKNOWLEDGEMENT}}}{element.name}": Reader(element, problems) for element in (BOOKED, REFUSED)}
    lines: dict[UUID, AcknowledgedLine] = {}
    if has_text(root.text):
        problems.add(root.sourceline, "unexpected_content", "Potwierdzenie zawiera tekst między elementami.")
    for node in root:
        reader = readers.get(node.tag)
        if reader is None:
            problems.add(node.sourceline, "unknown_element", f"Nieznany element „{shown(node.tag)}”.")
            continue
        if len(node) or has_text(node.text) or has_text(node.tail):
            problems.add(node.sourceline, "unexpected_content", f"Element „{shown(node.tag)}” ma być pusty.")
        line = reader.read(node)
        if line is not None and line.booking_id in lines:
            problems.add(node.sourceline, "duplicate", f"Księgowanie {line.booking_id} jest potwierdzone dwa razy.")
        elif line is not None:
            lines[line.booking_id] = line
    return list(lines.values())
