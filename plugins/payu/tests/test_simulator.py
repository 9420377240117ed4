"""The simulator itself: its payment page, its retries, and that a kill -9 makes it forget nothing."""

from __future__ import annotations

import re
import sqlite3

import pytest
import requests

from skarbnik.plugin_api import TransactionState


def act(started, **form):
    fields = dict(re.findall(r"(orderId|token)=([^&]+)", started.redirect_url))
    page = started.redirect_url.partition("?")[0]
    return requests.post(page, data=fields | form, timeout=10, allow_redirects=False)


def states(simulator, started):
    return [told["state"] for told in simulator.orders(started[0].transaction_id.hex)[0]["notifications"]]


def test_paying_on_the_page_leads_back_to_the_gmina(gateway, started):
    request, payment, key = started
    answer = act(payment, action="pay", method="blik", code="777 123")
    assert (answer.status_code, answer.headers["Location"]) == (303, request.return_url)
    assert gateway.fetch(key).state is TransactionState.COMPLETED


def test_cancelling_on_the_page_leads_back_with_the_error_of_payu(gateway, started):
    request, payment, key = started
    answer = act(payment, action="cancel")
    assert (answer.status_code, answer.headers["Location"]) == (303, request.return_url + "&error=501")
    assert gateway.fetch(key).state is TransactionState.REJECTED


def test_an_address_without_a_query_gets_a_question_mark(gateway, order):
    payment = gateway.start(order(return_url="https://gmina.example.pl/wynik#stan"))
    assert act(payment, action="cancel").headers["Location"] == "https://gmina.example.pl/wynik?error=501#stan"


@pytest.mark.parametrize("code", ["500500", "700701", "700702", "700703", "12", ""])
def test_a_refused_blik_code_is_said_on_the_page_and_may_be_tried_again(gateway, started, code):
    _, payment, key = started
    answer = act(payment, action="pay", method="blik", code=code)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert gateway.fetch(key).state is TransactionState.PENDING
    assert act(payment, action="pay", method="transfer").status_code == 303


def test_the_page_opens_only_with_its_own_token(started):
    assert requests.get(started[1].redirect_url + "x", timeout=10).status_code == 404


def test_what_was_paid_is_not_paid_again(simulator, started):
    payment = started[1]
    simulator.pay(payment.external_id)
    assert act(payment, action="pay", method="transfer").status_code == 200
    assert simulator.post(f"/_sim/orders/{payment.external_id}/pay").status_code == 409
    assert simulator.money(payment.external_id) == [("payment", 12_345, "PLN")]


def test_a_notification_is_repeated_until_somebody_answers_200(simulator, receiver, started, until):
    receiver.statuses = [503, 302, 201, 200]
    simulator.pay(started[1].external_id)
    until(lambda: receiver.events().count("PENDING") + receiver.events().count("COMPLETED") == 5)
    notes = simulator.orders(started[0].transaction_id.hex)[0]["notifications"]
    until(
        lambda: all(
            n["state"] == "delivered" for n in simulator.orders(started[0].transaction_id.hex)[0]["notifications"]
        )
    )
    assert len(notes) == 2


def test_the_desk_shows_the_order_to_a_person(simulator, started):
    page = requests.get(simulator.url + "/", timeout=10).text
    assert started[1].external_id in page
    assert "timeout_after_create" in page


def test_money_in_the_ledger_is_only_ever_added_to(simulator, started):
    simulator.pay(started[1].external_id)
    with sqlite3.connect(simulator.ledger) as db:
        for change in ("UPDATE money SET amount = 0", "DELETE FROM money"):
            with pytest.raises(sqlite3.IntegrityError):
                db.execute(change)


def test_a_kill_9_forgets_no_money_and_the_notifications_go_on(own_simulator, connect, receiver, order, key, until):
    gateway, request = connect(own_simulator), order(receiver.url)
    started = gateway.start(request)
    receiver.statuses = [500] * 100
    own_simulator.pay(started.external_id)
    own_simulator.kill()
    money = [("payment", 12_345, "PLN")]

    receiver.statuses = []
    receiver.came.clear()
    own_simulator.start()

    assert own_simulator.money(started.external_id) == money
    assert gateway.fetch(key(request, started.external_id)).state is TransactionState.COMPLETED
    assert gateway.start(request).external_id == started.external_id
    until(lambda: set(receiver.events()) == {"PENDING", "COMPLETED"})
