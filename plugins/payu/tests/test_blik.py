"""BLIK codes that were typed on our page, as PayU takes and refuses them."""

import pytest

from skarbnik.plugin_api import BlikProblem, BlikRefused, OutcomeUnknown, TransactionState

CODE = "777123"


def test_the_code_goes_out_as_the_way_to_pay(wire):
    taken = wire.answer(201, {"status": {"statusCode": "SUCCESS"}, "orderId": "O-1"})
    gateway, http = wire(taken, wire.answer(404, {"status": {"statusCode": "DATA_NOT_FOUND"}}))
    started = gateway.start(wire.request(blik_code=CODE))

    sent = http.asked[1][2]["body"].decode()
    assert '"payMethod": {"type": "PBL", "value": "blik", "authorizationCode": "777123"}' in sent
    assert (started.external_id, started.redirect_url) == ("O-1", None)


def test_without_a_code_the_way_to_pay_is_chosen_on_payus_page(wire):
    taken = wire.answer(302, {"status": {"statusCode": "SUCCESS"}, "orderId": "O-1", "redirectUri": "https://p/1"})
    gateway, http = wire(taken)
    gateway.start(wire.request())

    assert b"payMethods" not in http.asked[1][2]["body"]


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("REG_ERROR_AUTH_CODE_EXPIRED", BlikProblem.EXPIRED),
        ("REG_ERROR_AUTH_CODE_CANCELLED", BlikProblem.CANCELLED),
        ("REG_ERROR_AUTH_CODE_USED", BlikProblem.USED),
        ("REG_ERROR_AUTH_CODE_INVALID", BlikProblem.WRONG),
        ("ER_TIC_EXPIRED", BlikProblem.EXPIRED),
    ],
)
def test_why_a_code_does_not_pay_is_read_from_the_orders_transactions(wire, word, problem):
    taken = wire.answer(201, {"status": {"statusCode": "SUCCESS"}, "orderId": "O-1"})
    said = wire.answer(200, {"transactions": [{"payMethod": {"value": "blik"}, "resultCode": word}]})
    gateway, _http = wire(taken, said)

    with pytest.raises(BlikRefused) as refused:
        gateway.start(wire.request(blik_code=CODE))
    assert (refused.value.problem, refused.value.external_id) == (problem, "O-1")


@pytest.mark.parametrize(
    "said",
    [
        {"transactions": []},
        {"transactions": None},
        {"transactions": [{"resultCode": None}, "x"]},
        {"transactions": [{"resultCode": "AUT_SUCCESS"}]},
        {},
    ],
)
def test_where_nothing_is_said_yet_the_payer_is_asked_in_the_bank(wire, said):
    taken = wire.answer(201, {"status": {"statusCode": "SUCCESS"}, "orderId": "O-1"})
    gateway, _http = wire(taken, wire.answer(200, said))

    assert gateway.start(wire.request(blik_code=CODE)).external_id == "O-1"


def test_a_pos_that_may_not_ask_for_codes_says_so(wire):
    refused = {"status": {"statusCode": "ERROR_VALUE_INVALID", "codeLiteral": "PAY_METHOD_NOT_AVAILABLE"}}
    gateway, _http = wire(wire.answer(400, refused))

    with pytest.raises(BlikRefused) as told:
        gateway.start(wire.request(blik_code=CODE))
    assert told.value.problem is BlikProblem.NOT_HERE


def test_the_same_payment_again_is_not_charged_again(gateway, order):
    request = order(blik_code=CODE)
    first = gateway.start(request)
    again = gateway.start(request)

    assert (again.external_id, again.redirect_url) == (first.external_id, None)


def test_a_time_out_is_unknown_and_the_order_is_there(simulator, gateway, order, key, until):
    simulator.fault("timeout_after_create", value=2)
    request = order(blik_code=CODE)

    with pytest.raises(OutcomeUnknown):
        gateway.start(request)
    (made,) = simulator.orders(request.transaction_id.hex)
    until(lambda: gateway.fetch(key(request, made["orderId"])).state is TransactionState.COMPLETED)


def test_what_the_bank_refuses_ends_as_any_payment_that_failed(gateway, order, key, until):
    request = order(blik_code="500500")
    started = gateway.start(request)

    until(lambda: gateway.fetch(key(request, started.external_id)).state is TransactionState.REJECTED)
