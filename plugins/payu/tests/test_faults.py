"""Each fault of the simulator, and that the plugin says about it what is true."""

from __future__ import annotations

import json
import time

import pytest

from skarbnik.plugin_api import (
    ExternalSystemError,
    Forged,
    Misconfigured,
    Money,
    OutcomeUnknown,
    TransactionState,
)


def read_all(gateway, came):
    """The statuses that pass the signature, and how many did not."""
    good, forged = [], 0
    for raw in came:
        try:
            good.append(gateway.read_notification(raw).key.rpartition(":")[2])
        except Forged:
            forged += 1
    return good, forged


def test_an_order_whose_answer_never_came_exists_and_is_found_by_trying_again(gateway, simulator, order):
    simulator.fault("timeout_after_create", value=3)
    request = order()
    with pytest.raises(OutcomeUnknown):
        gateway.start(request)
    again = gateway.start(request)
    assert [made["orderId"] for made in simulator.orders(request.transaction_id.hex)] == [again.external_id]


def test_an_order_answered_with_an_error_after_it_was_made_is_of_unknown_outcome(gateway, simulator, order):
    simulator.fault("error_after_create")
    request = order()
    with pytest.raises(OutcomeUnknown):
        gateway.start(request)
    assert len(simulator.orders(request.transaction_id.hex)) == 1


def test_a_dropped_order_was_never_made_though_nobody_can_know(gateway, simulator, order):
    simulator.fault("drop_create")
    request = order()
    with pytest.raises(OutcomeUnknown):
        gateway.start(request)
    assert simulator.orders(request.transaction_id.hex) == []
    assert gateway.start(request).redirect_url is not None


def test_a_slow_create_within_our_patience_works(gateway, simulator, order):
    simulator.fault("delay_create", value=0.4)
    before = time.monotonic()
    assert gateway.start(order()).redirect_url
    assert time.monotonic() - before >= 0.4


@pytest.mark.parametrize("fault", ["error_500", "html_error", "bare_status"])
def test_an_error_on_creating_leaves_the_outcome_unknown(gateway, simulator, order, fault):
    simulator.fault(fault, on="create")
    with pytest.raises(OutcomeUnknown):
        gateway.start(order())


@pytest.mark.parametrize("fault", ["error_500", "html_error", "bare_status", "rate_limit"])
def test_an_error_on_reading_is_an_error_and_the_next_reading_works(gateway, simulator, started, fault):
    simulator.fault(fault, on="get")
    with pytest.raises(ExternalSystemError) as caught:
        gateway.fetch(started[2])
    assert type(caught.value) is ExternalSystemError
    assert gateway.fetch(started[2]).state is TransactionState.PENDING


@pytest.mark.parametrize("fault", ["error_500", "html_error", "bare_status", "rate_limit"])
def test_without_a_token_no_order_is_made(gateway, simulator, order, fault):
    simulator.fault(fault, on="oauth")
    request = order()
    with pytest.raises(ExternalSystemError) as caught:
        gateway.start(request)
    assert type(caught.value) is ExternalSystemError
    assert simulator.orders(request.transaction_id.hex) == []


def test_too_many_calls_made_no_order(gateway, simulator, order):
    simulator.fault("rate_limit", on="create")
    request = order()
    with pytest.raises(ExternalSystemError) as caught:
        gateway.start(request)
    assert type(caught.value) is ExternalSystemError
    assert simulator.orders(request.transaction_id.hex) == []


def test_a_token_that_expired_is_renewed_without_anybody_noticing(gateway, simulator, started):
    simulator.fault("token_expired")
    assert gateway.fetch(started[2]).state is TransactionState.PENDING


def test_tokens_that_are_never_taken_are_a_matter_of_settings(gateway, simulator, started):
    simulator.fault("token_expired", next=2)
    with pytest.raises(Misconfigured):
        gateway.fetch(started[2])


def test_a_reading_beyond_our_patience_is_an_error_and_not_an_unknown_outcome(gateway, simulator, started):
    simulator.fault("slow_get", value=2)
    with pytest.raises(ExternalSystemError) as caught:
        gateway.fetch(started[2])
    assert not isinstance(caught.value, OutcomeUnknown)


def test_a_reading_may_lag_behind_the_notification(gateway, simulator, receiver, started, until):
    simulator.fault("stale_get", value=0.6)
    simulator.pay(started[1].external_id)
    until(lambda: "COMPLETED" in receiver.events())
    assert gateway.fetch(started[2]).state is TransactionState.PENDING
    until(lambda: gateway.fetch(started[2]).state is TransactionState.COMPLETED)


def test_a_paid_order_is_notified_in_order_and_each_is_ours(gateway, simulator, receiver, started):
    simulator.pay(started[1].external_id)
    assert read_all(gateway, receiver.wait(2)) == (["PENDING", "COMPLETED"], 0)
    body = json.loads(receiver.came[1].body)
    assert body["order"]["totalAmount"] == "12345"
    assert receiver.came[1].headers["content-type"] == "application/json;charset=UTF-8"


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-384", "SHA-512"])
def test_the_day_payu_changes_the_algorithm_nothing_breaks(gateway, simulator, receiver, started, algorithm):
    simulator.post("/_sim/pos/300746", {"algorithm": algorithm}).raise_for_status()
    simulator.pay(started[1].external_id)
    assert read_all(gateway, receiver.wait(2)) == (["PENDING", "COMPLETED"], 0)


def test_a_lost_notification_never_comes_and_asking_still_tells(gateway, simulator, receiver, started):
    simulator.fault("lose_notification", next=2)
    simulator.pay(started[1].external_id)
    time.sleep(0.4)
    assert receiver.came == []
    assert gateway.fetch(started[2]).state is TransactionState.COMPLETED


def test_a_doubled_notification_has_the_same_key_twice(gateway, simulator, receiver, started):
    simulator.fault("double_notification", next=2)
    simulator.pay(started[1].external_id)
    keys = [gateway.read_notification(raw).key for raw in receiver.wait(4)]
    assert len(keys) == 4
    assert len(set(keys)) == 2


def test_a_late_notification_comes_late(simulator, receiver, started):
    simulator.fault("late_notification", next=2, value=0.6)
    simulator.pay(started[1].external_id)
    time.sleep(0.3)
    assert receiver.came == []
    assert len(receiver.wait(2)) == 2


def test_notifications_may_change_places(simulator, receiver, started):
    simulator.fault("reorder_notifications", value=0.5)
    simulator.pay(started[1].external_id)
    receiver.wait(2)
    assert receiver.events() == ["COMPLETED", "PENDING"]


@pytest.mark.parametrize("fault", ["forge_notification", "foreign_notification"])
def test_a_notification_with_a_false_signature_is_forged(gateway, simulator, receiver, started, fault):
    simulator.fault(fault)
    simulator.pay(started[1].external_id)
    good, forged = read_all(gateway, receiver.wait(3))
    assert (sorted(good), forged) == (["COMPLETED", "PENDING"], 1)


@pytest.mark.parametrize(
    ("fault", "amount", "currency"), [("wrong_amount", 12_445, "PLN"), ("wrong_currency", 12_345, "EUR")]
)
def test_money_other_than_ordered_is_reported_as_it_came(
    gateway, simulator, receiver, started, fault, amount, currency
):
    simulator.fault(fault)
    simulator.pay(started[1].external_id)
    report = gateway.fetch(started[2])
    assert (report.state, report.amount, report.currency) == (TransactionState.COMPLETED, Money(amount), currency)
    assert simulator.money(started[1].external_id) == [("payment", amount, currency)]
    told = json.loads(receiver.wait(2)[1].body)["order"]
    assert (told["totalAmount"], told["currencyCode"]) == (str(amount), currency)


def test_money_may_come_after_a_cancellation(gateway, simulator, receiver, started, until):
    simulator.fault("cancel_then_paid", value=0.5)
    simulator.pay(started[1].external_id)
    assert gateway.fetch(started[2]).state is TransactionState.REJECTED
    assert simulator.money(started[1].external_id) == []
    until(lambda: gateway.fetch(started[2]).state is TransactionState.COMPLETED)
    receiver.wait(3)
    assert receiver.events() == ["PENDING", "CANCELED", "COMPLETED"]


def test_a_fault_may_be_set_for_one_gmina_only(gateway, simulator, connect, order):
    simulator.fault("drop_create", pos="145227")
    assert gateway.start(order()).redirect_url
    with pytest.raises(OutcomeUnknown):
        connect(simulator, "145227").start(order())


def test_a_fault_with_certainty_strikes_until_it_is_cleared(gateway, simulator, order):
    simulator.post("/_sim/faults", {"name": "drop_create", "probability": 1}).raise_for_status()
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            gateway.start(order())
    simulator.post("/_sim/faults", {"clear": True})
    assert gateway.start(order()).redirect_url


@pytest.mark.parametrize(
    "wish", [{"name": "nonsense"}, {"name": "error_500", "probability": 2}, {"name": "error_500", "next": -1}, [5]]
)
def test_a_fault_that_cannot_be_meant_is_refused(simulator, wish):
    assert simulator.post("/_sim/faults", wish).status_code == 400
