"""Tables of payments: the same each time, nothing lost, nothing that a spreadsheet would run."""

import csv
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from skarbnik.plugin_api import Amounts, Money
from skarbnik.testing.finance import MONEY, batch_of, batches, booking
from skarbnik_csv.bookings import FORMULA, mark

# Whoever writes the table keeps the number of an instalment in a column of its own.
IDS = st.from_regex(r"[0-9A-Za-z][0-9A-Za-z._:/+\-]{0,30}", fullmatch=True)
BATCHES = batches(ids=IDS, instalments=st.tuples(IDS, st.integers(1, 99)).map(lambda pair: f"{pair[0]}/{pair[1]}"))
BATCH = batch_of(
    booking(
        0x0192B000_0000_7000_8000_000000000001,
        receivable="N-2026-1",
        instalment="N-2026-1/3",
        amounts=Amounts(Money(12_050), Money(300), Money(1_600)),
        paid_at=datetime(2026, 11, 23, 11, 58, 3, tzinfo=UTC),
        gateway_id="WZHF5FFDRJ140731GUEST000P01",
    ),
    booking(
        0x0192B000_0000_7000_8000_000000000002,
        receivable="D-2026-1",
        instalment="D-2026-1/10",
        payer="P-3",
        amounts=Amounts(Money(10_000), Money(0), Money(0)),
        paid_at=datetime(2026, 11, 23, 11, 59, 40, tzinfo=UTC),
        gateway_id="WZHF5FFDRJ140731GUEST000P02",
        order_number="KLMNP-QRSTU",
    ),
    number=3,
)


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
