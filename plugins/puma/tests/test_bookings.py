"""Batches of bookings: valid, the same each time, and nothing lost on the way."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from skarbnik.plugin_api import Amounts, BookingBatch, BookingItem, Misconfigured, Money

NS = "{urn:skarbnik:exchange:bookings:1}"
MOMENTS = st.datetimes(
    min_value=datetime(2020, 1, 1),
    max_value=datetime(2090, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=1)), timezone(timedelta(hours=2))]),
)
IDS = st.from_regex(r"[0-9A-Za-z][0-9A-Za-z._:/+\-]{0,63}", fullmatch=True)
MONEY = st.integers(-(10**12), 10**12).map(Money)
WORDS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=60)
ITEMS = st.builds(
    BookingItem,
    booking_id=st.uuids(),
    receivable=IDS,
    instalment=IDS,
    payer=IDS,
    amounts=st.builds(Amounts, MONEY, MONEY, MONEY),
    account=st.text("0123456789", min_size=26, max_size=26),
    paid_at=MOMENTS,
    gateway=st.sampled_from(["payu", "przelewy24"]),
    gateway_id=WORDS,
    order_number=WORDS,
)
BATCHES = st.builds(
    BookingBatch,
    number=st.integers(1, 10**6),
    tenant_code=st.just("LIPOWO"),
    created_at=MOMENTS,
    items=st.lists(ITEMS, max_size=5).map(tuple),
)


@given(BATCHES)
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


@given(BATCHES)
def test_the_same_batch_is_the_same_bytes_whatever_zone_its_moments_came_in(puma, batch):
    elsewhere = timezone(timedelta(hours=-5))
    moved = replace(
        batch,
        created_at=batch.created_at.astimezone(elsewhere),
        items=tuple(replace(item, paid_at=item.paid_at.astimezone(elsewhere)) for item in batch.items),
    )
    assert puma.write_bookings(batch) == puma.write_bookings(moved)


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


def test_a_batch_of_another_gmina_is_not_written(puma):
    batch = BookingBatch(number=1, tenant_code="DEBOWO", created_at=datetime.now(UTC), items=())
    with pytest.raises(Misconfigured):
        puma.write_bookings(batch)


def test_a_moment_without_a_zone_is_not_written(puma):
    batch = BookingBatch(number=1, tenant_code="LIPOWO", created_at=datetime(2026, 11, 23), items=())
    with pytest.raises(ValueError):
        puma.write_bookings(batch)
