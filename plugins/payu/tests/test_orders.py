"""A payment from its start to its end, against the running simulator."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import requests

from skarbnik.plugin_api import (
    ExternalSystemError,
    Misconfigured,
    Money,
    PaymentItem,
    Refused,
    TransactionState,
)


def order_answer(wire, key, **changes):
    order = {
        "orderId": "A1",
        "extOrderId": key.transaction_id.hex,
        "merchantPosId": "300746",
        "currencyCode": "PLN",
        "totalAmount": "12345",
        "status": "COMPLETED",
    }
    order = {name: value for name, value in (order | changes).items() if value is not None}
    return wire.answer(200, {"orders": [order], "status": {"statusCode": "SUCCESS"}, "properties": None})


def test_a_started_payment_has_a_number_and_a_page_to_pay_on(gateway, order):
    started = gateway.start(order())
    page = requests.get(started.redirect_url, timeout=10)
    assert page.status_code == 200
    assert "123,45 zł" in page.text
    assert started.external_id in page.text


def test_a_payment_is_pending_until_it_is_paid_and_then_names_its_facts(gateway, simulator, started):
    request, payment, key = started
    assert gateway.fetch(key).state is TransactionState.PENDING

    simulator.pay(payment.external_id)

    report = gateway.fetch(key)
    assert report.state is TransactionState.COMPLETED
    assert (report.transaction_id, report.external_id) == (request.transaction_id, payment.external_id)
    assert (report.amount, report.currency, report.merchant) == (Money(12_345), "PLN", "300746")
    assert report.method == "PBL"
    assert report.payment_id.isdigit()


def test_what_is_sent_is_what_payu_asks_for(gateway, wire, order):
    request = order(payer_ip="2001:db8::1", payer_email=None)
    gateway, http = wire(wire.answer(302, {"status": {"statusCode": "SUCCESS"}, "orderId": "A1"}))
    gateway.start(request)
    sent = json.loads(http.asked[1][2]["body"])
    assert sent == {
        "extOrderId": request.transaction_id.hex,
        "merchantPosId": "300746",
        "customerIp": "2001:0db8:0000:0000:0000:0000:0000:0001",
        "description": "Podatek od nieruchomości, rata III",
        "currencyCode": "PLN",
        "totalAmount": "12345",
        "products": [
            {"name": "Rata III", "unitPrice": "12000", "quantity": "1", "virtual": True},
            {"name": "Odsetki", "unitPrice": "345", "quantity": "1", "virtual": True},
        ],
        "notifyUrl": request.notify_url,
        "continueUrl": request.return_url,
        "validityTime": "900",
    }


@pytest.mark.parametrize("payer_ip", ["203.0.113.7", "2001:db8::1", "::ffff:203.0.113.7"])
def test_payu_takes_every_way_to_write_an_address(gateway, order, payer_ip):
    assert gateway.start(order(payer_ip=payer_ip)).external_id


@pytest.mark.parametrize(
    "changes",
    [
        {"payer_ip": "0.0.0.0"},
        {"payer_ip": "nowhere"},
        {"title": "x" * 4001},
        {"items": ()},
        {"items": (PaymentItem("x" * 256, Money(1)),)},
        {"currency": "USD"},
        {"amount": Money(0)},
        {"notify_url": "https://gmina.example.pl/" + "x" * 1024},
    ],
)
def test_what_breaks_a_limit_of_payu_is_refused(gateway, order, changes):
    with pytest.raises(Refused):
        gateway.start(order(**changes))


def test_the_same_payment_started_twice_is_one_order(gateway, simulator, order):
    request = order()
    first = gateway.start(request)
    second = gateway.start(request)
    assert (second.external_id, second.redirect_url) == (first.external_id, None)
    assert len(simulator.orders(request.transaction_id.hex)) == 1


def test_a_cancelled_payment_keeps_its_number_for_ever(gateway, order, key):
    request = order()
    first = gateway.start(request)
    assert gateway.cancel(key(request, first.external_id)).state is TransactionState.REJECTED
    assert gateway.start(request).external_id == first.external_id


def test_cancelling_what_is_paid_already_reports_it_as_paid(gateway, simulator, started):
    _, payment, key = started
    simulator.pay(payment.external_id)
    assert gateway.cancel(key).state is TransactionState.COMPLETED


def test_cancelling_what_payu_does_not_have_is_unknown(gateway, order, key):
    assert gateway.cancel(key(order(), "NOSUCHORDER")).state is TransactionState.UNKNOWN
    assert gateway.cancel(key(order(), None)).state is TransactionState.UNKNOWN


def test_a_payment_of_another_gmina_is_not_there_for_us(simulator, connect, started):
    assert connect(simulator, "145227").fetch(started[2]).state is TransactionState.UNKNOWN


def test_a_pos_that_is_not_that_of_the_token_is_a_matter_of_settings(simulator, gateway, order, monkeypatch):
    monkeypatch.setattr(
        "skarbnik_payu.gateway.order_body", lambda request, settings: BODY | {"merchantPosId": "145227"}
    )
    with pytest.raises(Misconfigured, match="INVALID_AUTH_FOR_THIS_ORDER"):
        gateway.start(order())


BODY = {
    "customerIp": "203.0.113.7",
    "description": "x",
    "currencyCode": "PLN",
    "totalAmount": "1",
    "products": [{"name": "x", "unitPrice": "1", "quantity": "1"}],
}


def test_a_payment_that_waits_to_be_confirmed_is_confirmed_by_asking(gateway, simulator, started):
    simulator.post("/_sim/pos/300746", {"auto_receive": False})
    _, payment, key = started
    simulator.pay(payment.external_id)
    assert simulator.money(payment.external_id) == []

    assert gateway.fetch(key).state is TransactionState.COMPLETED
    assert simulator.money(payment.external_id) == [("payment", 12_345, "PLN")]


def test_a_wrong_sum_that_waits_to_be_confirmed_is_left_alone(gateway, simulator, started):
    simulator.post("/_sim/pos/300746", {"auto_receive": False})
    simulator.fault("wrong_amount")
    _, payment, key = started
    simulator.pay(payment.external_id)
    assert gateway.fetch(key).state is TransactionState.PENDING
    assert simulator.money(payment.external_id) == []


def test_a_payment_that_waits_to_be_confirmed_is_cancelled_twice_when_needed(gateway, simulator, started):
    simulator.post("/_sim/pos/300746", {"auto_receive": False})
    simulator.fault("cancel_twice")
    _, payment, key = started
    simulator.pay(payment.external_id)
    assert gateway.cancel(key).state is TransactionState.REJECTED
    assert simulator.money(payment.external_id) == []


def test_a_payment_confirmed_by_somebody_else_meanwhile_is_paid(wire):
    key = wire.key(wire.request(), "A1")
    waiting = order_answer(wire, key, status="WAITING_FOR_CONFIRMATION")
    wrong_state = wire.answer(400, {"status": {"statusCode": "ERROR_VALUE_INVALID", "code": "108"}})
    gateway, http = wire(waiting, wrong_state, order_answer(wire, key))
    assert gateway.fetch(key).state is TransactionState.COMPLETED
    assert [method for method, _, _ in http.asked[1:]] == ["GET", "POST", "GET"]


@pytest.mark.parametrize(
    "changes",
    [
        {"totalAmount": None},
        {"totalAmount": 12345},
        {"totalAmount": 123.45},
        {"totalAmount": "123.45"},
        {"totalAmount": "-1"},
        {"totalAmount": "١٢"},
        {"currencyCode": None},
        {"extOrderId": None},
        {"extOrderId": "SHOP-17"},
        {"status": "REJECTED"},
        {"status": None},
        {"orderId": None},
    ],
)
def test_an_order_that_lacks_a_fact_is_no_report(wire, changes):
    key = wire.key(wire.request(), "A1")
    gateway, _ = wire(order_answer(wire, key, **changes))
    with pytest.raises(ExternalSystemError):
        gateway.fetch(key)


def test_facts_that_differ_from_the_order_are_reported_as_they_are(wire, new_id):
    key, other = wire.key(wire.request(), "A1"), new_id()
    changes = {"extOrderId": other.hex, "merchantPosId": "145227", "totalAmount": "1", "currencyCode": "EUR"}
    gateway, _ = wire(order_answer(wire, key, **changes))
    report = gateway.fetch(key)
    assert (report.transaction_id, report.merchant, report.amount, report.currency) == (
        other,
        "145227",
        Money(1),
        "EUR",
    )


def test_the_ways_to_pay_are_those_that_work_now(gateway):
    methods = {method.id: method for method in gateway.methods(language="pl")}
    assert methods["blik"].name == "BLIK"
    assert (methods["blik"].smallest, methods["blik"].largest) == (Money(50), Money(99_999_999))
    assert "c" not in methods  # PayU says TEMPORARY_DISABLED


def test_a_payment_nobody_pays_runs_out(gateway, simulator, order, key, until):
    request = order(valid_for=timedelta(seconds=1))
    started = gateway.start(request)
    until(lambda: gateway.fetch(key(request, started.external_id)).state is TransactionState.REJECTED)
