"""Tables of payments: the same each time, nothing lost, nothing that a spreadsheet would run."""

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.plugin_api import Amounts, BookingBatch, BookingItem, Misconfigured, Money
from skarbnik_csv.bookings import FORMULA, mark

MOMENTS = st.datetimes(
    min_value=datetime(2020, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC)
)  # fmt: skip
IDS = st.from_regex(r"[0-9A-Za-z][0-9A-Za-z._:/+\-]{0,30}", fullmatch=True)
MONEY = st.integers(-(10**12), 10**12).map(Money)
WORDS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=60)
ITEMS = st.builds(
    BookingItem,
    booking_id=st.uuids(),
    receivable=IDS,
    instalment=st.tuples(IDS, st.integers(1, 99)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
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
ACCOUNT = "61109010140000071219812874"
BATCH = BookingBatch(
    3,
    "LIPOWO",
    datetime(2026, 11, 23, 12, tzinfo=UTC),
    (
        BookingItem(
            UUID("0192b000-0000-7000-8000-000000000001"), "N-2026-1", "N-2026-1/3", "P-1",
            Amounts(Money(12_050), Money(300), Money(1_600)), ACCOUNT, datetime(2026, 11, 23, 11, 58, 3, tzinfo=UTC),
            "payu", "WZHF5FFDRJ140731GUEST000P01", "ABCDE-FGHJK",
        ),
        BookingItem(
            UUID("0192b000-0000-7000-8000-000000000002"), "D-2026-1", "D-2026-1/10", "P-3",
            Amounts(Money(10_000), Money(0), Money(0)), ACCOUNT, datetime(2026, 11, 23, 11, 59, 40, tzinfo=UTC),
            "payu", "WZHF5FFDRJ140731GUEST000P02", "KLMNP-QRSTU",
        ),
    ),
)  # fmt: skip


def parsed(body):
    rows = list(csv.reader(body.decode("utf-8-sig").splitlines(), delimiter=";"))
    header = next(place for place, row in enumerate(rows) if not row[0].startswith("#"))
    return {row[0]: row[1] for row in rows[:header]}, [
        dict(zip(rows[header], row, strict=True)) for row in rows[header + 1 :]
    ]


def amount(text):
    return Money.parse(text.replace(",", "."))


@given(BATCHES)
def test_every_batch_loses_nothing_a_clerk_books_by(spreadsheet, batch):
    said, lines = parsed(spreadsheet.write_bookings(batch))

    assert said["#paczka"] == str(batch.number)
    assert int(said["#pozycje"]) == len(lines) == len(batch.items)
    assert amount(said["#razem"]) == Money.total(item.amounts.total for item in batch.items)
    for line, item in zip(lines, batch.items, strict=True):
        assert line["id księgowania"] == str(item.booking_id)
        assert (line["należność"], line["kontrahent"]) == (item.receivable, item.payer)
        assert f"{item.instalment.rpartition('/')[0]}/{line['rata']}" == item.instalment
        parts = [amount(line[name]) for name in ("należność główna", "odsetki", "koszty")]
        assert parts == [item.amounts.principal, item.amounts.interest, item.amounts.costs]
        assert amount(line["razem"]) == item.amounts.total
        assert line["rachunek"].replace(" ", "") == item.account
        assert line["numer w bramce"].removeprefix("'") == item.gateway_id.removeprefix("'")


@given(BATCHES)
def test_no_cell_but_an_amount_begins_like_a_formula(spreadsheet, batch):
    amounts = {"należność główna", "odsetki", "koszty", "razem"}
    _, lines = parsed(spreadsheet.write_bookings(batch))
    for line in lines:
        assert [name for name, cell in line.items() if cell.startswith(FORMULA) and name not in amounts] == []


@given(BATCHES)
def test_the_same_batch_is_the_same_bytes_whatever_zone_its_moments_came_in(spreadsheet, batch):
    elsewhere = timezone(timedelta(hours=-5))
    moved = replace(
        batch,
        created_at=batch.created_at.astimezone(elsewhere),
        items=tuple(replace(item, paid_at=item.paid_at.astimezone(elsewhere)) for item in batch.items),
    )
    assert spreadsheet.write_bookings(batch) == spreadsheet.write_bookings(moved)


def test_the_sample_is_what_the_plugin_writes(spreadsheet, sample):
    assert spreadsheet.write_bookings(BATCH) == sample("wplaty-000003")
    assert spreadsheet.bookings_name(BATCH) == "wplaty-000003.csv"


def test_it_opens_with_a_double_click(sample):
    assert sample("wplaty-000003").startswith(b"\xef\xbb\xbf#plik;")
    assert "61 1090 1014 0000 0712 1981 2874" in sample("wplaty-000003").decode()


@given(st.integers(1, 99), st.uuids(), MONEY)
def test_a_mark_is_letters_that_no_spreadsheet_reckons_with(batch, booking_id, total):
    letters = mark(batch, booking_id, total)

    assert len(letters) == 8
    assert set(letters) <= set("abcdefghijklmnop")
    assert letters != mark(batch + 1, booking_id, total)


def test_a_batch_of_another_gmina_is_not_written(spreadsheet):
    with pytest.raises(Misconfigured):
        spreadsheet.write_bookings(replace(BATCH, tenant_code="DEBOWO"))


def test_a_moment_without_a_zone_is_not_written(spreadsheet):
    with pytest.raises(ValueError):
        spreadsheet.write_bookings(replace(BATCH, created_at=datetime(2026, 11, 23)))
