"""How a Polish page writes amounts, days and accounts."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.money import Money
from skarbnik.web import formats


@pytest.mark.parametrize(
    ("grosze", "shown"),
    [
        (0, "0,00 zł"),
        (5, "0,05 zł"),
        (123_456, "1 234,56 zł"),
        (-1_000, "−10,00 zł"),
        (123_456_789_01, "123 456 789,01 zł"),
    ],
)
def test_an_amount_is_written_the_polish_way(grosze, shown):
    assert formats.money(Money(grosze)) == shown.replace(" ", formats.NBSP)
    assert formats.grosze(grosze) == formats.money(Money(grosze))


@given(st.integers(-(10**14), 10**14))
def test_no_digit_of_an_amount_is_lost_on_the_page(grosze):
    shown = formats.money(Money(grosze))
    digits = "".join(letter for letter in shown if letter.isdigit())

    assert int(digits) == abs(grosze)
    assert shown.startswith("−") == (grosze < 0)
    assert " " not in shown  # it must not break over two lines


def test_days_and_moments_are_those_of_warsaw():
    assert formats.day(date(2026, 3, 1)) == "01.03.2026"
    assert formats.moment(datetime(2026, 11, 22, 23, 5, tzinfo=UTC)) == "23.11.2026, 00:05"
    assert formats.moment(datetime(2026, 7, 1, 22, 5, tzinfo=UTC)) == "02.07.2026, 00:05"
    assert formats.day_tag(date(2026, 3, 1)) == '<time datetime="2026-03-01">01.03.2026</time>'
    assert (formats.day(None), formats.moment(None), formats.account(None)) == ("", "", "")


def test_a_bank_account_is_written_in_groups_of_four():
    assert formats.account("61109010140000071219812874").split(" ") == [
        "61", "1090", "1014", "0000", "0712", "1981", "2874",
    ]  # fmt: skip
