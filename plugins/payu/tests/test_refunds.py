"""Money sent back: once for each id of ours, never more than came."""

from __future__ import annotations

import pytest

from skarbnik.plugin_api import ExternalSystemError, Money, RefundKey, RefundRequest, RefundState, Refused


@pytest.fixture
def paid(simulator, started):
    """A payment of 123,45 zł that is paid; its key."""
    simulator.pay(started[1].external_id)
    return started[2]


def test_a_refund_called_twice_with_one_id_is_one_refund(gateway, simulator, paid, new_id, until):
    request = RefundRequest(new_id(), paid, Money(1_000), "Nadpłata")
    first, second = gateway.refund(request), gateway.refund(request)
    assert first.external_id == second.external_id
    until(lambda: gateway.fetch_refund(RefundKey(request.refund_id, None, paid)).state is RefundState.COMPLETED)
    assert simulator.money(paid.external_id) == [("payment", 12_345, "PLN"), ("refund", -1_000, "PLN")]


def test_two_equal_refunds_with_different_ids_are_two(gateway, simulator, paid, new_id, until):
    first = gateway.refund(RefundRequest(new_id(), paid, Money(1_000), "Nadpłata"))
    second = gateway.refund(RefundRequest(new_id(), paid, Money(1_000), "Nadpłata"))
    assert first.external_id != second.external_id
    until(lambda: simulator.money(paid.external_id)[1:] == [("refund", -1_000, "PLN")] * 2)


def test_one_id_with_another_amount_is_refused(gateway, paid, new_id):
    refund_id = new_id()
    gateway.refund(RefundRequest(refund_id, paid, Money(1_000), "Nadpłata"))
    with pytest.raises(Refused, match="REFUND_IDEMPOTENCY_MISMATCH"):
        gateway.refund(RefundRequest(refund_id, paid, Money(1_001), "Nadpłata"))


def test_more_than_came_is_never_sent_back(gateway, paid, new_id):
    gateway.refund(RefundRequest(new_id(), paid, Money(12_000), "Nadpłata"))
    with pytest.raises(Refused, match="AMOUNT_TO_BIG"):
        gateway.refund(RefundRequest(new_id(), paid, Money(346), "Nadpłata"))


def test_a_payment_that_is_not_paid_is_not_refunded(gateway, started, new_id):
    with pytest.raises(Refused):
        gateway.refund(RefundRequest(new_id(), started[2], Money(1), "Nadpłata"))


def test_a_refund_is_found_by_its_number_and_by_ours(gateway, paid, new_id):
    report = gateway.refund(RefundRequest(new_id(), paid, Money(500), "Nadpłata"))
    for external_id in (report.external_id, None):
        found = gateway.fetch_refund(RefundKey(report.refund_id, external_id, paid))
        assert (found.refund_id, found.external_id) == (report.refund_id, report.external_id)
        assert (found.amount, found.currency) == (Money(500), "PLN")


def test_an_empty_account_refuses_and_a_later_call_succeeds(gateway, simulator, paid, new_id):
    simulator.fault("no_balance")
    request = RefundRequest(new_id(), paid, Money(500), "Nadpłata")
    with pytest.raises(Refused, match="NO_BALANCE"):
        gateway.refund(request)
    assert gateway.refund(request).state is RefundState.PENDING


def test_a_refund_that_fails_later_is_rejected_and_moved_no_money(gateway, simulator, paid, new_id, until):
    simulator.fault("refund_canceled")
    report = gateway.refund(RefundRequest(new_id(), paid, Money(500), "Nadpłata"))
    key = RefundKey(report.refund_id, report.external_id, paid)
    until(lambda: gateway.fetch_refund(key).state is RefundState.REJECTED)
    assert simulator.money(paid.external_id) == [("payment", 12_345, "PLN")]


def test_the_end_of_a_refund_is_notified_with_our_id(gateway, receiver, paid, new_id, until):
    report = gateway.refund(RefundRequest(new_id(), paid, Money(500), "Nadpłata"))
    until(lambda: "FINALIZED" in receiver.events())
    hint = gateway.read_notification(receiver.came[-1])
    assert hint.key == f"refund:{report.external_id}:FINALIZED"
    assert (hint.refund_id, hint.transaction_id) == (report.refund_id, paid.transaction_id)
    assert hint.external_id == paid.external_id


def test_without_the_number_of_the_order_nothing_can_be_sent_back(gateway, order, key, new_id):
    with pytest.raises(ExternalSystemError):
        gateway.refund(RefundRequest(new_id(), key(order(), None), Money(1), "Nadpłata"))
