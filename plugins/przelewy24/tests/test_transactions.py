"""A payment from its start to its end: registered, paid, and the gmina's only when it is verified."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import requests

from skarbnik.plugin_api import (
    ExternalSystemError,
    Misconfigured,
    Money,
    OutcomeUnknown,
    Refused,
    TransactionState,
)


def sent(http, place=0):
    return json.loads(http.asked[place][2]["body"])


def test_a_started_payment_has_a_page_to_pay_on(gateway, order):
    started = gateway.start(order())
    page = requests.get(started.redirect_url, timeout=10)
    assert page.status_code == 200
    assert "123,45 zł" in page.text


def test_what_is_sent_is_what_they_ask_for(wire):
    request = wire.request()
    gateway, http = wire(wire.answer(200, {"data": {"token": "AB-1"}, "responseCode": 0}))
    started = gateway.start(request)
    body = sent(http)
    assert len(body.pop("sign")) == 96
    assert body == {
        "merchantId": 99001,
        "posId": 99001,
        "sessionId": request.transaction_id.hex,
        "amount": 12345,
        "currency": "PLN",
        "description": "Podatek od nieruchomości, rata III",
        "email": "mieszkaniec@example.pl",
        "country": "PL",
        "language": "pl",
        "urlReturn": request.return_url,
        "urlStatus": request.notify_url,
        "timeLimit": 15,
        "waitForResult": True,
    }
    assert started.external_id == request.transaction_id.hex
    assert started.redirect_url == "https://secure.przelewy24.pl/trnRequest/AB-1"


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"payer_email": None}, "email", "urzad@example.pl"),
        ({"payer_email": "a" * 40 + "@example.pl"}, "email", "urzad@example.pl"),
        ({"payer_email": "a" * 39 + "@example.pl"}, "email", "a" * 39 + "@example.pl"),
        ({"language": "uk"}, "language", "en"),
        ({"language": "en"}, "language", "en"),
        ({"valid_for": timedelta(seconds=1)}, "timeLimit", 1),
        ({"valid_for": timedelta(seconds=61)}, "timeLimit", 2),
        ({"valid_for": timedelta(hours=5)}, "timeLimit", 99),
    ],
)
def test_what_they_cannot_take_is_put_in_their_words(wire, gateway, changes, name, value):
    request = wire.request(**changes)
    scripted, http = wire(wire.answer(200, {"data": {"token": "AB-1"}}))
    scripted.start(request)
    assert sent(http)[name] == value
    assert gateway.start(request).redirect_url  # the simulator takes it as well


def test_the_office_may_narrow_the_ways_to_pay(wire):
    gateway, http = wire(wire.answer(200, {"data": {"token": "AB-1"}}), channel=8192)
    gateway.start(wire.request())
    assert sent(http)["channel"] == 8192


@pytest.mark.parametrize("name", ["notify_url", "return_url"])
def test_an_address_they_would_cut_is_refused_before_anybody_is_asked(wire, name):
    gateway, http = wire()
    with pytest.raises(Refused):
        gateway.start(wire.request(**{name: "https://gmina.example.pl/" + "x" * 226}))
    assert http.asked == []


@pytest.mark.parametrize("changes", [{"title": "x" * 1025}, {"currency": "EUR"}, {"amount": Money(0)}])
def test_what_they_do_not_take_is_refused(gateway, order, changes):
    with pytest.raises(Refused):
        gateway.start(order(**changes))


def test_a_wrong_crc_key_is_a_matter_of_settings(simulator, connect, order):
    with pytest.raises(Misconfigured):
        connect(simulator, crc="0" * 16).start(order())


def test_money_is_the_gminas_only_when_it_was_asked_about(gateway, simulator, started):
    request, payment, key = started
    assert gateway.fetch(key).state is TransactionState.PENDING
    simulator.pay(payment.external_id)
    assert simulator.money(payment.external_id) == [("advance", 12_345, "PLN")]

    report = gateway.fetch(key)

    assert report.state is TransactionState.COMPLETED
    assert (report.transaction_id, report.external_id) == (request.transaction_id, payment.external_id)
    assert (report.amount, report.currency, report.merchant) == (Money(12_345), "PLN", "99001")
    assert (report.method, int(report.payment_id) > 2**31) == ("154", True)
    assert timedelta(0) <= datetime.now(UTC) - report.happened_at < timedelta(minutes=2)
    assert simulator.money(payment.external_id) == [("advance", 12_345, "PLN"), ("payment", 12_345, "PLN")]


@pytest.mark.parametrize("second", ["success", "refuse"])
def test_asking_again_takes_the_money_once(gateway, simulator, started, second):
    simulator.switch(second_verify=second)
    simulator.pay(started[1].external_id)
    reports = [gateway.fetch(started[2]) for _ in range(3)]
    assert {report.state for report in reports} == {TransactionState.COMPLETED}
    assert len({report.payment_id for report in reports}) == 1
    assert [kind for kind, *_ in simulator.money(started[1].external_id)] == ["advance", "payment"]


def test_what_is_verified_are_our_own_figures_and_their_number(wire):
    key = wire.key(wire.request(), "x")
    gateway, http = wire(wire.transaction(key), wire.verified)
    assert gateway.fetch(key).state is TransactionState.COMPLETED
    assert [method for method, *_ in http.asked] == ["GET", "PUT"]
    body = sent(http, 1)
    assert len(body.pop("sign")) == 96
    assert body == {
        "merchantId": 99001,
        "posId": 99001,
        "sessionId": key.transaction_id.hex,
        "amount": 12345,
        "currency": "PLN",
        "orderId": 4_300_000_001,
    }


@pytest.mark.parametrize("changes", [{"amount": 12344}, {"amount": 12346}, {"currency": "EUR"}])
def test_other_money_than_was_ordered_is_not_verified_and_is_told(wire, changes):
    key = wire.key(wire.request(), "x")
    gateway, http = wire(wire.transaction(key, **changes))
    report = gateway.fetch(key)
    assert report.state is TransactionState.PENDING
    assert (report.amount.grosze, report.currency) == (changes.get("amount", 12345), changes.get("currency", "PLN"))
    assert len(http.asked) == 1


def test_an_answer_about_another_transaction_is_not_verified(wire):
    key, other = (wire.key(wire.request(), "x") for _ in range(2))
    gateway, http = wire(wire.transaction(other))
    assert gateway.fetch(key).transaction_id == other.transaction_id  # the core refuses it
    assert len(http.asked) == 1


@pytest.mark.parametrize(
    ("status", "state"),
    [(0, TransactionState.PENDING), (2, TransactionState.COMPLETED), (3, TransactionState.REJECTED)],
)
def test_only_an_advance_is_verified(wire, status, state):
    key = wire.key(wire.request(), "x")
    gateway, http = wire(wire.transaction(key, status=status))
    assert gateway.fetch(key).state is state
    assert len(http.asked) == 1


UNCLEAR = [
    (400, {"error": "Invalid input data", "code": 400}),
    (404, {"error": "Transaction not found", "responseCode": 404}),
    (500, {"error": "Unknown error"}),
    (502, b"<html>"),
    (200, b"<html>"),
    (200, {"data": {"status": "pending"}}),
    (200, {"data": None}),
]


@pytest.mark.parametrize("given", [*UNCLEAR, OutcomeUnknown("cut"), ExternalSystemError("no connection")])
@pytest.mark.parametrize(("status", "state"), [(1, TransactionState.PENDING), (2, TransactionState.COMPLETED)])
def test_when_verify_does_not_say_success_the_transaction_itself_is_asked(wire, given, status, state):
    key = wire.key(wire.request(), "x")
    answer = given if isinstance(given, Exception) else wire.answer(*given)
    gateway, http = wire(wire.transaction(key), answer, wire.transaction(key, status=status))
    assert gateway.fetch(key).state is state
    assert [method for method, *_ in http.asked] == ["GET", "PUT", "GET"]


@pytest.mark.parametrize("given", [(401, {}), (400, {"error": "Incorrect CRC value"})])
def test_keys_that_verify_does_not_take_are_a_matter_of_settings(wire, given):
    key = wire.key(wire.request(), "x")
    gateway, _ = wire(wire.transaction(key), wire.answer(*given))
    with pytest.raises(Misconfigured):
        gateway.fetch(key)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("202607011431", datetime(2026, 7, 1, 12, 31, tzinfo=UTC)),
        ("20261127143105", datetime(2026, 11, 27, 13, 31, 5, tzinfo=UTC)),
        ("2026-11-27 14:31:05", datetime(2026, 11, 27, 13, 31, 5, tzinfo=UTC)),
        ("2026-11-27T14:31:05+01:00", datetime(2026, 11, 27, 13, 31, 5, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("2026112714310", None),
        ("202613451431", None),
        (202611271431, None),
        (None, None),
    ],
)
def test_when_it_was_paid_is_read_however_it_is_written_or_left_out(wire, written, moment):
    key = wire.key(wire.request(), "x")
    gateway, _ = wire(wire.transaction(key, status=2, dateOfTransaction=written))
    report = gateway.fetch(key)
    assert report.state is TransactionState.COMPLETED
    assert report.happened_at == moment


def test_a_lost_answer_to_registering_is_found_by_our_id(gateway, simulator, order, key):
    simulator.fault("timeout_after_register", value=3)
    request = order()
    with pytest.raises(OutcomeUnknown):
        gateway.start(request)
    report = gateway.fetch(key(request, None))
    assert (report.state, report.external_id) == (TransactionState.PENDING, request.transaction_id.hex)


def test_money_after_the_time_limit_is_still_money(gateway, simulator, started):
    simulator.pay(started[1].external_id, late=True)
    assert gateway.fetch(started[2]).state is TransactionState.COMPLETED


def test_the_ways_to_pay_are_those_that_work_now(gateway):
    methods = {method.id: method for method in gateway.methods(language="pl")}
    assert methods["154"].name == "BLIK"
    assert (methods["154"].smallest, methods["154"].largest) == (None, None)
    assert "31" not in methods


@pytest.mark.parametrize(("language", "asked"), [("pl", "pl"), ("en", "en"), ("uk", "en")])
def test_the_ways_to_pay_are_told_in_polish_or_english(wire, language, asked):
    gateway, http = wire(wire.answer(200, {"data": [{"id": 154, "status": True}, {"id": "x", "status": True}, 5]}))
    assert [(method.id, method.name) for method in gateway.methods(language=language)] == [("154", "154")]
    assert http.asked[0][1].endswith(f"/payment/methods/{asked}")
