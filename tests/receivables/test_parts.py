"""Less than the whole: how the law divides it, to the grosz."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skarbnik.money import ZERO, Amounts, Money
from skarbnik.plugin_api import Regime
from skarbnik.receivables.parts import NoSuchPart, smallest_part, split_part

grosze = st.integers(0, 10**10).map(Money)
amounts = st.builds(Amounts, grosze, grosze, grosze)
regimes = st.sampled_from(list(Regime))


@st.composite
def parts(draw):
    """What is left, and how much of it somebody pays."""
    left = draw(amounts)
    assume(left.total)
    least = smallest_part(left.total).grosze
    return left, Money(draw(st.integers(least, left.total.grosze)))


@given(parts(), regimes)
def test_the_three_parts_are_together_what_is_paid_and_none_is_above_what_is_left(case, regime):
    left, wanted = case
    paid = split_part(regime, left, wanted)

    assert paid.total == wanted
    assert ZERO <= paid.principal <= left.principal
    assert ZERO <= paid.interest <= left.interest
    assert ZERO <= paid.costs <= left.costs


@given(parts(), regimes)
def test_the_costs_of_a_reminder_come_first(case, regime):
    left, wanted = case
    assert split_part(regime, left, wanted).costs == min(left.costs, wanted)


@given(parts())
def test_a_tax_is_paid_in_the_proportion_of_principal_and_interest_to_half_a_grosz(case):
    left, wanted = case
    paid = split_part(Regime.TAX, left, wanted)
    owed, came = left.principal + left.interest, paid.principal + paid.interest

    assume(owed)
    exact = Fraction(came.grosze * left.interest.grosze, owed.grosze)
    assert abs(paid.interest.grosze - exact) <= Fraction(1, 2)


@given(parts(), st.sampled_from([Regime.CIVIL, Regime.NONE]))
def test_of_a_civil_debt_the_principal_is_paid_when_nothing_else_is_left(case, regime):
    left, wanted = case
    paid = split_part(regime, left, wanted)

    assert paid.principal == ZERO or (paid.interest, paid.costs) == (left.interest, left.costs)


@given(amounts, regimes)
def test_all_of_it_is_all_of_each_part(left, regime):
    assume(left.total)
    assert split_part(regime, left, left.total) == left


@given(parts(), regimes)
def test_what_is_left_after_a_part_can_be_paid_to_the_last_grosz(case, regime):
    left, wanted = case
    rest = left - split_part(regime, left, wanted)

    if rest.total:
        assert split_part(regime, rest, rest.total) == rest


@pytest.mark.parametrize(
    ("regime", "wanted", "paid"),
    [
        (Regime.TAX, "109.00", ("91.74", "8.26", "9.00")),  # 100 of 1000 + 90: 91,743 and 8,257
        (Regime.TAX, "9.00", ("0.00", "0.00", "9.00")),
        (Regime.TAX, "1.00", ("0.00", "0.00", "1.00")),
        (Regime.CIVIL, "109.00", ("10.00", "90.00", "9.00")),
        (Regime.CIVIL, "99.00", ("0.00", "90.00", "9.00")),
        (Regime.CIVIL, "1099.00", ("1000.00", "90.00", "9.00")),
    ],
)
def test_a_payment_of_1000_principal_90_interest_9_costs(regime, wanted, paid):
    left = Amounts(Money(100_000), Money(9_000), Money(900))

    assert split_part(regime, left, Money.parse(wanted)) == Amounts(*map(Money.parse, paid))


def test_half_a_grosz_goes_to_the_interest():
    assert split_part(Regime.TAX, Amounts(Money(150), Money(150)), Money(101)) == Amounts(Money(50), Money(51))


@pytest.mark.parametrize("wanted", [0, -1, -100, 99, 10_001])
def test_nothing_less_than_a_zloty_and_more_than_is_left_are_no_parts(wanted):
    with pytest.raises(NoSuchPart):
        split_part(Regime.TAX, Amounts(Money(10_000)), Money(wanted))


def test_who_owes_less_than_a_zloty_pays_all_of_it():
    left = Amounts(Money(40))

    assert split_part(Regime.TAX, left, Money(40)) == left
    with pytest.raises(NoSuchPart):
        split_part(Regime.TAX, left, Money(39))
