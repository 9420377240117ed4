"""Batches of bookings: valid, the same each time, and nothing lost on the way."""

from datetime import datetime
from uuid import UUID

from hypothesis import given
from lxml import etree

from skarbnik.plugin_api import Amounts, BookingBatch, BookingItem, Money
from skarbnik.testing.finance import batches

NS = "{urn:skarbnik:exchange:bookings:1}"


@given(batches())
def test_every_batch_is_valid_and_loses_nothing(puma, schema, batch):
    body = puma.write_bookings(batch)
    root = etree.fromstring(body)
    schema("bookings").assertValid(root)

    assert root.get("number") == str(batch.number)
    assert int(root.get("count")) == len(batch.items)
    assert Money.parse(root.get("total")) == Money.total(item.amounts.total for item in batch.items)
    assert [back(node) for node in root.iter(f"{NS}booking")] == list(batch.items)


def back(node) -> BookingItem:
    parts = (Money.parse(node.get(part)) for part in ("principal", "interest", "costs"))
    return BookingItem(
        booking_id=UUID(node.get("id")),
        receivable=node.get("receivable"),
        instalment=node.get("instalment"),
        payer=node.get("payer"),
        amounts=Amounts(*parts),
        account=node.get("account"),
        paid_at=datetime.fromisoformat(node.get("paid-at")),
        gateway=node.get("gateway"),
        gateway_id=node.get("gateway-id"),
        order_number=node.get("order"),
    )


def test_the_sample_of_the_specification_is_what_the_plugin_writes(puma, sample):
    root = etree.fromstring(sample("bookings"))
    batch = BookingBatch(
        number=int(root.get("number")),
        tenant_code=root.get("tenant"),
        created_at=datetime.fromisoformat(root.get("created")),
        items=tuple(back(node) for node in root),
    )
    assert puma.write_bookings(batch) == sample("bookings")
    assert puma.bookings_name(batch) == "puma-bookings-000003.xml"
