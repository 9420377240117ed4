"""Reads a batch of bookings with the parser of the standard library."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from xml.parsers import expat
from zoneinfo import ZoneInfo

from puma_simulator import money
from puma_simulator.ledger import Parts

NAMESPACE = "urn:skarbnik:exchange:bookings:1"
WARSAW = ZoneInfo("Europe/Warsaw")


class BadBatch(ValueError):
    """The batch cannot be read at all."""


@dataclass(frozen=True)
class Line:
    booking: str
    receivable: str
    instalment: str
    payer: str
    parts: Parts
    paid_on: date


@dataclass(frozen=True)
class Batch:
    number: int
    tenant: str
    sha256: str
    lines: tuple[Line, ...]
    totals_right: bool


def read_batch(body: bytes) -> Batch:
    elements: list[tuple[str, dict[str, str]]] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, attributes: elements.append((name, attributes))
    parser.StartDoctypeDeclHandler = refuse_doctype
    try:
        parser.Parse(body, True)
        (root, head), *rest = elements
        if root != f"{NAMESPACE} bookings" or {name for name, _ in rest} - {f"{NAMESPACE} booking"}:
            raise BadBatch("these are not bookings of version 1")
        lines = tuple(read_line(attributes) for _, attributes in rest)
        total = sum(line.parts.total for line in lines)
        right = int(head["count"]) == len(lines) and money.read(head["total"]) == total
        return Batch(int(head["number"]), head["tenant"], hashlib.sha256(body).hexdigest(), lines, right)
    except (expat.ExpatError, KeyError, ValueError) as error:
        raise BadBatch(str(error)) from error


def read_line(attributes: dict[str, str]) -> Line:
    return Line(
        booking=str(UUID(attributes["id"])),
        receivable=attributes["receivable"],
        instalment=attributes["instalment"],
        payer=attributes["payer"],
        parts=Parts(*(money.read(attributes[part]) for part in ("principal", "interest", "costs"))),
        paid_on=datetime.fromisoformat(attributes["paid-at"]).astimezone(WARSAW).date(),
    )


def refuse_doctype(*_: object) -> None:
    raise BadBatch("a document type is not allowed")
