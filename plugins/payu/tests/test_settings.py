"""What the office enters, and what the core learns from the class alone."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

import skarbnik_payu.plugin as plugin
from skarbnik.plugin_api import Capability
from skarbnik_payu.gateway import PayuGateway
from skarbnik_payu.settings import PayuSettings

FIELDS = {field.name: field.metadata for field in fields(PayuSettings)}


def test_what_the_one_gateway_of_the_plugin_can_do():
    assert plugin.payment_gateways() == [PayuGateway]
    assert PayuGateway.capabilities == {
        Capability.CANCEL,
        Capability.REFUND,
        Capability.METHODS,
        Capability.BLIK,
        Capability.STATEMENT_FILE,
        Capability.ACCESS_CHECK,
    }


def test_the_two_keys_are_secret_and_nothing_else_is():
    assert {name for name, words in FIELDS.items() if words["secret"]} == {"client_secret", "second_key"}


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("https://secure.payu.com", True),
        ("https://secure.snd.payu.com", True),
        ("http://127.0.0.1:8101", True),
        ("http://secure.payu.com", False),
        ("https://secure.payu.com/", False),
        ("https://user@secure.payu.com", False),
        ("ftp://secure.payu.com", False),
    ],
)
def test_keys_leave_this_machine_encrypted_or_not_at_all(address, fits):
    assert bool(re.fullmatch(FIELDS["base_url"]["pattern"], address)) is fits


def test_only_the_host_of_payu_is_reached_and_the_pos_is_named():
    settings = PayuSettings("300746", "300746", "c" * 32, "k" * 32, base_url="http://127.0.0.1:8101")
    assert PayuGateway.hosts(settings) == {"127.0.0.1:8101"}
    assert PayuGateway.merchant(settings) == "300746"
    assert PayuSettings("1", "1", "c" * 32, "k" * 32).base_url == "https://secure.payu.com"
