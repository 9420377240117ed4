"""Amounts as people type them, at home and in the office: what can mean one thing only is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from wtforms import Form

from skarbnik.money import ZERO, Money
from skarbnik.web.amounts import WrongAmount, as_typed, read_amount, read_amount_or_zero
from skarbnik.web.fields import Amount


class OneAmount(Form):
    """A form of the office as far as this is about."""

    amount = Amount()


def in_a_form(typed):
    """What a form of the office makes of it; None when it asks again."""
    form = OneAmount(MultiDict({"amount": typed}))
    return form.amount.data if form.validate() else None


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
    assert in_a_form(typed) == Money(grosze)


@pytest.mark.parametrize("typed", ["12,345", "1.234", "1,234.56", "1.234,567"])
def test_what_may_be_thousands_or_a_fraction_is_asked_again(polish, typed):
    with pytest.raises(WrongAmount):
        read_amount(typed)
    assert in_a_form(typed) is None


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


@pytest.mark.parametrize("typed", ["", " ", "0", "0,00", "0 zł"])
def test_a_form_of_the_office_takes_nothing_for_zero(typed):
    assert in_a_form(typed) == ZERO


@given(st.integers(1, 10**12 - 1))
def test_what_a_field_shows_is_read_back_as_it_is(grosze):
    assert read_amount(as_typed(Money(grosze))) == Money(grosze)


SPACES = st.sampled_from([" ", "\u00a0", "\u202f", "\u2009"])


@given(
    grosze=st.integers(0, 10**11 - 1), space=st.just("") | SPACES, point=st.sampled_from(",."),
    unit=st.sampled_from(["", " zł", "zł", "\u00a0zł", " PLN"]), around=st.sampled_from(["", " ", "\u00a0"]),
)  # fmt: skip
def test_an_amount_means_the_same_however_it_is_written(grosze, space, point, unit, around):
    whole = f"{grosze // 100:,}".replace(",", space)
    typed = f"{around}{whole}{point}{grosze % 100:02d}{unit}{around}"

    assert read_amount_or_zero(typed) == Money(grosze)
    assert in_a_form(typed) == Money(grosze)


@given(st.lists(st.integers(0, 9_999).map(str), min_size=2, max_size=4), SPACES)
def test_digits_apart_are_an_amount_only_where_they_are_thousands(groups, space):
    thousands = len(groups[0]) <= 3 and all(len(each) == 3 for each in groups[1:])

    assert (in_a_form(space.join(groups)) is not None) == thousands


@given(st.text(alphabet="0123456789,. -zł\u00a0\u202f", max_size=12))
def test_the_basket_and_the_office_read_the_same(typed):
    try:
        read = read_amount(typed)
    except WrongAmount:
        assert in_a_form(typed) in {None, ZERO}
    else:
        assert in_a_form(typed) == read
