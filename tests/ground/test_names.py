"""Names are compared as a clerk compares them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.names import fold, is_like

NAMES = st.lists(st.sampled_from(["Anna", "Łucja", "Żółć", "Kowalska", "Nowak", "Józef"]), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna Kowalska", "Kowalska Anna"),
        ("Anna Kowalska", "KOWALSKA ANNA MARIA"),
        ("Łucja Żółć", "Zolc Lucja"),
        ("Anna Nowak", "Anna Kowalska-Nowak"),
    ],
)
def test_one_person_written_in_two_ways(one, other):
    assert is_like(one, other)
    assert is_like(other, one)


@pytest.mark.parametrize("other", ["Anna Nowak", "Jan Kowalski", "", "123"])
def test_two_people(other):
    assert not is_like("Anna Kowalska", other)


@given(NAMES, NAMES)
def test_order_and_case_and_accents_are_nothing(one, other):
    assert is_like(" ".join(one), " ".join(reversed(one)).upper())
    assert is_like(" ".join(one), " ".join(other)) == is_like(fold(" ".join(other)), fold(" ".join(one)))
