"""What the office enters, and what the core learns from the class alone."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

import skarbnik_przelewy24.plugin as plugin
from skarbnik.plugin_api import Capability
from skarbnik_przelewy24.gateway import Przelewy24Gateway
from skarbnik_przelewy24.settings import Przelewy24Settings

FIELDS = {field.name: field.metadata for field in fields(Przelewy24Settings)}


def test_the_plugin_offers_one_gateway_that_neither_cancels_nor_needs_files():
    assert plugin.payment_gateways() == [Przelewy24Gateway]
    assert Przelewy24Gateway.capabilities == set(Capability) - {Capability.CANCEL, Capability.STATEMENT_FILE}


def test_the_two_keys_are_secret_and_nothing_else_is():
    assert {name for name, words in FIELDS.items() if words["secret"]} == {"api_key", "crc"}


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("base_url", "https://secure.przelewy24.pl", True),
        ("base_url", "https://sandbox.przelewy24.pl", True),
        ("base_url", "http://127.0.0.1:8102", True),
        ("base_url", "http://secure.przelewy24.pl", False),
        ("base_url", "https://secure.przelewy24.pl/", False),
        ("base_url", "https://user@secure.przelewy24.pl", False),
        ("merchant_id", "99001", True),
        ("merchant_id", "099001", False),
        ("merchant_id", "0", False),
        ("pos_id", "99001 ", False),
        ("crc", "fedcba9876543210", True),
        ("crc", "fedcba98 76543210", False),
        ("email", "urzad@lipowo.pl", True),
        ("email", "urzad", False),
        ("email", "u" * 40 + "@lipowo.example", False),
        ("channel", "8192", True),
        ("channel", "-1", False),
    ],
)
def test_what_cannot_be_meant_is_not_taken(name, value, fits):
    assert bool(re.fullmatch(FIELDS[name]["pattern"], value)) is fits


def test_only_the_host_of_przelewy24_is_reached_and_the_point_of_sale_is_named():
    settings = Przelewy24Settings("99000", "99001", "a" * 32, "c" * 16, "u@e.pl", base_url="http://127.0.0.1:8102")
    assert Przelewy24Gateway.hosts(settings) == {"127.0.0.1:8102"}
    assert Przelewy24Gateway.merchant(settings) == "99001"
    assert Przelewy24Settings("1", "1", "a" * 32, "c" * 16, "u@e.pl").base_url == "https://secure.przelewy24.pl"
