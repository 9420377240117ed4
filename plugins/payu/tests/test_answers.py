"""Every row of PayU's table of errors, and the odd answers seen in the wild, as what they mean to the core."""

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

HTML = b"<!doctype html><title>Bad Gateway</title>"
PRIVATE = "Jan Kowalski jan@example.pl"


def status(word, **more):
    return {"status": {"statusCode": word, "statusDesc": PRIVATE, **more}}


ROWS = [
    (400, status("ERROR_SYNTAX"), Refused),
    (400, status("ERROR_VALUE_MISSING"), Refused),
    (400, status("ERROR_VALUE_INVALID"), Refused),
    (400, status("ERROR_INTERNAL", codeLiteral="CARD_CARD_EXPIRED"), Refused),
    (400, status("BUSINESS_ERROR"), Refused),
    (400, {"status": 400}, Refused),
    (400, HTML, ExternalSystemError),
    (403, status("UNAUTHORIZED_REQUEST", codeLiteral="INVALID_AUTH_FOR_THIS_ORDER"), Misconfigured),
    (403, HTML, Misconfigured),
    (404, HTML, ExternalSystemError),
    (404, {"status": 404}, ExternalSystemError),
    (408, status("TIMEOUT"), OutcomeUnknown),
    (429, b"Too many requests", ExternalSystemError),
    (500, status("BUSINESS_ERROR"), OutcomeUnknown),
    (500, status("ERROR_INTERNAL"), OutcomeUnknown),
    (500, status("GENERAL_ERROR"), OutcomeUnknown),
    (500, status("WARNING"), OutcomeUnknown),
    (502, HTML, OutcomeUnknown),
    (503, status("SERVICE_NOT_AVAILABLE"), OutcomeUnknown),
    (503, {"status": 503}, OutcomeUnknown),
    (200, HTML, OutcomeUnknown),
    (302, b"", OutcomeUnknown),
    (302, [], OutcomeUnknown),
    (302, status("SUCCESS"), OutcomeUnknown),
]


@pytest.mark.parametrize(("http", "body", "kind"), ROWS)
def test_an_answer_to_creating_an_order_means_exactly_one_kind_of_error(wire, http, body, kind):
    gateway, _ = wire(wire.answer(http, body))
    with pytest.raises(ExternalSystemError) as caught:
        gateway.start(wire.request())
    assert type(caught.value) is kind
    assert "Kowalski" not in str(caught.value)


@pytest.mark.parametrize(("http", "body", "kind"), [row for row in ROWS if row[0] >= 400])
def test_the_same_answer_to_a_refund_means_the_same(wire, http, body, kind):
    gateway, _ = wire(wire.answer(http, body))
    request = wire.request()
    with pytest.raises(ExternalSystemError) as caught:
        gateway.refund(RefundRequest(request.transaction_id, wire.key(request, "A1"), Money(1), "Zwrot"))
    assert type(caught.value) is kind


@pytest.mark.parametrize(("http", "body"), [(row[0], row[1]) for row in ROWS if row[2] is OutcomeUnknown])
def test_a_reading_that_failed_changed_nothing(wire, http, body):
    gateway, _ = wire(wire.answer(http, body))
    with pytest.raises(ExternalSystemError) as caught:
        gateway.fetch(wire.key(wire.request(), "A1"))
    assert not isinstance(caught.value, OutcomeUnknown)


def test_a_reading_that_timed_out_changed_nothing(wire):
    gateway, _ = wire(OutcomeUnknown("cut"))
    with pytest.raises(ExternalSystemError) as caught:
        gateway.fetch(wire.key(wire.request(), "A1"))
    assert not isinstance(caught.value, OutcomeUnknown)


def test_creating_that_timed_out_may_have_happened(wire):
    gateway, _ = wire(OutcomeUnknown("cut"))
    with pytest.raises(OutcomeUnknown):
        gateway.start(wire.request())


def test_cancelling_that_broke_may_have_happened(wire):
    gateway, _ = wire(wire.answer(500, status("ERROR_INTERNAL")))
    with pytest.raises(OutcomeUnknown):
        gateway.cancel(wire.key(wire.request(), "A1"))


def test_cancelling_that_could_not_be_looked_at_afterwards_may_have_happened(wire):
    gateway, _ = wire(wire.answer(200, status("SUCCESS")), wire.answer(429, b""))
    with pytest.raises(OutcomeUnknown):
        gateway.cancel(wire.key(wire.request(), "A1"))


def test_an_order_payu_does_not_have_is_unknown(wire):
    request = wire.request()
    gateway, _ = wire(wire.answer(404, status("DATA_NOT_FOUND")))
    report = gateway.fetch(wire.key(request, "A1"))
    assert (report.state, report.external_id, report.amount) == (TransactionState.UNKNOWN, "", ZERO)


def test_an_order_whose_number_never_came_is_unknown_and_nobody_is_asked(wire):
    gateway, http = wire()
    assert gateway.fetch(wire.key(wire.request(), None)).state is TransactionState.UNKNOWN
    assert http.asked == []


def test_an_order_that_exists_already_is_named_without_an_address(wire):
    body = status("ERROR_ORDER_NOT_UNIQUE", code="110", codeLiteral="ORDER_NOT_UNIQUE") | {"orderId": "OLD1"}
    gateway, _ = wire(wire.answer(400, body))
    started = gateway.start(wire.request())
    assert (started.external_id, started.redirect_url) == ("OLD1", None)


def test_an_order_that_exists_and_is_not_named_stays_unknown(wire):
    gateway, _ = wire(wire.answer(400, status("ERROR_ORDER_NOT_UNIQUE", code="110")))
    with pytest.raises(OutcomeUnknown):
        gateway.start(wire.request())


def test_no_money_on_the_account_refuses_the_refund(wire):
    gateway, _ = wire(wire.answer(400, status("OPENPAYU_BUSINESS_ERROR", code="9102", codeLiteral="NO_BALANCE")))
    request = wire.request()
    with pytest.raises(Refused, match="9102 NO_BALANCE"):
        gateway.refund(RefundRequest(request.transaction_id, wire.key(request, "A1"), Money(1), "Zwrot"))


def test_a_refund_answered_without_its_facts_is_not_taken_for_done(wire):
    gateway, _ = wire(wire.answer(200, status("SUCCESS")))
    request = wire.request()
    with pytest.raises(OutcomeUnknown):
        gateway.refund(RefundRequest(request.transaction_id, wire.key(request, "A1"), Money(1), "Zwrot"))


def test_a_refund_that_never_arrived_is_not_reported_as_rejected(wire):
    gateway, _ = wire(wire.answer(200, {"refunds": []}))
    request = wire.request()
    with pytest.raises(ExternalSystemError):
        gateway.fetch_refund(RefundKey(request.transaction_id, None, wire.key(request, "A1")))
