"""Money sent back: once for each id of ours, never more than came."""

from __future__ import annotations

import json

import pytest

from skarbnik.plugin_api import (
    ExternalSystemError,
    Money,
    OutcomeUnknown,
    RefundKey,
    RefundRequest,
    RefundState,
    Refused,
    TransactionState,
)

MONEY = [("advance", 12_345, "PLN"), ("payment", 12_345, "PLN")]


@pytest.fixture
def paid(gateway, simulator, started):
    """A payment of 123,45 zł that is paid and verified; its key."""
    simulator.pay(started[1].external_id)
    assert gateway.fetch(started[2]).state is TransactionState.COMPLETED
    return started[2]


def key_of(request):
    return RefundKey(request.refund_id, request.refund_id.hex, request.transaction)


def test_a_refund_called_twice_with_one_id_is_one_refund(gateway, simulator, paid, new_id, until):
    request = RefundRequest(new_id(), paid, Money(1_000), "Nadpłata")
    first, second = gateway.refund(request), gateway.refund(request)
    assert first.external_id == second.external_id == request.refund_id.hex
    until(lambda: gateway.fetch_refund(key_of(request)).state is RefundState.COMPLETED)
    assert simulator.money(paid.external_id) == [*MONEY, ("refund", -1_000, "PLN")]


def test_a_refund_whose_answer_was_lost_is_sent_again_and_is_one(gateway, simulator, paid, new_id):
    simulator.fault("timeout_after_refund", value=3)
    request = RefundRequest(new_id(), paid, Money(1_000), "Nadpłata")
    with pytest.raises(OutcomeUnknown):
        gateway.refund(request)
    assert gateway.refund(request).state is not RefundState.REJECTED
    assert len(simulator.transactions(paid.external_id)[0]["refunds"]) == 1


def test_two_equal_refunds_with_different_ids_are_two(gateway, simulator, paid, new_id, until):
    for _ in range(2):
        gateway.refund(RefundRequest(new_id(), paid, Money(1_000), "Nadpłata"))
    until(lambda: simulator.money(paid.external_id)[2:] == [("refund", -1_000, "PLN")] * 2)


def test_one_id_with_another_amount_is_refused(gateway, paid, new_id):
    refund_id = new_id()
    gateway.refund(RefundRequest(refund_id, paid, Money(1_000), "Nadpłata"))
    with pytest.raises(Refused, match="another amount"):
        gateway.refund(RefundRequest(refund_id, paid, Money(1_001), "Nadpłata"))


def test_more_than_came_is_never_sent_back(gateway, paid, new_id):
    gateway.refund(RefundRequest(new_id(), paid, Money(12_000), "Nadpłata"))
    with pytest.raises(Refused, match="exceeds available amount"):
        gateway.refund(RefundRequest(new_id(), paid, Money(346), "Nadpłata"))


def test_a_payment_that_is_not_paid_is_not_refunded(gateway, started, new_id):
    with pytest.raises(Refused, match="nothing was paid"):
        gateway.refund(RefundRequest(new_id(), started[2], Money(1), "Nadpłata"))


def test_money_that_was_not_verified_is_not_refunded(gateway, simulator, started, new_id):
    simulator.pay(started[1].external_id)
    with pytest.raises(Refused, match="wrong status"):
        gateway.refund(RefundRequest(new_id(), started[2], Money(1), "Nadpłata"))


def test_a_refund_nobody_asked_for_is_not_found_and_may_be_sent(gateway, paid, new_id):
    with pytest.raises(ExternalSystemError, match="sending it again is safe"):
        gateway.fetch_refund(RefundKey(new_id(), None, paid))


def test_a_refund_waits_then_goes_on_then_is_done(gateway, paid, new_id, until):
    request = RefundRequest(new_id(), paid, Money(500), "Nadpłata")
    assert gateway.refund(request).state is RefundState.PENDING
    found = gateway.fetch_refund(key_of(request))
    assert (found.refund_id, found.amount, found.currency) == (request.refund_id, Money(500), "PLN")
    until(lambda: gateway.fetch_refund(key_of(request)).state is RefundState.COMPLETED)


def test_an_empty_account_refuses_and_a_later_call_succeeds(gateway, simulator, paid, new_id):
    simulator.fault("no_balance")
    request = RefundRequest(new_id(), paid, Money(500), "Nadpłata")
    with pytest.raises(Refused, match="Insufficient funds"):
        gateway.refund(request)
    assert gateway.refund(request).state is RefundState.PENDING


def test_a_call_beside_another_is_to_be_tried_later(gateway, simulator, paid, new_id):
    simulator.fault("concurrent_refund")
    request = RefundRequest(new_id(), paid, Money(500), "Nadpłata")
    with pytest.raises(ExternalSystemError) as caught:
        gateway.refund(request)
    assert type(caught.value) is ExternalSystemError
    assert gateway.refund(request).state is RefundState.PENDING


def test_a_refund_that_is_rejected_later_moved_no_money(gateway, simulator, paid, new_id, until):
    simulator.fault("refund_rejected")
    request = RefundRequest(new_id(), paid, Money(500), "Nadpłata")
    gateway.refund(request)
    until(lambda: gateway.fetch_refund(key_of(request)).state is RefundState.REJECTED)
    assert simulator.money(paid.external_id) == MONEY


@pytest.mark.parametrize(("fault", "status"), [(None, 0), ("refund_rejected", 1)])
def test_the_end_of_a_refund_is_notified_with_our_id_where_we_asked_for_it(
    gateway, simulator, receiver, paid, new_id, until, fault, status
):
    if fault:
        simulator.fault(fault)
    request = RefundRequest(new_id(), paid, Money(500), "Nadpłata", notify_url=receiver.url)
    gateway.refund(request)
    raw = until(lambda: [raw for raw in receiver.came if request.refund_id.hex.encode() in raw.body])[0]
    hint = gateway.read_notification(raw)
    assert hint.key.endswith(f":{request.refund_id.hex}:{status}")
    assert (hint.refund_id, hint.transaction_id) == (request.refund_id, paid.transaction_id)


def test_a_whole_refund_returns_the_transaction(gateway, paid, new_id, until):
    gateway.refund(RefundRequest(new_id(), paid, Money(12_345), "Nadpłata"))
    until(lambda: gateway.fetch(paid).state is TransactionState.REJECTED)


def test_a_long_reason_is_cut_and_the_ids_fit(wire, new_id):
    key = wire.key(wire.request(), "x")
    accepted = wire.answer(201, {"data": [{"orderId": 4_300_000_001, "status": True}], "responseCode": 0})
    gateway, http = wire(wire.transaction(key, status=2), accepted)
    request = RefundRequest(new_id(), key, Money(100), "Zwrot nadpłaty podatku od nieruchomości za rok 2026")
    gateway.refund(request)
    assert json.loads(http.asked[1][2]["body"]) == {
        "requestId": request.refund_id.hex,
        "refundsUuid": request.refund_id.hex,
        "refunds": [
            {
                "orderId": 4_300_000_001,
                "sessionId": key.transaction_id.hex,
                "amount": 100,
                "description": "Zwrot nadpłaty podatku od nieruchom",
            }
        ],
    }


def test_a_refund_they_have_and_do_not_show_is_of_unknown_outcome(wire, new_id):
    key = wire.key(wire.request(), "x")
    known = wire.answer(400, {"error": "Request already exists", "code": 400})
    gateway, _ = wire(wire.transaction(key, status=2), known, wire.transaction(key, status=2), wire.answer(503, b""))
    with pytest.raises(OutcomeUnknown):
        gateway.refund(RefundRequest(new_id(), key, Money(100), "Zwrot"))
