"""PayU's REST API 2.1, as much of it as a gmina's portal can meet."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from payu_simulator import answers, blik, bodies, orders, refunds, rules
from payu_simulator.context import Simulator, simulator
from payu_simulator.oauth import answers_instead, find_pos_id

blueprint = Blueprint("api", __name__, url_prefix="/api/v2_1")
METHODS = (("blik", "BLIK"), ("m", "mTransfer"), ("o", "Płacę z Bankiem Pekao"), ("p", "Płać z iPKO"), ("c", "Karta"))
OPERATIONS = {
    "create_order": "create",
    "cancel_order": "cancel",
    "capture_order": "capture",
    "change_status": "capture",
    "create_refund": "refund",
    "read_refunds": "get_refund",
    "read_refund": "get_refund",
    "read_methods": "methods",
}


@blueprint.before_request
def check_caller() -> Response | None:
    """Who calls, and whether something goes wrong before the call has any effect."""
    sim = simulator()
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    operation = OPERATIONS.get((request.endpoint or "").removeprefix("api."), "get")
    with sim.ledger.change() as db:
        pos_id = find_pos_id(db, token)
        if kind.lower() != "bearer" or pos_id is None:
            return answers.oauth_refusal(401, "invalid_token", "Invalid access token")
        if sim.faults.draw(db, "token_expired", pos_id, operation) is not None:
            db.execute("DELETE FROM tokens WHERE token = ?", (token,))
            return answers.oauth_refusal(401, "invalid_token", "Access token expired")
        for name, answer in answers_instead().items():
            if sim.faults.draw(db, name, pos_id, operation) is not None:
                return answer()
        slow = sim.faults.draw(db, "slow_get", pos_id, operation) if request.method == "GET" else None
    time.sleep(slow or 0)
    g.pos_id = pos_id
    return None


@blueprint.post("/orders")
def create_order() -> Response:
    sim = simulator()
    sent = request.get_json(silent=True)  # refuses other content types too
    try:
        rules.check_order(sent)
    except rules.Bad as bad:
        return answers.refuse(400, bad.status_code, str(bad))
    if sent["merchantPosId"] != g.pos_id:
        return answers.refuse(403, "UNAUTHORIZED_REQUEST", literal="INVALID_AUTH_FOR_THIS_ORDER")
    with sim.ledger.change() as db:
        delay = sim.faults.draw(db, "delay_create", g.pos_id)
        dropped = sim.faults.draw(db, "drop_create", g.pos_id) is not None
    time.sleep(delay or 0)
    if dropped:
        return answers.hang_up(0)
    with sim.ledger.change() as db:
        known = db.execute(
            "SELECT order_id FROM orders WHERE pos_id = ? AND ext_order_id = ?", (g.pos_id, sent.get("extOrderId"))
        ).fetchone()
        if known is not None:
            return answers.refuse(
                400,
                "ERROR_ORDER_NOT_UNIQUE",
                "Order with the given extOrderId already exists.",
                code="110",
                literal="ORDER_NOT_UNIQUE",
                orderId=known["order_id"],
            )
        code = blik.take_code(sent)
        order = orders.open_order(db, g.pos_id, sent)
        if code is not None:
            blik.begin(sim, db, order, code)
        held = sim.faults.draw(db, "timeout_after_create", g.pos_id)
        failed = sim.faults.draw(db, "error_after_create", g.pos_id) is not None
    if held is not None:
        return answers.hang_up(held)
    if failed:
        return answers.refuse(500, "ERROR_INTERNAL")
    return _created(order) if code is None else _begun(order)


@blueprint.get("/orders/<order_id>")
def read_order(order_id: str) -> Response:
    with simulator().ledger.read() as db:
        order = orders.find_order(db, order_id, g.pos_id)
    if order is None:
        return answers.not_found()
    status = bodies.shown_status(order)
    return jsonify(
        {
            "orders": [bodies.order_body(order, status)],
            "status": {"statusCode": "SUCCESS", "statusDesc": "Request processing successful"},
            "properties": bodies.properties(order, status),
        }
    )


@blueprint.delete("/orders/<order_id>")
def cancel_order(order_id: str) -> Response:
    sim = simulator()
    with sim.ledger.change() as db:
        order = orders.find_order(db, order_id, g.pos_id)
        if order is None:
            return answers.not_found()
        try:
            if not _needs_another(sim, db, order):
                orders.cancel(sim, db, order)
        except orders.WrongState:
            return answers.refuse(400, "ERROR_VALUE_INVALID", "The order cannot be cancelled any more.", code="108")
    return jsonify({"orderId": order_id, "extOrderId": order["ext_order_id"], "status": answers.SUCCESS})


@blueprint.post("/orders/<order_id>/captures")
def capture_order(order_id: str) -> Response:
    sent = request.get_json(silent=True) or {}
    amount = sent.get("amount")
    if amount is not None and (not isinstance(amount, str) or not rules.MINOR.fullmatch(amount) or not int(amount)):
        return answers.refuse(400, "ERROR_VALUE_INVALID", "amount is a text with whole minor units")
    return _capture(order_id, None if amount is None else int(amount))


@blueprint.put("/orders/<order_id>/status")
def change_status(order_id: str) -> Response:
    """Deprecated by PayU, and still there."""
    sent = request.get_json(silent=True) or {}
    if sent.get("orderStatus") != "COMPLETED" or sent.get("orderId") != order_id:
        return answers.refuse(400, "ERROR_VALUE_INVALID", "orderId and orderStatus COMPLETED are expected")
    return _capture(order_id, None)


@blueprint.get("/orders/<order_id>/transactions")
def read_transactions(order_id: str) -> Response:
    with simulator().ledger.read() as db:
        order = orders.find_order(db, order_id, g.pos_id)
    if order is None or (order["paid_at"] is None and order["result"] is None):
        return answers.not_found()
    transaction: dict[str, Any] = {"payMethod": {"value": "blik"}, "paymentFlow": "BLIK"}
    if order["result"] is not None:
        transaction["resultCode"] = order["result"]
    if order["method"] != "blik":
        payer = {"number": "69109010140000071219812870", "name": "Jan Testowy", "city": "Testowo"}
        transaction = {"payMethod": {"value": "m"}, "paymentFlow": "PAY_BY_LINK", "bankAccount": payer}
    return jsonify({"transactions": [transaction]})


@blueprint.post("/orders/<order_id>/refunds")
@blueprint.post("/orders/<order_id>/refund")  # what the vendor's SDKs still call
def create_refund(order_id: str) -> Response:
    sim = simulator()
    asked = (request.get_json(silent=True) or {}).get("refund")
    if not isinstance(asked, dict) or not isinstance(asked.get("description"), str) or not asked["description"]:
        return answers.refuse(400, "ERROR_VALUE_MISSING", "missing refund.description")
    amount = asked.get("amount")
    if amount is not None and (not isinstance(amount, str) or not rules.MINOR.fullmatch(amount)):
        return answers.refuse(400, "ERROR_VALUE_INVALID", "amount is a text with whole minor units")
    with sim.ledger.change() as db:
        order = orders.find_order(db, order_id, g.pos_id)
        if order is None:
            return answers.not_found()
        try:
            refund = refunds.open_refund(sim, db, order, asked)
        except refunds.RefundRefused as refused:
            return answers.refuse(400, "OPENPAYU_BUSINESS_ERROR", code=refused.code, literal=refused.literal)
    status = {"statusCode": "SUCCESS", "statusDesc": "Refund queued for processing"}
    return jsonify({"orderId": order_id, "refund": bodies.refund_body(refund), "status": status})


@blueprint.get("/orders/<order_id>/refunds")
def read_refunds(order_id: str) -> Response:
    with simulator().ledger.read() as db:
        if orders.find_order(db, order_id, g.pos_id) is None:
            return answers.not_found()
        found = refunds.list_refunds(db, order_id)
    return jsonify({"refunds": [bodies.refund_body(refund) for refund in found]})


@blueprint.get("/orders/<order_id>/refunds/<refund_id>")
def read_refund(order_id: str, refund_id: str) -> Response:
    with simulator().ledger.read() as db:
        order = orders.find_order(db, order_id, g.pos_id)
        found = refunds.list_refunds(db, order_id) if order is not None else []
    refund = next((refund for refund in found if refund["refund_id"] == refund_id), None)
    return answers.not_found() if refund is None else jsonify(bodies.refund_body(refund))


@blueprint.get("/paymethods")
def read_methods() -> Response:
    links = [
        {
            "value": value,
            "name": name,
            "brandImageUrl": f"{simulator().address()}/static/{value}.png",
            "status": "TEMPORARY_DISABLED" if value == "c" else "ENABLED",
            "minAmount": 50,
            "maxAmount": 99999999,
        }
        for value, name in METHODS
    ]
    return jsonify({"cardTokens": [], "pexTokens": [], "payByLinks": links, "status": answers.SUCCESS})


@blueprint.get("/shops/<shop_id>")
def read_shop(shop_id: str) -> Response:
    """Here a shop has one POS and its number."""
    if shop_id != g.pos_id:
        return answers.not_found()
    with simulator().ledger.read() as db:
        name = db.execute("SELECT name FROM pos WHERE pos_id = ?", (shop_id,)).fetchone()[0]
        total = db.execute(
            "SELECT ifnull(sum(amount), 0) FROM money WHERE pos_id = ? AND currency = 'PLN'", (shop_id,)
        ).fetchone()[0]
    balance = {"currencyCode": "PLN", "total": str(total), "available": str(total)}
    return jsonify({"shopId": shop_id, "name": name, "currencyCode": "PLN", "balance": balance})


def _needs_another(sim: Simulator, db: sqlite3.Connection, order: sqlite3.Row) -> bool:
    """An order that waits for confirmation may say SUCCESS and go only when cancelled a second time."""
    waits = order["status"] == "WAITING_FOR_CONFIRMATION"
    return waits and sim.faults.draw(db, "cancel_twice", order["pos_id"]) is not None


def _capture(order_id: str, amount: int | None) -> Response:
    sim = simulator()
    with sim.ledger.change() as db:
        order = orders.find_order(db, order_id, g.pos_id)
        if order is None:
            return answers.not_found()
        if amount is not None and order["paid_amount"] is not None and amount > order["paid_amount"]:
            return answers.refuse(400, "ERROR_VALUE_INVALID", "amount is above the payment")
        try:
            orders.capture(sim, db, order, amount)
        except orders.WrongState:
            return answers.refuse(400, "ERROR_VALUE_INVALID", "The order waits for no confirmation.", code="108")
    return jsonify({"status": {"statusCode": "SUCCESS", "statusDesc": "Status was updated"}})


def _begun(order: sqlite3.Row) -> Response:
    """201: nobody has to be sent anywhere."""
    body = {"status": answers.SUCCESS, "orderId": order["order_id"], "extOrderId": order["ext_order_id"]}
    response = jsonify(body)
    response.status_code = 201
    return response


def _created(order: sqlite3.Row) -> Response:
    """302 with a JSON body: clients that follow it never see the orderId."""
    address = f"{simulator().address()}/pay/?orderId={order['order_id']}&token={order['page_token']}"
    body: dict[str, Any] = {"status": answers.SUCCESS, "redirectUri": address, "orderId": order["order_id"]}
    if order["ext_order_id"] is not None:
        body["extOrderId"] = order["ext_order_id"]
    response = jsonify(body)
    response.status_code = 302
    response.headers["Location"] = address
    return response
