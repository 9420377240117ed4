"""BLIK codes that were typed on our page, as Przelewy24 takes and refuses them."""

import json

import pytest

from skarbnik.plugin_api import BlikProblem, BlikRefused, ExternalSystemError, OutcomeUnknown, TransactionState

CODE = "777123"
REGISTERED = {"data": {"token": "AAA-BBB"}, "responseCode": 0}


def test_the_code_charges_the_transaction_that_was_just_registered(wire):
    charged = wire.answer(201, {"data": {"orderId": 4_300_000_001, "message": ""}, "responseCode": 0})
    gateway, http = wire(wire.answer(200, REGISTERED), charged)
    request = wire.request(blik_code=CODE, payer_agent="Mozilla/5.0")
    started = gateway.start(request)

    registered, sent = (json.loads(more["body"]) for _method, _url, more in http.asked)
    assert registered["additional"] == {"PSU": {"IP": request.payer_ip, "userAgent": "Mozilla/5.0"}}
    assert CODE not in str(registered)
    assert http.asked[1][1].endswith("/paymentMethod/blik/chargeByCode")
    assert sent == {"token": "AAA-BBB", "blikCode": CODE}
    assert (started.external_id, started.redirect_url) == (request.transaction_id.hex, None)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"error": "ER_WRONG_TICKET", "code": 28}, BlikProblem.WRONG),
        ({"error": "", "code": 30}, BlikProblem.EXPIRED),
        ({"error": "", "code": "33"}, BlikProblem.CANCELLED),
        ({"error": "ER_TIC_USED", "code": 400}, BlikProblem.USED),
        ({"error": "LIMIT_EXCEEDED", "code": 60}, BlikProblem.REFUSED),
        ({"error": ["?"], "code": True}, BlikProblem.REFUSED),
        ({}, BlikProblem.REFUSED),
    ],
)
def test_a_code_that_does_not_pay_is_refused_with_the_reason(wire, body, problem):
    gateway, _http = wire(wire.answer(200, REGISTERED), wire.answer(400, body))
    request = wire.request(blik_code=CODE)

    with pytest.raises(BlikRefused) as refused:
        gateway.start(request)
    assert refused.value.problem is problem
    assert refused.value.external_id == request.transaction_id.hex


def test_a_merchant_who_may_not_charge_codes_is_told_so_and_not_that_the_keys_are_wrong(simulator, gateway, order):
    simulator.switch(takes_codes=False)
    try:
        with pytest.raises(BlikRefused) as refused:
            gateway.start(order(blik_code=CODE))
    finally:
        simulator.switch(takes_codes=True)
    assert refused.value.problem is BlikProblem.NOT_HERE


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_bad_day_is_no_refusal_of_the_code(wire, status):
    gateway, _http = wire(wire.answer(200, REGISTERED), wire.answer(status, b"<html>"))

    with pytest.raises(ExternalSystemError) as told:
        gateway.start(wire.request(blik_code=CODE))
    assert not isinstance(told.value, BlikRefused)
    assert isinstance(told.value, OutcomeUnknown) == (status >= 500)


def test_a_charge_whose_answer_is_lost_is_unknown_and_found_later(simulator, gateway, order, key, until):
    simulator.fault("timeout_after_charge", value=2)
    request = order(blik_code=CODE)

    with pytest.raises(OutcomeUnknown):
        gateway.start(request)
    until(lambda: gateway.fetch(key(request, None)).state is TransactionState.COMPLETED)


def test_what_the_bank_refuses_stays_unpaid(gateway, order, key):
    request = order(blik_code="500500")
    started = gateway.start(request)

    assert gateway.fetch(key(request, started.external_id)).state is TransactionState.PENDING
