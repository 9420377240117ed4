"""Reads PUMA's answer to a batch, line by line."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

from lxml import etree

from skarbnik.plugin_api import AcknowledgedLine, Acknowledgement, FileKind
from skarbnik_puma.head import ACKNOWLEDGEMENT, FORMAT, PARSER, find_kind
from skarbnik_puma.problems import Problems
from skarbnik_puma.shapes import Attribute, Element, Reader, has_text, line_of, shown
from skarbnik_puma.source import Source
from skarbnik_puma.values import CODE, DAY, DAYS, MOMENT, NUMBER, SHA256, UUID_TEXT, exactly, moment, text

MOST_BYTES = 32 * 1024 * 1024
MOST_LINES = 10_000  # several times what the portal puts into one batch


def build_root(
    _line: int, _owner: str | None, batch: str, tenant: str, sha256: str, created: str, _system: str, _version: str
) -> tuple[int, str, str]:
    moment(created)
    return int(batch), tenant, sha256


def build_booked(_line: int, _owner: str | None, booking: str, reference: str, booked_on: str) -> AcknowledgedLine:
    return AcknowledgedLine(UUID(booking), reference, DAYS[booked_on], None)


def build_refused(_line: int, _owner: str | None, booking: str, reason: str) -> AcknowledgedLine:
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
    root, lines = read_lines(open_source(body, problems), problems)
    head = Reader(ROOT, problems).read(root)
    if head is not None and head[1] != tenant_code:
        problems.add(line_of(root), "other_tenant", f"Potwierdzenie jest dla gminy {head[1]}, a nie {tenant_code}.")
    problems.raise_found()
    number, tenant, sha256 = head
    return Acknowledgement(batch_number=number, tenant_code=tenant, sha256=sha256, lines=tuple(lines))


def open_source(body: bytes, problems: Problems) -> Source:
    """What a parser may begin with: no DTD, no other encoding, nothing that is no acknowledgement."""
    if len(body) > MOST_BYTES:
        raise problems.stop(None, "too_large", "Potwierdzenie jest większe niż 32 MB.")
    if find_kind(Source(BytesIO(body))) is not FileKind.ACKNOWLEDGEMENT:
        raise problems.stop(None, "not_ours", "Plik nie jest potwierdzeniem w wersji 1.")
    return Source(BytesIO(body))


def read_lines(source: Source, problems: Problems) -> tuple[etree._Element, list[AcknowledgedLine]]:
    """The root and every line. Only the line being read is in the tree: a whole one takes many times its file."""
    lines = Lines(problems)
    events = etree.iterparse(source, events=("end",), encoding="UTF-8", **PARSER)
    try:
        for _, node in events:
            parent = node.getparent()
            if parent is not None and parent.getparent() is None:
                source.quiet = 0
                lines.take(node, parent)
    except etree.XMLSyntaxError as error:
        raise problems.syntax(error, cut=source.is_cut("acknowledgement")) from None
    root = events.root
    for node in (root, *root):
        if has_text(node.text if node is root else node.tail):
            lines.strange(node)
    return root, list(lines.known.values())


class Lines:
    """The lines of one acknowledgement, each booking once."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.readers = {f"{{{ACKNOWLEDGEMENT}}}{each.name}": Reader(each, problems) for each in (BOOKED, REFUSED)}
        self.known: dict[UUID, AcknowledgedLine] = {}
        self.seen = 0

    def take(self, node: etree._Element, parent: etree._Element) -> None:
        self.seen += 1
        if self.seen > MOST_LINES:
            message = f"Potwierdzenie ma więcej niż {MOST_LINES} pozycji; tyle nie ma żadna paczka."
            raise self.problems.stop(line_of(node), "too_large", message)
        self.drop_before(node, parent)
        reader = self.readers.get(node.tag)
        if reader is None:
            self.problems.add(line_of(node), "unknown_element", f"Nieznany element „{shown(node.tag)}”.")
            return
        if len(node) or has_text(node.text):
            self.strange(node)
        line = reader.read(node)
        if line is not None and line.booking_id in self.known:
            message = f"Księgowanie {line.booking_id} jest potwierdzone dwa razy."
            self.problems.add(line_of(node), "duplicate", message)
        elif line is not None:
            self.known[line.booking_id] = line

    def drop_before(self, node: etree._Element, parent: etree._Element) -> None:
        """Free the line before, behind which nothing more can come."""
        while (done := node.getprevious()) is not None:
            if has_text(done.tail):
                self.strange(done)
            parent.remove(done)

    def strange(self, node: etree._Element) -> None:
        message = f"Element „{shown(node.tag)}” zawiera coś, czego nie ma w opisie."
        self.problems.add(line_of(node), "unexpected_content", message)
