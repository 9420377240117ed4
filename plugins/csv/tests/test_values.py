"""Amounts and days as spreadsheets show them: each way that can mean only one thing, and no other."""

from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.plugin_api import WARSAW
from skarbnik_csv import values

GROSZE = st.integers(-(10**13) + 1, 10**13 - 1)
DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))


def shown(grosze, point, thousands, currency):
    whole, rest = divmod(abs(grosze), 100)
    parts = f"{whole:,}".replace(",", thousands) if whole < 10**12 else str(whole)
    return f"{'-' * (grosze < 0)}{parts}{point}{rest:02d}{currency}"


@given(
    st.integers(-(10**13) + 1, 10**13 - 1),
    st.sampled_from(",."),
    st.sampled_from(["", " ", "\u00a0", "\u202f", "\u2009"]),
    st.sampled_from(["", "zł", " zł", "\u00a0zł"]),
)
def test_an_amount_is_read_as_it_was_shown(grosze, point, thousands, currency):
    assert values.read_amount(shown(grosze, point, thousands, currency)) == grosze


@given(st.text(max_size=12))
def test_whatever_else_is_typed_is_whole_grosze_or_no_amount(text):
    with suppress(ValueError):
        assert type(values.read_amount(text)) is int


@pytest.mark.parametrize(
    ("text", "grosze"), [("100", 10_000), ("120,5", 12_050), ("0", 0), ("1 234 567,00 zł", 123_456_700)]
)
def test_a_spreadsheet_leaves_zeros_out(text, grosze):
    assert values.read_amount(text) == grosze


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "1.234", "1,234", "1.234,56", "1,234.56", "1 23,00", "12 34,00", "1  234,00", "1e3", "1,2,3", ",50",
        "12,", "+1,00", "--1", "1,00 EUR", "١٢", "12³", "0x10", "#ARG!", "123456789012",
    ],
)  # fmt: skip
def test_what_may_mean_two_things_is_no_amount(text):
    with pytest.raises(ValueError):
        values.read_amount(text)


def test_a_debt_is_never_negative():
    assert values.read_debt("0,00") == 0
    with pytest.raises(ValueError):
        values.read_debt("-0,01")


@given(DAYS)
def test_a_day_is_read_as_it_was_written(day):
    assert values.read_day(day.isoformat()) == day
    assert values.read_day(f"{day.day:02d}.{day.month:02d}.{day.year}") == day


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-02-29", "31.04.2026", "2026-13-01", "1.2.2026", "01.02.26", "2026/11/23", "23-11-2026", "46349",
        "1899-12-31", "2026-11-23 00:00", "٢٠٢٦-11-23",
    ],
)  # fmt: skip
def test_what_is_no_day_of_the_calendar_is_refused(text):
    with pytest.raises(ValueError):
        values.read_day(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=WARSAW)),
        ("23.11.2026 9:05", datetime(2026, 11, 23, 9, 5, tzinfo=WARSAW)),
        ("2026-07-01 02:00:30", datetime(2026, 7, 1, 0, 0, 30, tzinfo=UTC)),
        ("2026-11-23T02:00:00+01:00", datetime(2026, 11, 23, 1, tzinfo=UTC)),
        ("2026-11-23T02:00Z", datetime(2026, 11, 23, 2, tzinfo=UTC)),
    ],
)
def test_a_moment_without_a_zone_is_one_of_polish_clocks(text, moment):
    assert values.read_moment(text) == moment


@pytest.mark.parametrize(
    "text", ["", "2026-11-23 24:00", "2026-11-23 12", "2026-11-23 12:60", "12:00", "2026-11-23 12:00 +01:00"]
)
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError):
        values.read_moment(text)


@pytest.mark.parametrize(
    ("value", "text", "plain"),
    [
        (values.NIP, "739-123-45-03", "7391234503"),
        (values.NRB, "61 1090 1014 0000 0712 1981 2874", "61109010140000071219812874"),
        (values.PESEL, "02070803628", "02070803628"),
    ],
)
def test_numbers_are_read_as_people_write_them(value, text, plain):
    assert value.read(text) == plain


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (values.PESEL, "2070803628"),  # a spreadsheet took the zero away
        (values.PESEL, "44051401358"),
        (values.PESEL, "٤٤٠٥١٤٠١٣٥٩"),
        (values.NIP, "7391234504"),
        (values.REGON, "281234563"),
        (values.NRB, "6,1109E+25"),
        (values.NRB, "61109010140000071219812875"),
    ],
)  # fmt: skip
def test_numbers_with_wrong_check_digits_are_refused(value, text):
    with pytest.raises(ValueError):
        value.read(text)
