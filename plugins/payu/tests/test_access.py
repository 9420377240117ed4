"""One token for a POS, renewed early, and once when PayU does not take it."""

from __future__ import annotations

import time

import pytest

from skarbnik.plugin_api import ExternalSystemError, Misconfigured, Nonsense, OutcomeUnknown
from skarbnik_payu.gateway import PayuGateway

FOUND = {"payByLinks": [{"value": "blik", "name": "BLIK", "status": "ENABLED", "minAmount": 50, "maxAmount": 9900}]}
EXPIRED = {"error": "invalid_token", "error_description": "expired"}


def tokens(http):
    return [more["headers"]["Authorization"] for method, url, more in http.asked if "oauth" not in url]


def test_one_token_serves_many_calls(wire):
    gateway, http = wire(wire.answer(200, FOUND), wire.answer(200, FOUND))
    gateway.methods(language="pl")
    gateway.methods(language="pl")
    assert tokens(http) == ["Bearer token-1", "Bearer token-1"]


def test_a_token_is_renewed_before_it_expires(wire, monkeypatch):
    http = wire.Http(wire.token("first", 1000), wire.answer(200, FOUND), wire.token("second"), wire.answer(200, FOUND))
    gateway = PayuGateway(wire.settings(), http)
    gateway.methods(language="pl")
    later = time.monotonic() + 950
    monkeypatch.setattr("skarbnik_payu.access.time.monotonic", lambda: later)
    gateway.methods(language="pl")
    assert tokens(http) == ["Bearer first", "Bearer second"]


def test_a_token_payu_does_not_take_is_renewed_once(wire):
    gateway, http = wire(wire.answer(401, EXPIRED), wire.token("second"), wire.answer(200, FOUND))
    gateway.methods(language="pl")
    assert tokens(http) == ["Bearer token-1", "Bearer second"]


def test_a_second_401_means_the_keys_are_wrong(wire):
    gateway, http = wire(wire.answer(401, EXPIRED), wire.token("second"), wire.answer(401, EXPIRED))
    with pytest.raises(Misconfigured):
        gateway.methods(language="pl")
    assert len(http.asked) == 4


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_keys_are_a_matter_of_settings_and_appear_nowhere(wire, status):
    gateway = PayuGateway(wire.settings(), wire.Http(wire.answer(status, {"error": "invalid_client"})))
    with pytest.raises(Misconfigured) as caught:
        gateway.start(wire.request())
    assert wire.settings().client_secret not in str(caught.value)


@pytest.mark.parametrize(
    "given", [(500, b"<html>"), (429, b""), (200, b"<html>"), (200, {}), (200, []), (302, b""), OutcomeUnknown("cut")]
)
def test_no_token_means_no_payment_was_asked_for(wire, given):
    bad = given if isinstance(given, Exception) else wire.answer(*given)
    gateway = PayuGateway(wire.settings(), wire.Http(bad))
    with pytest.raises(ExternalSystemError) as caught:
        gateway.start(wire.request())
    assert type(caught.value) in {ExternalSystemError, Nonsense}


def test_secrets_are_not_shown_with_the_settings(wire):
    shown = repr(wire.settings())
    assert wire.settings().client_secret not in shown
    assert wire.settings().second_key not in shown


def test_nothing_private_is_logged(wire, caplog):
    caplog.set_level("DEBUG")
    gateway, _ = wire(
        wire.answer(302, {"status": {"statusCode": "SUCCESS"}, "orderId": "A1", "redirectUri": "https://x"})
    )
    gateway.start(wire.request())
    assert "correlation c-1" in caplog.text
    for private in ("token-1", wire.settings().client_secret, "mieszkaniec@example.pl"):
        assert private not in caplog.text


def test_right_keys_are_given_a_token_and_wrong_ones_are_named(wire):
    PayuGateway(wire.settings(), wire.Http(wire.token("first"))).check_access()

    with pytest.raises(Misconfigured):
        PayuGateway(wire.settings(), wire.Http(wire.answer(401, {"error": "invalid_client"}))).check_access()
