"""Writes the file that asks PUMA to book money. The same batch gives the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime

from lxml import etree

from skarbnik.plugin_api import BookingBatch, BookingItem, Money
from skarbnik_puma.head import BOOKINGS, FORMAT


def write(batch: BookingBatch) -> bytes:
    root = etree.Element(
        f"{{{BOOKINGS}}}bookings",
        {
            "number": str(batch.number),
            "tenant": batch.tenant_code,
            "created": written(batch.created_at),
            "system": "Skarbnik",
            "format": FORMAT,
            "count": str(len(batch.items)),
            "total": str(Money.total(item.amounts.total for item in batch.items)),
        },
        nsmap={None: BOOKINGS},  # type: ignore[dict-item]  # lxml-stubs know no default namespace
    )
    for item in batch.items:
        etree.SubElement(root, f"{{{BOOKINGS}}}booking", attributes(item))
    document: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return document


def attributes(item: BookingItem) -> dict[str, str]:
    return {
        "id": str(item.booking_id),
        "receivable": item.receivable,
        "instalment": item.instalment,
        "payer": item.payer,
        "principal": str(item.amounts.principal),
        "interest": str(item.amounts.interest),
        "costs": str(item.amounts.costs),
        "account": item.account,
        "paid-at": written(item.paid_at),
        "gateway": item.gateway,
        "gateway-id": item.gateway_id,
        "order": item.order_number,
    }


def written(moment: datetime) -> str:
    """A moment in UTC, whatever zone it came with, so that equal moments are equal bytes."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone cannot be written")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
