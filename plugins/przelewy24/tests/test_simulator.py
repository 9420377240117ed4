"""The simulator itself: its payment page, its retries, and that a kill -9 makes it forget nothing."""

from __future__ import annotations

import sqlite3

import pytest
import requests

from skarbnik.plugin_api import TransactionState


def act(started, **form):
    return requests.post(started.redirect_url, data=form, timeout=10, allow_redirects=False)


@pytest.mark.parametrize("action", ["pay", "close"])
def test_paying_and_closing_lead_back_to_the_same_address(gateway, started, action):
    request, payment, key = started
    answer = act(payment, action=action, method="25")
    assert (answer.status_code, answer.headers["Location"]) == (303, request.return_url)
    paid = gateway.fetch(key).state is TransactionState.COMPLETED
    assert paid is (action == "pay")


def test_a_refusal_of_the_bank_is_said_on_the_page_and_may_be_tried_again(gateway, simulator, started):
    _, payment, key = started
    answer = act(payment, action="refuse")
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert simulator.money(payment.external_id) == []
    assert act(payment, action="pay").status_code == 303
    assert gateway.fetch(key).state is TransactionState.COMPLETED


@pytest.mark.parametrize(
    ("language", "shown", "html"),
    [("pl", "Zapłać", "pl"), ("en", "Pay", "en"), ("uk", "Pay", "en")],
)
def test_the_page_speaks_polish_or_english(gateway, order, language, shown, html):
    page = requests.get(gateway.start(order(language=language)).redirect_url, timeout=10).text
    assert f'value="pay">{shown}<' in page
    assert f'<html lang="{html}">' in page


def test_the_language_of_the_page_can_be_changed(started):
    assert 'value="pay">Pay<' in requests.get(started[1].redirect_url + "?lang=en", timeout=10).text


def test_what_the_page_says_after_a_click_is_in_its_language(started):
    page = requests.post(started[1].redirect_url + "?lang=en", data={"action": "refuse"}, timeout=10).text
    assert "The bank refused the payment." in page
    assert "No real money is taken." in page
    assert "?lang=en" in page


def test_the_page_opens_only_with_its_own_token(started):
    assert requests.get(started[1].redirect_url + "X", timeout=10).status_code == 404


def test_after_the_time_limit_the_page_takes_no_money(own_simulator, connect, order):
    payment = connect(own_simulator).start(order())
    with sqlite3.connect(own_simulator.ledger, timeout=10) as db:
        db.execute("UPDATE transactions SET valid_until = 1")
    assert "err105" in requests.get(payment.redirect_url, timeout=10).text
    assert act(payment, action="pay").status_code == 200
    assert own_simulator.post(f"/_sim/transactions/{payment.external_id}/pay").status_code == 409
    assert own_simulator.money(payment.external_id) == []
    own_simulator.pay(payment.external_id, late=True)
    assert own_simulator.money(payment.external_id) == [("advance", 12_345, "PLN")]


def test_what_was_paid_is_not_paid_again(simulator, started):
    payment = started[1]
    simulator.pay(payment.external_id)
    assert act(payment, action="pay").status_code == 200
    assert simulator.post(f"/_sim/transactions/{payment.external_id}/pay").status_code == 409
    assert simulator.money(payment.external_id) == [("advance", 12_345, "PLN")]


def test_a_notification_is_repeated_though_answered_until_the_payment_is_verified(
    gateway, simulator, receiver, started, until
):
    simulator.pay(started[1].external_id)
    receiver.wait(2)
    gateway.fetch(started[2])

    def states():
        return {each["state"] for each in simulator.transactions(started[1].external_id)[0]["notifications"]}

    until(lambda: states() == {"verified"})


@pytest.mark.parametrize(
    "switch", [{"nonsense": 1}, {"hides_unpaid": "yes"}, {"second_verify": "maybe"}, {"second_register": 5}]
)
def test_a_switch_that_cannot_be_meant_is_refused(simulator, switch):
    assert simulator.post("/_sim/points/99001", switch).status_code == 400


def test_the_desk_shows_the_transaction_to_a_person(simulator, started):
    page = requests.get(simulator.url + "/", timeout=10).text
    assert started[1].external_id in page
    assert "timeout_after_verify" in page


def test_money_in_the_ledger_is_only_ever_added_to(simulator, started):
    simulator.pay(started[1].external_id)
    with sqlite3.connect(simulator.ledger) as db:
        for change in ("UPDATE money SET amount = 0", "DELETE FROM money"):
            with pytest.raises(sqlite3.IntegrityError):
                db.execute(change)


def test_a_kill_9_forgets_no_money_and_the_notifications_go_on(own_simulator, connect, receiver, order, key):
    gateway, request = connect(own_simulator), order(receiver.url)
    started = gateway.start(request)
    receiver.statuses = [500] * 100
    own_simulator.pay(started.external_id)
    receiver.wait(1)
    own_simulator.kill()

    receiver.statuses = []
    receiver.came.clear()
    own_simulator.start()

    assert own_simulator.money(started.external_id) == [("advance", 12_345, "PLN")]
    receiver.wait(1)
    assert gateway.fetch(key(request, started.external_id)).state is TransactionState.COMPLETED
