"""The rows of an export, streamed. Only the row being read is in memory.

`iterparse` reports finished rows and sections. A row stays in the tree until the next one ends (libxml2 still writes
behind it), then it goes; whatever else is found on the way out is something the format does not know.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from skarbnik.plugin_api import Block, Row
from skarbnik_puma import elements
from skarbnik_puma.head import EXPORT, MANIFEST_TAG, PARSER
from skarbnik_puma.problems import Problems
from skarbnik_puma.shapes import Reader, has_text, line_of, shown
from skarbnik_puma.source import Source


def tag(name: str) -> str:
    return f"{{{EXPORT}}}{name}"


SECTIONS = {
    tag("kinds"): elements.KIND,
    tag("payers"): elements.PAYER,
    tag("receivables"): elements.RECEIVABLE,
    tag("overpayments"): elements.OVERPAYMENT,
}
ORDER = [MANIFEST_TAG, *SECTIONS]
ROWS = {tag(element.name): section for section, element in SECTIONS.items()}
# of a receivable, in this order
PARTS = (elements.LIABILITY, elements.INSTALMENT, elements.OPERATION, elements.DOCUMENT)
RECEIVABLE = tag("receivable")


class Whole(Block):
    """A receivable as it stands in the file. Free for reading until the walk goes on."""

    __slots__ = ("external_id", "line", "node", "walk")

    def __init__(self, walk: Walk, node: etree._Element) -> None:
        self.walk = walk
        self.node = node
        self.line = line_of(node)
        self.external_id = node.get("id", "").strip()

    def content(self) -> bytes:
        return etree.tostring(self.node, encoding="utf-8", xml_declaration=False, with_tail=False)

    def rows(self) -> Iterator[Row]:
        return self.walk.rows_of(self.node)


class Walk:
    """One reading of one file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems = Problems()
        self.readers = {tag(element.name): Reader(element, self.problems) for element in SECTIONS.values()}
        self.parts = {tag(part.name): (place, Reader(part, self.problems)) for place, part in enumerate(PARTS)}
        self.section: etree._Element | None = None
        self.row_tag = ""  # of the rows of this section

    def blocks(self) -> Iterator[Row | Block]:
        source, readers = self.source, self.readers
        events = etree.iterparse(source, events=("end",), tag=[*ROWS, *SECTIONS], encoding="UTF-8", **PARSER)
        try:
            for _, node in events:
                source.quiet = 0
                name = node.tag
                reader = readers.get(name)
                if reader is None:
                    self.leave(node)
                    continue
                if name != self.row_tag or node.getparent() is not self.section:
                    self.enter(node)
                self.drop_before(node)
                if name == RECEIVABLE:
                    yield Whole(self, node)
                    continue
                row = reader.read(node)
                if row is not None:
                    yield row
                if len(node) or has_text(node.text):
                    self.strange(node)
        except etree.XMLSyntaxError as error:
            raise self.problems.syntax(error, cut=source.is_cut("export")) from None
        self.finish(events.root)

    def rows_of(self, receivable: etree._Element) -> Iterator[Row]:
        """A receivable and all that stands in it, in its order; of one that is wrong the rest is only looked at."""
        owner, last = receivable.get("id", "").strip(), 0
        head = self.readers[RECEIVABLE].read(receivable)
        if head is not None:
            yield head
        if has_text(receivable.text):
            self.strange(receivable)
        for node in receivable:
            known = self.parts.get(node.tag)
            if known is None:
                self.unknown(node)
                continue
            place, reader = known
            if place < last:
                self.problems.add(
                    line_of(node), "order", "Kolejność w należności: odpowiedzialności, raty, operacje, dokumenty."
                )
            last = place
            if node.text is not None or len(node) or has_text(node.tail):
                self.check_inside(node)
            row = reader.read(node, owner)
            if row is not None and head is not None:
                yield row

    def enter(self, node: etree._Element) -> None:
        """The first row of a section: it must stand directly in its own section."""
        section = node.getparent()
        root = section.getparent() if section is not None else None
        if section is None or root is None or section.tag != ROWS[node.tag] or root.getparent() is not None:
            raise self.problems.stop(
                line_of(node), "misplaced", f"Element „{shown(node.tag)}” stoi poza swoją częścią pliku."
            )
        self.section, self.row_tag = section, node.tag

    def leave(self, section: etree._Element) -> None:
        """The end of a section: it must come in its turn and hold nothing else."""
        root = section.getparent()
        assert root is not None  # `read_head` saw an export there
        self.check_order(root)
        if section.attrib or has_text(section.text) or has_text(section.tail):
            self.strange(section)
        expected = SECTIONS[section.tag].name
        for child in section:
            if child.tag != tag(expected):
                self.unknown(child)
            elif has_text(child.tail):
                self.strange(child)
        section.clear()
        self.section, self.row_tag = None, ""

    def check_order(self, parent: etree._Element) -> None:
        """Sections come in their order, each once, and nothing else between them."""
        for place, child in enumerate(parent):
            if ORDER[place : place + 1] != [child.tag]:
                message = f"Część „{shown(child.tag)}” jest nieznana albo stoi nie na swoim miejscu."
                raise self.problems.stop(line_of(child), "sections", message)

    def drop_before(self, node: etree._Element) -> None:
        """Free the rows that are done, and list what is not a row."""
        section = self.section
        while (done := node.getprevious()) is not None:
            if done.tag != node.tag:
                self.unknown(done)
            if has_text(done.tail):
                self.strange(done)
            section.remove(done)  # type: ignore[union-attr]  # `enter` has set it

    def finish(self, root: etree._Element) -> None:
        self.check_order(root)
        if len(root) < len(ORDER):
            raise self.problems.stop(line_of(root), "sections", f"W pliku brakuje części „{shown(ORDER[len(root)])}”.")
        if has_text(root.text) or any(has_text(child.tail) for child in root):
            self.strange(root)
        self.problems.raise_found()

    def check_inside(self, node: etree._Element) -> None:
        if len(node) or has_text(node.text) or has_text(node.tail):
            self.strange(node)

    def unknown(self, node: etree._Element) -> None:
        self.problems.add(line_of(node), "unknown_element", f"Nieznany element „{shown(node.tag)}”.")

    def strange(self, node: etree._Element) -> None:
        self.problems.add(
            line_of(node), "unexpected_content", f"Element „{shown(node.tag)}” zawiera coś, czego nie ma w opisie."
        )
