"""Who asks is said with every call; whether we are taken can be tried before anybody pays."""

from __future__ import annotations

import pytest

from skarbnik.plugin_api import ExternalSystemError, Misconfigured, OutcomeUnknown

TAKEN = {"data": True, "error": ""}
REFUSED = {"error": "Incorrect authentication", "code": 401}


def test_the_point_of_sale_and_its_key_go_with_every_call(wire):
    gateway, http = wire(wire.answer(200, TAKEN))
    gateway.check_access()
    method, url, more = http.asked[0]
    assert (method, url) == ("GET", "https://secure.przelewy24.pl/api/v1/testAccess")
    assert more["basic"] == ("99001", wire.settings().api_key)


def test_right_keys_are_taken(gateway):
    gateway.check_access()


def test_a_wrong_key_is_a_matter_of_settings(simulator, connect):
    with pytest.raises(Misconfigured):
        connect(simulator, api_key="x" * 32).check_access()


def test_another_point_of_sale_with_our_key_of_the_first_is_let_in_only_as_itself(simulator, connect, started):
    other = connect(simulator, "99002")
    other.check_access()
    assert other.fetch(started[2]).external_id == started[2].external_id
    assert other.fetch(started[2]).payment_id is None


@pytest.mark.parametrize("status", [401, 403])
def test_refused_keys_appear_nowhere(wire, status):
    gateway, _ = wire(wire.answer(status, REFUSED))
    with pytest.raises(Misconfigured) as caught:
        gateway.start(wire.request())
    for secret in (wire.settings().api_key, wire.settings().crc):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [(200, {"data": False}), (200, {"data": "true"}), (200, {}), (200, b"<html>"), (503, b""), OutcomeUnknown("cut")],
)
def test_an_answer_that_says_nothing_is_no_yes(wire, given):
    gateway, _ = wire(given if isinstance(given, Exception) else wire.answer(*given))
    with pytest.raises(ExternalSystemError) as caught:
        gateway.check_access()
    assert not isinstance(caught.value, (Misconfigured, OutcomeUnknown))


def test_secrets_are_not_shown_with_the_settings(wire):
    shown = repr(wire.settings())
    assert wire.settings().api_key not in shown
    assert wire.settings().crc not in shown


def test_nothing_private_is_logged(wire, caplog):
    caplog.set_level("DEBUG")
    gateway, _ = wire(wire.answer(200, {"data": {"token": "ABC-1"}, "responseCode": 0}))
    gateway.start(wire.request())
    assert "/transaction/register: 200" in caplog.text
    for private in (wire.settings().api_key, wire.settings().crc, "mieszkaniec@example.pl", "ABC-1"):
        assert private not in caplog.text
