"""Which passwords are refused: short ones, leaked ones, and those a stranger would try for this person here."""

import time
from contextlib import suppress

import pytest

from skarbnik.accounts.password_policy import WeakPassword, check_choice, common_words
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


@pytest.mark.parametrize(
    "password",
    [
        "@4$3!0" * 33,
        "ab1" * 66,
        "a" * 200,
        "Zq4!" * 50,
        "0+[3!|6&21#$#6/&$$220/34%832#[353|4[|(/{(#@[8(1$714@3@0|7<&4!263|<|&+|/9[+[521${@0902{7<9+||9({{",
        "016+4[/5(9!2{#|@7$3<" * 10,
        "7515+0|!5940|27285+8549690959273747369101|308|+87+19371@70@00!4!" * 3,
    ],
)
def test_a_long_password_costs_no_more_than_a_moment(password):
    """Whoever sends the longest and worst keeps no thread for long: nobody has to be signed in for it."""
    begun = time.process_time()
    with suppress(WeakPassword):
        check_choice(password)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("password", ["P@$$w0rd!2026", "!l0v3y0u|+($", "($$!p@ssw0rd"])
def test_signs_that_stand_for_letters_hide_no_word(password):
    with pytest.raises(WeakPassword):
        check_choice(password)


def test_common_words_are_written_as_they_are_compared():
    assert len(common_words()) > 100
    assert [each for each in common_words() if not each.isascii() or each != each.lower() or len(each) < 4] == []
