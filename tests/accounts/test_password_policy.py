"""Which passwords are refused: short ones, leaked ones, and those a stranger would try for this person here."""

import time
from contextlib import suppress

import pytest

from skarbnik.accounts.password_policy import LOOKED_AT, WeakPassword, check_choice, common_words
from skarbnik.testing.factories import PASSWORD

HERE = ("Gmina Międzylesie", "Anna Brzęczyszczykiewicz", "a.nowakowska@poczta.example")


@pytest.mark.parametrize(
    "password",
    [
        "krótkie",
        "123456789",
        "1234567890",
        "qwertyuiop",
        "password123",
        "iloveyou2024",
        "polska1234",
        "Mojehaslo1!",
        "kochanie123",
        "zaq12wsxcde3",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "Międzylesie2026",
        "miedzylesie!1",
        "Brzeczyszczykiewicz1",
        "Nowakowska.1990",
        "Anna.Krakow.2026",
        "x" * 201,
    ],
)
def test_what_others_guess_first_is_refused(password):
    with pytest.raises(WeakPassword) as refused:
        check_choice(password, words=HERE)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    "password",
    ["narutoeditionro321", "Narutoeditionro321", "thefitandthefamous", "correcthorsebatterystaple", "Lokiodinluna69"],
)
def test_one_that_leaked_is_refused_though_it_looks_strong(password):
    """A whole sentence, too: who has the list tries it as it stands."""
    with pytest.raises(WeakPassword, match="leaked"):
        check_choice(password, words=HERE)


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "trzy słowa razem",
        "za krótkie może",
        "потрійний замок біля річки",
        "kotek ugotował żurek",
        "hT9#vLq2!mZx",
        "Anna lubi bigos z papryką",
        "x7" + "krowa na rowerze " * 11,
    ],
)
def test_no_rule_says_which_letters_a_password_has(password):
    check_choice(password, words=HERE)


def test_a_long_password_costs_no_more_than_a_moment():
    """Whoever sends the longest and worst keeps no thread for long."""
    begun = time.perf_counter()
    for each in ("@4$3!0" * 33, "ab1" * 66, "a" * 200, "Zq4!" * 50):
        with suppress(WeakPassword):
            check_choice(each)
    assert time.perf_counter() - begun < 2
    assert LOOKED_AT <= 100


def test_common_words_are_written_as_they_are_compared():
    assert len(common_words()) > 100
    assert [each for each in common_words() if not each.isascii() or each != each.lower() or len(each) < 4] == []
