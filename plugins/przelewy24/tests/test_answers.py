"""Every answer of the documentation's tables, and odd ones, as what they mean to the core."""

from __future__ import annotations

import pytest

from skarbnik.plugin_api import (
    ZERO,
    ExternalSystemError,
    Misconfigured,
    Money,
    OutcomeUnknown,
    RefundKey,
    RefundRequest,
    Refused,
    TransactionState,
)

HTML = b"<!doctype html><title>Przerwa techniczna</title>"
PRIVATE = "Jan Kowalski jan@example.pl"

ROWS = [
    (400, {"error": "Invalid input data", "code": 400}, Refused),
    (400, {"error": ["Invalid input data"], "code": "400"}, Refused),
    (400, {"error": "Incorrect CRC value", "code": 400}, Misconfigured),
    (400, {"error": ["Incorrect CRC value"], "code": 400}, Misconfigured),
    (400, {"error": PRIVATE, "code": 400}, Refused),
    (400, {"error": None}, Refused),
    (400, {}, Refused),
    (400, {"error": "Concurrent call", "code": 400}, ExternalSystemError),
    (400, HTML, ExternalSystemError),
    (401, {"error": "Incorrect authentication", "code": 401}, Misconfigured),
    (403, HTML, Misconfigured),
    (404, {"error": "Page not found", "responseCode": 404}, ExternalSystemError),
    (404, HTML, ExternalSystemError),
    (408, {}, OutcomeUnknown),
    (409, {"error": [{"status": False, "message": "Insufficient funds available"}], "code": 409}, Refused),
    (429, b"Too many requests", ExternalSystemError),
    (500, {"error": "Unknown error", "code": 500}, OutcomeUnknown),
    (500, [], OutcomeUnknown),
    (502, HTML, OutcomeUnknown),
    (503, HTML, OutcomeUnknown),
    (200, HTML, OutcomeUnknown),
    (200, b"[]", OutcomeUnknown),
    (200, b"[" * 100_000, OutcomeUnknown),
    (200, {"data": {}, "responseCode": 0}, OutcomeUnknown),
    (200, {"data": {"token": 5}}, OutcomeUnknown),
    (200, {"data": {"token": "../evil"}}, OutcomeUnknown),
    (204, b"", OutcomeUnknown),
    (302, {"data": {"token": "ABC"}}, OutcomeUnknown),
]


@pytest.mark.parametrize(("http", "body", "kind"), ROWS)
def test_an_answer_to_registering_means_exactly_one_kind_of_error(wire, http, body, kind):
    gateway, _ = wire(wire.answer(http, body))
    with pytest.raises(ExternalSystemError) as caught:
        gateway.start(wire.request())
    assert type(caught.value) is kind
    assert "Kowalski" not in str(caught.value)


@pytest.mark.parametrize(("http", "body", "kind"), [row for row in ROWS if row[0] >= 300])
def test_the_same_answer_to_a_refund_means_the_same(wire, http, body, kind):
    key = wire.key(wire.request(), "x")
    gateway, _ = wire(wire.transaction(key, status=2), wire.answer(http, body))
    with pytest.raises(ExternalSystemError) as caught:
        gateway.refund(RefundRequest(key.transaction_id, key, Money(1), "Zwrot"))
    assert type(caught.value) is kind


@pytest.mark.parametrize(("http", "body"), [(row[0], row[1]) for row in ROWS if row[2] is OutcomeUnknown])
def test_a_reading_that_failed_changed_nothing(wire, http, body):
    gateway, _ = wire(wire.answer(http, body))
    with pytest.raises(ExternalSystemError) as caught:
        gateway.fetch(wire.key(wire.request(), "x"))
    assert not isinstance(caught.value, OutcomeUnknown)


def test_a_reading_that_timed_out_changed_nothing(wire):
    gateway, _ = wire(OutcomeUnknown("cut"))
    with pytest.raises(ExternalSystemError) as caught:
        gateway.fetch(wire.key(wire.request(), "x"))
    assert not isinstance(caught.value, OutcomeUnknown)


def test_registering_that_timed_out_may_have_happened(wire):
    gateway, _ = wire(OutcomeUnknown("cut"))
    with pytest.raises(OutcomeUnknown):
        gateway.start(wire.request())


NOT_FOUND = {"error": "Transaction not found", "responseCode": 404}


def test_a_transaction_we_have_no_token_for_and_they_do_not_have_is_unknown(wire):
    gateway, _ = wire(wire.answer(404, NOT_FOUND))
    report = gateway.fetch(wire.key(wire.request(), None))
    assert (report.state, report.external_id, report.amount) == (TransactionState.UNKNOWN, "", ZERO)


def test_a_transaction_they_gave_a_token_for_and_do_not_show_waits_for_its_payer(wire):
    gateway, _ = wire(wire.answer(404, NOT_FOUND))
    report = gateway.fetch(wire.key(wire.request(), "abc"))
    assert (report.state, report.external_id, report.amount) == (TransactionState.PENDING, "abc", Money(12_345))


@pytest.mark.parametrize(
    "changes",
    [
        {"sessionId": None},
        {"sessionId": "shop-17"},
        {"amount": None},
        {"amount": "12345"},
        {"amount": 12345.0},
        {"amount": True},
        {"amount": -5},
        {"currency": None},
        {"currency": ""},
        {"status": None},
        {"status": True},
        {"status": "1"},
        {"status": 7},
        {"orderId": None},
        {"orderId": 0},
        {"orderId": "4300000001"},
    ],
)
def test_a_transaction_without_its_facts_is_not_taken_for_anything(wire, changes):
    key = wire.key(wire.request(), "x")
    gateway, http = wire(wire.transaction(key, **changes))
    with pytest.raises(ExternalSystemError):
        gateway.fetch(key)
    assert len(http.asked) == 1  # nothing was verified


def test_no_money_at_the_merchant_refuses_the_refund_in_their_words(wire):
    key = wire.key(wire.request(), "x")
    told = {"error": [{"orderId": 1, "status": False, "message": "Insufficient funds available"}], "code": 409}
    gateway, _ = wire(wire.transaction(key, status=2), wire.answer(409, told))
    with pytest.raises(Refused, match="Insufficient funds available"):
        gateway.refund(RefundRequest(key.transaction_id, key, Money(1), "Zwrot"))


@pytest.mark.parametrize(
    "data", [None, [], {}, [{"orderId": 4_300_000_001, "status": False}], [{"orderId": 1, "status": True}]]
)
def test_a_refund_that_is_not_said_to_be_accepted_may_have_been(wire, data):
    key = wire.key(wire.request(), "x")
    gateway, _ = wire(wire.transaction(key, status=2), wire.answer(201, {"data": data, "responseCode": 0}))
    with pytest.raises(OutcomeUnknown):
        gateway.refund(RefundRequest(key.transaction_id, key, Money(1), "Zwrot"))


@pytest.mark.parametrize(
    "listed",
    [
        {},
        {"data": {"refunds": None}},
        {"data": {"refunds": [{"requestId": "ID", "status": 9, "amount": 1}]}},
        {"data": {"refunds": [{"requestId": "ID", "status": 1, "amount": "1"}]}},
        {"data": {"refunds": [{"requestId": "ID", "status": True, "amount": 1}]}},
        {"data": {"refunds": [{"requestId": "another", "status": 1, "amount": 1}, 5]}},
    ],
)
def test_a_list_of_refunds_that_cannot_be_understood_says_nothing(wire, listed):
    key = wire.key(wire.request(), "x")
    refund = RefundKey(key.transaction_id, None, key)
    for each in (listed.get("data") or {}).get("refunds") or []:
        if isinstance(each, dict) and each["requestId"] == "ID":
            each["requestId"] = refund.refund_id.hex
    gateway, _ = wire(wire.transaction(key, status=2), wire.answer(200, listed))
    with pytest.raises(ExternalSystemError):
        gateway.fetch_refund(refund)


@pytest.mark.parametrize("body", [{"data": None}, {"data": {}}, {}])
def test_a_list_of_methods_that_is_none_is_an_error(wire, body):
    gateway, _ = wire(wire.answer(200, body))
    with pytest.raises(ExternalSystemError):
        gateway.methods(language="pl")
