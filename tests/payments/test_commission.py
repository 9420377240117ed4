"""What a gateway takes, as it is shown before paying."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.money import Money
from skarbnik.payments.commission import commission_on


@pytest.mark.parametrize(
    ("grosze", "rate", "fixed", "commission"),
    [
        (10_000, 99, 5, 104),  # 0,99 % + 0,05 zł
        (100, 99, 0, 1),
        (50, 100, 0, 1),  # half a grosz goes up
        (49, 100, 0, 0),
        (1, 0, 5, 5),
        (123_456_789, 99, 5, 1_222_227),
    ],
)
def test_a_commission_is_a_rate_and_a_fixed_sum_to_the_grosz(grosze, rate, fixed, commission):
    assert commission_on(Money(grosze), rate=rate, fixed=Money(fixed)) == Money(commission)


@given(st.integers(1, 10**12), st.integers(0, 1000), st.integers(0, 1000))
def test_it_is_never_further_than_half_a_grosz_from_what_the_contract_says(grosze, rate, fixed):
    exact = Fraction(grosze * rate, 10_000) + fixed
    found = commission_on(Money(grosze), rate=rate, fixed=Money(fixed)).grosze

    assert abs(found - exact) <= Fraction(1, 2)
