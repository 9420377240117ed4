"""Whose questions are counted together."""

import pytest

from skarbnik.web.limits import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:1::7", "2001:db8:1:1::"),
        ("2001:db8:1:1:ffff::7", "2001:db8:1:1::"),
        ("2001:db8:1:2::7", "2001:db8:1:2::"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:8080", "203.0.113.7:8080"),
        ("unknown", "unknown"),
        ("", "::"),
        (None, "::"),
    ],
)
def test_a_house_is_one_and_neighbours_are_not(address, network):
    assert network_of(address) == network


def test_an_account_is_guarded_for_whole_networks():
    assert network_of("203.0.113.7", v4=24) == "203.0.113.0"
    assert network_of("2001:db8:1:1::7", v6=48) == "2001:db8:1::"
