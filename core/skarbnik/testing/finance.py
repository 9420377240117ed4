"""Bookings to be written and files to be read, for the tests of a finance system. Needs hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from skarbnik.plugin_api import Amounts, BookingBatch, BookingItem, BrokenFile, FinanceSystem, Money, Row

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACCOUNT = "61109010140000071219812874"

MONEY = st.integers(-(10**12), 10**12).map(Money)
IDS = st.from_regex(r"[0-9A-Za-z][0-9A-Za-z._:/+\-]{0,63}", fullmatch=True)
_WORDS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=60)
_MOMENTS = st.datetimes(
    min_value=datetime.fromisoformat("2020-01-01"),
    max_value=datetime.fromisoformat("2090-01-01"),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=1)), timezone(timedelta(hours=2))]),
)


def booking(number: int, **changed: Any) -> BookingItem:
    """A payment for an instalment of a receivable, as much as anybody ever pays at once."""
    words: dict[str, Any] = {
        "booking_id": UUID(int=number),
        "receivable": "N-1",
        "instalment": f"N-1/{number}",
        "payer": "P-1",
        "amounts": Amounts(Money(12_050), Money(300), Money(0)),
        "account": ACCOUNT,
        "paid_at": datetime(2026, 11, 23, 11, 58, tzinfo=UTC),
        "gateway": "payu",
        "gateway_id": f"WZHF5FFDRJ{number}",
        "order_number": "ABCDE-FGHJK",
    }
    return BookingItem(**words | changed)


def batch_of(*items: BookingItem, number: int = 7, tenant_code: str = "LIPOWO") -> BookingBatch:
    return BookingBatch(number=number, tenant_code=tenant_code, created_at=NOON, items=items)


def batches(*, ids: SearchStrategy[str] = IDS, instalments: SearchStrategy[str] = IDS) -> SearchStrategy[BookingBatch]:
    """Whatever batches a gmina may have, with the ids this system gives to things and to instalments."""
    items = st.builds(
        BookingItem,
        booking_id=st.uuids(),
        receivable=ids,
        instalment=instalments,
        payer=ids,
        amounts=st.builds(Amounts, MONEY, MONEY, MONEY),
        account=st.text("0123456789", min_size=26, max_size=26),
        paid_at=_MOMENTS,
        gateway=st.sampled_from(["payu", "przelewy24"]),
        gateway_id=_WORDS,
        order_number=_WORDS,
    )
    return st.builds(
        BookingBatch,
        number=st.integers(1, 10**6),
        tenant_code=st.just("LIPOWO"),
        created_at=_MOMENTS,
        items=st.lists(items, max_size=5).map(tuple),
    )


def read_all(system: FinanceSystem, body: bytes) -> tuple[list[Row], BrokenFile | None]:
    """The rows of a file up to where it is broken, and what was wrong with it."""
    rows: list[Row] = []
    try:
        rows.extend(system.read_rows(BytesIO(body)))
    except BrokenFile as broken:
        return rows, broken
    return rows, None
