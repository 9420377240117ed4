"""What the core and an identity provider say to each other."""

import pytest

from skarbnik.plugin_api import Assurance, BrowserAnswer, SignInReason, SignInRefused


@pytest.mark.parametrize(
    ("had", "wanted", "enough"),
    [
        ("low", "low", True),
        ("low", "substantial", False),
        ("substantial", "low", True),
        ("substantial", "high", False),
        ("high", "substantial", True),
        ("high", "high", True),
    ],
)
def test_a_level_of_assurance_reaches_itself_and_those_below(had, wanted, enough):
    assert Assurance(had).reaches(Assurance(wanted)) is enough


def test_a_field_the_browser_brings_twice_is_as_good_as_none():
    answer = BrowserAnswer("POST", (("code", "a"), ("state", "b"), ("code", "a")))

    assert answer.only("state") == "b"
    assert answer.only("code") is None
    assert answer.only("iss") is None


def test_a_refused_person_is_told_the_same_whatever_the_reason():
    told = {str(SignInRefused(reason, "audience")) for reason in SignInReason}

    assert told == {"the sign-in was refused"}
