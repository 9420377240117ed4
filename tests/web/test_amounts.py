"""Amounts as people type them: what can mean one thing only is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.money import Money
from skarbnik.web.amounts import WrongAmount, as_typed, read_amount


@pytest.fixture
def polish(app, tenant):
    """Messages are in the language of a request."""
    with app.test_request_context("/", base_url="https://lipowo.skarbnik.test"):
        yield


@pytest.mark.parametrize(
    ("typed", "grosze"),
    [
        ("50", 5_000),
        ("50,2", 5_020),
        ("50,25", 5_025),
        ("50.25", 5_025),
        (" 50,25 ", 5_025),
        ("1 234,56", 123_456),
        ("1\u00a0234,56", 123_456),
        ("1\u202f234\u202f567", 123_456_700),
        ("50 zł", 5_000),
        ("50zł", 5_000),
        ("50,25 PLN", 5_025),
        ("0,01", 1),
        ("007", 700),
    ],
)
def test_an_amount_is_read_as_it_was_meant(typed, grosze):
    assert read_amount(typed) == Money(grosze)


@pytest.mark.parametrize("typed", ["12,345", "1.234", "1,234.56", "1.234,567"])
def test_what_may_be_thousands_or_a_fraction_is_asked_again(polish, typed):
    with pytest.raises(WrongAmount):
        read_amount(typed)


@pytest.mark.parametrize("typed", ["0", "0,00", "-5", "−5", "- 5,00"])
def test_an_amount_is_more_than_nothing(polish, typed):
    with pytest.raises(WrongAmount, match="zer"):
        read_amount(typed)


@pytest.mark.parametrize(
    "typed",
    ["", " ", "abc", "12a", "1 2", "12 34,5", "1e5", "٥٠", "５０", "5,", ",5", "1" * 11, "\x00", "5 5 zł", "5\n0"],
)
def test_what_is_no_amount_is_asked_again(polish, typed):
    with pytest.raises(WrongAmount):
        read_amount(typed)


@given(st.integers(1, 10**12 - 1))
def test_what_a_field_shows_is_read_back_as_it_is(grosze):
    assert read_amount(as_typed(Money(grosze))) == Money(grosze)
