"""Turns one XML element into one row: fast when all is right, patient when something is not.

The attributes of an element come in few orders ("shapes"). Each shape gets one compiled expression that checks all its
values in one go; only when that fails is every attribute looked at alone to tell the clerk what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from lxml import etree

from skarbnik_puma.problems import Problems
from skarbnik_puma.values import ID, Value

BETWEEN = "\x1f"  # cannot occur in XML 1.0
SPACES = " \t\r\n"
LONG_FILE = 65_535  # lines
SHAPES = 64  # more orders of attributes than that are somebody's joke; start over


class Attribute(NamedTuple):
    value: Value
    word: str  # what it is called in a message
    required: bool = True


class Unfit(ValueError):
    """Values that are right one by one and wrong together."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Element:
    """An element of the format. `build` takes line, owner and the values in the order of `attributes`."""

    name: str
    word: str
    attributes: dict[str, Attribute]
    build: Callable[..., Any]


class Shape(NamedTuple):
    matches: Callable[[str], Any]
    pick: Callable[[list[Any]], tuple[Any, ...]]


class Reader:
    """Reads the elements of one kind in one file."""

    def __init__(self, element: Element, problems: Problems) -> None:
        self.element = element
        self.problems = problems
        self.shapes: dict[tuple[str, ...], Shape | None] = {}

    def read(self, node: etree._Element, owner: str | None = None) -> Any:
        """The row, or None when the reasons were listed."""
        keys: tuple[str, ...] = tuple(node.keys())  # type: ignore[arg-type]  # lxml-stubs allow bytes, as Python 2 did
        values: list[Any] = node.values()  # type: ignore[assignment]  # a list of its own, not of the tree
        shape = self.shapes.get(keys) or self.learn(keys)
        if shape is not None and shape.matches(BETWEEN.join(values)):
            values.append(None)
            try:
                return self.element.build(line_of(node), owner, *shape.pick(values))
            except ValueError:
                pass  # well written and senseless: told below
        return self.explain(node, owner)

    def learn(self, keys: tuple[str, ...]) -> Shape | None:
        attributes = self.element.attributes
        if len(self.shapes) >= SHAPES:
            self.shapes.clear()
        shape = None
        missing = any(attribute.required and name not in keys for name, attribute in attributes.items())
        if not missing and all(key in attributes for key in keys):
            pattern = re.compile(BETWEEN.join(attributes[key].value.pattern for key in keys))
            places = [keys.index(name) if name in keys else -1 for name in attributes]  # -1 is the None put last
            shape = Shape(pattern.fullmatch, itemgetter(*places))
        self.shapes[keys] = shape
        return shape

    def explain(self, node: etree._Element, owner: str | None) -> Any:
        """Look at each attribute alone, with the spaces around it taken away, and list what cannot be used."""
        line, found = line_of(node), self.problems.found
        given = {str(key): str(value).strip() for key, value in node.items()}
        where = self.where(given, owner)
        for key in given:
            if key not in self.element.attributes:
                self.problems.add(line, "unknown_attribute", f"{where}: nieznany atrybut „{shown(key)}”.")
        for name, (value, word, required) in self.element.attributes.items():
            if name in given:
                if not fits(value, given[name]):
                    self.problems.add(line, value.code, f"{where}: atrybut „{name}” ({word}): {value.message}.")
            elif required:
                self.problems.add(line, "missing_attribute", f"{where}: brakuje atrybutu „{name}” ({word}).")
        if self.problems.found > found:
            return None
        try:
            return self.element.build(line, owner, *(given.get(name) for name in self.element.attributes))
        except Unfit as unfit:
            self.problems.add(line, unfit.code, f"{where}: {unfit.message}.")
            return None

    def where(self, given: dict[str, str], owner: str | None) -> str:
        """The kind of row and its id; values that are no ids are never repeated."""
        own = given.get("id", "")
        if re.fullmatch(ID.pattern, own):
            return f"{self.element.word} {own}"
        if owner is not None and re.fullmatch(ID.pattern, owner):
            return f"{self.element.word} (należność {owner})"
        return self.element.word


def line_of(node: etree._Element) -> int:
    """The line of an element. libxml2 keeps 16 bits; beyond, it tells where the text behind the tag ended."""
    line: int = node.sourceline  # type: ignore[assignment]  # lxml-stubs give it no type
    if line < LONG_FILE:
        return line
    behind = node.text if len(node) or node.text else node.tail
    return line - behind.count("\n") if behind else line


def fits(value: Value, text: str) -> bool:
    if re.fullmatch(value.pattern, text) is None:
        return False
    try:
        value.read(text)
    except ValueError:
        return False
    return True


def shown(name: str) -> str:
    """The name of an unknown attribute or element, without its namespace and not longer than a line."""
    return str(name).rsplit("}", 1)[-1][:40]


def has_text(text: str | None) -> bool:
    """Anything but white space. (What was typed with a space before a tag is layout, not data.)"""
    return text is not None and bool(text.strip(SPACES))
