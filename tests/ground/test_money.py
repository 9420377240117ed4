"""Amounts are whole grosze: nothing is rounded, and nothing but money is added to money."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.money import Amounts, Money

GROSZE = st.integers(-(10**14), 10**14)
MONEY = GROSZE.map(Money)
AMOUNTS = st.builds(Amounts, MONEY, MONEY, MONEY)


@given(MONEY)
def test_an_amount_written_down_is_read_back_to_the_grosz(amount):
    assert Money.parse(str(amount)) == amount


@given(st.lists(GROSZE))
def test_a_sum_of_amounts_is_the_sum_of_their_grosze(many):
    assert Money.total(map(Money, many)) == Money(sum(many))


@given(MONEY, MONEY)
def test_what_is_taken_away_can_be_given_back(one, other):
    assert one - other + other == one
    assert -(one - other) == other - one
    assert (one < other) == (one.grosze < other.grosze)


@pytest.mark.parametrize("text", ["1", "1.5", "1,50", "1.500", " 1.00", "+1.00", "1_0.00", "--1.00", "", ".50", "٣.00"])
def test_an_amount_written_in_another_way_is_refused(text):
    with pytest.raises(ValueError, match=r"1234\.56"):
        Money.parse(text)


@pytest.mark.parametrize("value", [1.0, True, "100", None])
def test_only_whole_grosze_are_money(value):
    with pytest.raises(TypeError, match="whole grosze"):
        Money(value)


@pytest.mark.parametrize("other", [1, 0.5, "1.00", None])
def test_nothing_but_money_is_added_to_money_or_compared_with_it(other):
    for reckon in (lambda: Money(1) + other, lambda: Money(1) - other, lambda: Money(1) < other):
        with pytest.raises(TypeError):
            reckon()
    assert Money(1) != other


@given(st.lists(AMOUNTS, max_size=8))
def test_principal_interest_and_costs_are_never_mixed(many):
    whole = Amounts.sum(many)

    for part in ("principal", "interest", "costs"):
        assert getattr(whole, part) == Money.total(getattr(each, part) for each in many)
    assert whole.total == Money.total(each.total for each in many)


@given(AMOUNTS, AMOUNTS)
def test_an_overpaid_part_does_not_lower_what_is_left_of_the_others(debt, paid):
    left = (debt - paid).not_below_zero()

    for part in ("principal", "interest", "costs"):
        assert getattr(left, part) == max(getattr(debt, part) - getattr(paid, part), Money(0))


PARTS = st.builds(Amounts, *[st.integers(0, 10**9).map(Money)] * 3)


@given(PARTS, st.data())
def test_a_part_is_split_in_proportion_and_to_the_grosz(whole, data):
    total = Money(data.draw(st.integers(0, whole.total.grosze)))

    part = whole.split(total)

    assert part.total == total
    for share, of in zip(
        (part.principal, part.interest, part.costs), (whole.principal, whole.interest, whole.costs), strict=True
    ):
        assert Money(0) <= share <= of
        assert abs(share.grosze * whole.total.grosze - of.grosze * total.grosze) < max(whole.total.grosze, 1)


@given(PARTS, st.lists(st.integers(0, 10**9), max_size=5))
def test_parts_taken_one_after_another_come_to_the_whole(whole, takes):
    left = whole
    for take in takes:
        left -= left.split(Money(min(take, left.total.grosze)))
    assert left - left.split(left.total) == Amounts()


@pytest.mark.parametrize("total", [-1, 101])
def test_no_part_is_below_nothing_or_above_the_whole(total):
    with pytest.raises(ValueError, match="is no part of"):
        Amounts(Money(60), Money(40)).split(Money(total))


def test_worked_examples_of_a_split():
    assert Amounts(Money(10_000), Money(900), Money(1_600)).split(Money(5_000)) == Amounts(
        Money(4_000), Money(360), Money(640)
    )
    assert Amounts(Money(1), Money(1), Money(1)).split(Money(1)) == Amounts(Money(1))
    assert Amounts(Money(1), Money(1), Money(1)).split(Money(2)) == Amounts(Money(1), Money(1))
