"""Each fault of the simulator, and that the plugin says about it what is true."""

from __future__ import annotations

import time

import pytest

from skarbnik.plugin_api import (
    ExternalSystemError,
    Forged,
    Misconfigured,
    Money,
    OutcomeUnknown,
    RefundRequest,
    Refused,
    TransactionState,
)


def read_all(gateway, came):
    """The keys that pass the check, and how many did not."""
    good, forged = [], 0
    for raw in list(came):
        try:
            good.append(gateway.read_notification(raw).key)
        except Forged:
            forged += 1
    return good, forged


def test_a_transaction_answered_with_an_error_after_it_was_made_is_of_unknown_outcome(gateway, simulator, order):
    simulator.fault("error_after_register")
    request = order()
    with pytest.raises(OutcomeUnknown):
        gateway.start(request)
    assert len(simulator.transactions(request.transaction_id.hex)) == 1


@pytest.mark.parametrize("second", ["token", "refuse"])
def test_registering_again_after_a_lost_answer_never_makes_a_second_one(gateway, simulator, order, key, second):
    simulator.switch(second_register=second)
    simulator.fault("timeout_after_register", value=3)
    request = order()
    with pytest.raises(OutcomeUnknown):
        gateway.start(request)
    if second == "refuse":
        with pytest.raises(Refused):
            gateway.start(request)
    else:
        assert gateway.start(request).redirect_url
    assert len(simulator.transactions(request.transaction_id.hex)) == 1


def test_a_dropped_registration_was_never_made_though_nobody_can_know(gateway, simulator, order):
    simulator.fault("drop_register")
    request = order()
    with pytest.raises(OutcomeUnknown):
        gateway.start(request)
    assert simulator.transactions(request.transaction_id.hex) == []
    assert gateway.start(request).redirect_url is not None


def test_a_slow_registration_within_our_patience_works(gateway, simulator, order):
    simulator.fault("delay_register", value=0.4)
    before = time.monotonic()
    assert gateway.start(order()).redirect_url
    assert time.monotonic() - before >= 0.4


@pytest.mark.parametrize("fault", ["error_500", "html_error", "maintenance"])
def test_an_error_on_registering_leaves_the_outcome_unknown(gateway, simulator, order, fault):
    simulator.fault(fault, on="register")
    with pytest.raises(OutcomeUnknown):
        gateway.start(order())


@pytest.mark.parametrize("fault", ["error_500", "html_error", "maintenance", "rate_limit"])
def test_an_error_on_reading_is_an_error_and_the_next_reading_works(gateway, simulator, started, fault):
    simulator.fault(fault, on="get")
    with pytest.raises(ExternalSystemError) as caught:
        gateway.fetch(started[2])
    assert type(caught.value) is ExternalSystemError
    assert gateway.fetch(started[2]).state is TransactionState.PENDING


def test_too_many_calls_made_no_transaction(gateway, simulator, order):
    simulator.fault("rate_limit", on="register")
    request = order()
    with pytest.raises(ExternalSystemError) as caught:
        gateway.start(request)
    assert type(caught.value) is ExternalSystemError
    assert simulator.transactions(request.transaction_id.hex) == []


def test_a_key_that_is_taken_no_more_is_a_matter_of_settings(gateway, simulator, started):
    simulator.fault("unauthorized")
    with pytest.raises(Misconfigured):
        gateway.fetch(started[2])


def test_a_reading_beyond_our_patience_is_an_error_and_not_an_unknown_outcome(gateway, simulator, started):
    simulator.fault("slow_get", value=2)
    with pytest.raises(ExternalSystemError) as caught:
        gateway.fetch(started[2])
    assert not isinstance(caught.value, OutcomeUnknown)


@pytest.mark.parametrize("fault", ["error_after_verify", "timeout_after_verify"])
@pytest.mark.parametrize("second", ["success", "refuse"])
def test_a_verification_whose_answer_was_lost_took_the_money_once(gateway, simulator, started, fault, second):
    simulator.switch(second_verify=second)
    simulator.pay(started[1].external_id)
    simulator.fault(fault, **({"value": 3} if "timeout" in fault else {}))
    assert gateway.fetch(started[2]).state is TransactionState.COMPLETED
    assert gateway.fetch(started[2]).state is TransactionState.COMPLETED
    assert [kind for kind, *_ in simulator.money(started[1].external_id)] == ["advance", "payment"]


def test_a_verification_that_never_arrived_is_made_the_next_time(gateway, simulator, started):
    simulator.pay(started[1].external_id)
    simulator.fault("drop_verify")
    assert gateway.fetch(started[2]).state is TransactionState.PENDING
    assert simulator.money(started[1].external_id) == [("advance", 12_345, "PLN")]
    assert gateway.fetch(started[2]).state is TransactionState.COMPLETED


@pytest.mark.parametrize("fault", ["error_500", "html_error", "maintenance", "rate_limit"])
def test_while_verifying_does_not_work_the_money_is_not_said_to_be_there(gateway, simulator, started, fault):
    simulator.pay(started[1].external_id)
    simulator.fault(fault, on="verify")
    assert gateway.fetch(started[2]).state is TransactionState.PENDING
    assert gateway.fetch(started[2]).state is TransactionState.COMPLETED


def test_a_reading_may_lag_behind_the_notification(gateway, simulator, receiver, started, until):
    simulator.fault("stale_get", value=0.6)
    simulator.pay(started[1].external_id)
    receiver.wait(1)
    assert gateway.fetch(started[2]).state is TransactionState.PENDING
    until(lambda: gateway.fetch(started[2]).state is TransactionState.COMPLETED)


def test_a_payment_is_notified_and_it_is_ours(gateway, simulator, receiver, started):
    simulator.pay(started[1].external_id)
    receiver.wait(1)
    good, forged = read_all(gateway, receiver.came)
    assert (len(set(good)), forged) == (1, 0)
    told = receiver.bodies()[0]
    assert (told["amount"], told["originAmount"], told["orderId"] > 2**31) == (12_345, 12_345, True)
    assert "opłata" in told["statement"]


def test_a_lost_notification_never_comes_and_asking_still_takes_the_money(gateway, simulator, receiver, started):
    simulator.fault("lose_notification")
    simulator.pay(started[1].external_id)
    time.sleep(0.4)
    assert receiver.came == []
    assert gateway.fetch(started[2]).state is TransactionState.COMPLETED


def test_a_doubled_notification_has_the_same_key_twice(gateway, simulator, receiver, started):
    simulator.fault("double_notification")
    simulator.pay(started[1].external_id)
    good, forged = read_all(gateway, receiver.wait(2))
    assert (len(set(good)), forged) == (1, 0)
    assert len(good) >= 2


def test_a_late_notification_comes_late(simulator, receiver, started):
    simulator.fault("late_notification", value=0.6)
    simulator.pay(started[1].external_id)
    time.sleep(0.3)
    assert receiver.came == []
    receiver.wait(1)


def test_news_of_a_payment_may_come_after_news_of_its_refund(gateway, simulator, receiver, started, new_id, until):
    simulator.pay(started[1].external_id)
    receiver.wait(1)
    gateway.fetch(started[2])
    simulator.fault("reorder_notifications", value=0.2)
    gateway.refund(RefundRequest(new_id(), started[2], Money(100), "Nadpłata", notify_url=receiver.url))
    until(lambda: any("refundsUuid" in told for told in receiver.bodies()))
    until(lambda: "refundsUuid" not in receiver.bodies()[-1])
    assert gateway.read_notification(receiver.came[-1]).refund_id is None


@pytest.mark.parametrize(
    "fault", ["forge_notification", "foreign_notification", "changed_notification", "text_notification"]
)
def test_a_false_notification_is_forged_and_the_true_one_is_not(gateway, simulator, receiver, started, fault):
    simulator.fault(fault)
    simulator.pay(started[1].external_id)
    good, forged = read_all(gateway, receiver.wait(2))
    assert (len(set(good)), forged) == (1, 1)


@pytest.mark.parametrize(
    ("fault", "amount", "currency"), [("wrong_amount", 12_445, "PLN"), ("wrong_currency", 12_345, "EUR")]
)
def test_money_other_than_ordered_stays_the_payers_and_is_told_as_it_came(
    gateway, simulator, receiver, started, fault, amount, currency
):
    simulator.fault(fault)
    simulator.pay(started[1].external_id)
    report = gateway.fetch(started[2])
    assert (report.state, report.amount, report.currency) == (TransactionState.PENDING, Money(amount), currency)
    assert simulator.money(started[1].external_id) == [("advance", amount, currency)]
    receiver.wait(1)
    assert (receiver.bodies()[0]["amount"], receiver.bodies()[0]["originAmount"]) == (amount, 12_345)


def test_money_may_come_after_the_payer_came_back_without_it(gateway, simulator, started, until):
    simulator.fault("late_payment", value=0.4)
    simulator.pay(started[1].external_id)
    assert gateway.fetch(started[2]).state is TransactionState.PENDING
    assert simulator.money(started[1].external_id) == []
    until(lambda: gateway.fetch(started[2]).state is TransactionState.COMPLETED)


def test_a_fault_may_be_set_for_one_point_only(gateway, simulator, connect, order):
    simulator.fault("drop_register", pos="99002")
    assert gateway.start(order()).redirect_url
    with pytest.raises(OutcomeUnknown):
        connect(simulator, "99002").start(order())


def test_a_fault_with_certainty_strikes_until_it_is_cleared(gateway, simulator, order):
    simulator.post("/_sim/faults", {"name": "drop_register", "probability": 1}).raise_for_status()
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
