from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban
from stdnum.pl import nip, pesel, regon

from skarbnik import numbers


def digits(*lengths):
    return st.one_of(st.text("0123456789", min_size=length, max_size=length) for length in lengths)


def completed(is_right, stem, tail):
    """The valid number that begins with a stem, if there is one."""
    return next((stem + end for end in tail if is_right(stem + end)), None)


@given(digits(11))
def test_pesel_is_judged_as_stdnum_judges_it(number):
    assert numbers.is_pesel(number) == pesel.is_valid(number)


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31)), st.integers(0, 9999))
def test_every_right_pesel_is_right_for_stdnum_too(birth, serial):
    month = birth.month + {19: 0, 20: 20, 21: 40}[birth.year // 100]
    stem = f"{birth.year % 100:02d}{month:02d}{birth.day:02d}{serial:04d}"
    number = completed(numbers.is_pesel, stem, "0123456789")
    assert number is not None
    assert pesel.calc_check_digit(stem) == number[-1]
    assert numbers.birth_of(number) == birth


@given(digits(10))
def test_nip_is_judged_as_stdnum_judges_it(number):
    assert numbers.is_nip(number) == nip.is_valid(number)


@given(digits(9, 14))
def test_regon_is_judged_as_stdnum_judges_it(number):
    assert numbers.is_regon(number) == regon.is_valid(number)


@given(digits(8, 13))
def test_one_last_digit_makes_a_regon_right(stem):
    number = completed(regon.is_valid, stem, "0123456789")
    assert completed(numbers.is_regon, stem, "0123456789") == number


@given(digits(24))
def test_check_digits_of_an_account_are_judged_as_stdnum_judges_an_iban(body):
    right = next(f"{check:02d}{body}" for check in range(2, 99) if numbers.is_nrb(f"{check:02d}{body}"))
    assert iban.is_valid(f"PL{right}", check_country=False)
    wrong = f"{(int(right[:2]) + 1) % 97:02d}{body}"
    assert not numbers.is_nrb(wrong)


@pytest.mark.parametrize("number", ["44051401359", "02070803628"])
def test_known_pesels_are_right(number):
    assert numbers.is_pesel(number)
