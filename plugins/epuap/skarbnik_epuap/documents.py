"""From bytes of a stranger to a tree: one parser for everything, and what is refused before anybody looks inside."""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from skarbnik.plugin_api import SignInReason, SignInRefused
from skarbnik_epuap.words import DS, XINCLUDE, tag

LARGEST = 256 * 1024  # bytes; an answer of the node has about 20 KiB
DECLARED = re.compile(rb"""^\s*<\?xml[^>]*\sencoding\s*=\s*["']([^"']*)["']""")
ID_NAMES = ("ID", "Id", "id", "{http://www.w3.org/XML/1998/namespace}id")

Element = etree._Element


def not_too_large(body: bytes) -> None:
    if not 0 < len(body) <= LARGEST:
        raise SignInRefused(SignInReason.MALFORMED, "size")


def in_utf_8(body: bytes) -> None:
    """In no other encoding: what one program reads as text, another must not read as a tag."""
    declared = DECLARED.match(body)
    if declared is not None and declared[1].lower() != b"utf-8":
        raise SignInRefused(SignInReason.MALFORMED, "encoding")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SignInRefused(SignInReason.MALFORMED, "encoding") from error
    if "\x00" in text:
        raise SignInRefused(SignInReason.MALFORMED, "encoding")


def without_dtd(body: bytes) -> None:
    """On the bytes, so that no parser has to be trusted with it: no entity is ever declared, none expands."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise SignInRefused(SignInReason.MALFORMED, "dtd")


def without_comments(root: Element) -> None:
    """A comment or instruction splits a text in two, and some programs read only the first half."""
    beside = root.getprevious() is not None or root.getnext() is not None
    if beside or next(root.iter(etree.Comment, etree.PI, etree.Entity), None) is not None:
        raise SignInRefused(SignInReason.MALFORMED, "comment")


def unique_ids(root: Element) -> None:
    """Whatever an id names, it names one element."""
    found = [value for each in root.iter() for name in ID_NAMES if (value := each.get(name)) is not None]
    if len(found) != len(set(found)):
        raise SignInRefused(SignInReason.MALFORMED, "ids")


def without_hiding_places(root: Element) -> None:
    """ds:Object holds anything, and signature wrapping loves it; XInclude fetches."""
    if next(root.iter(tag(DS, "Object"), tag(XINCLUDE, "*")), None) is not None:
        raise SignInRefused(SignInReason.MALFORMED, "hiding_place")


BYTE_CHECKS: tuple[Callable[[bytes], None], ...] = (not_too_large, in_utf_8, without_dtd)
TREE_CHECKS: tuple[Callable[[Element], None], ...] = (without_comments, unique_ids, without_hiding_places)


def parse(body: bytes) -> Element:
    """The one way to make a tree. Blanks stay: they are signed."""
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SignInRefused(SignInReason.MALFORMED, "xml") from error


def open_document(body: bytes) -> Element:
    """The root of a document that passed every check."""
    for check_bytes in BYTE_CHECKS:
        check_bytes(body)
    root = parse(body)
    for check_tree in TREE_CHECKS:
        check_tree(root)
    return root


def standing_alone(element: Element) -> Element:
    """A copy in a document of its own, with the namespaces that were in scope."""
    return parse(etree.tostring(element, encoding="utf-8", with_tail=False))


def text_of(element: Element) -> str:
    """Its text, when it has nothing else inside."""
    if len(element):
        raise SignInRefused(SignInReason.MALFORMED, "text")
    return element.text or ""


def children(parent: Element, *, once: tuple[str, ...], perhaps: tuple[str, ...] = ()) -> dict[str, Element]:
    """The children by their name: each of `once` exactly once, each of `perhaps` at most once, and no others."""
    found: dict[str, Element] = {}
    for child in parent:
        if child.tag in found or child.tag not in (*once, *perhaps):
            raise SignInRefused(SignInReason.MALFORMED, "layout")
        found[child.tag] = child
    if any(name not in found for name in once):
        raise SignInRefused(SignInReason.MALFORMED, "layout")
    return found
