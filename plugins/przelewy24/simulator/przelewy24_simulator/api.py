"""Przelewy24's REST API v1, as much of it as a gmina's portal can meet."""

from __future__ import annotations

import sqlite3
import time
from hmac import compare_digest
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from przelewy24_simulator import answers, blik, payouts, refunds, rules, transactions
from przelewy24_simulator.context import simulator
from przelewy24_simulator.points import get_point
from przelewy24_simulator.signing import register_sign, verify_sign

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
OPERATIONS = {
    "test_access": "test",
    "register": "register",
    "charge_by_code": "charge",
    "verify": "verify",
    "refund": "refund",
    "read_refunds": "get_refund",
    "read_methods": "methods",
    "read_report": "report",
    "read_report_page": "report",
    "read_batch": "report",
}
INSTEAD = {
    "rate_limit": lambda: Response("Too many requests", 429, content_type="text/plain"),
    "unauthorized": lambda: answers.refuse(401, "Incorrect authentication"),
    "error_500": lambda: answers.refuse(500, "Unknown error", code="500"),
    "html_error": answers.html_error,
    "maintenance": answers.maintenance,
}


@blueprint.before_request
def check_caller() -> Response | None:
    """Who calls, and whether something goes wrong before the call has any effect."""
    sim, who = simulator(), request.authorization
    operation = OPERATIONS.get((request.endpoint or "").removeprefix("api."), "get")
    with sim.ledger.change() as db:
        name = (who.username or "") if who and who.type == "basic" else ""
        point = get_point(db, int(name)) if name.isascii() and name.isdigit() and len(name) < 12 else None
        if point is None or not compare_digest((who.password or "").encode(), point["api_key"].encode()):
            return answers.refuse(401, "Incorrect authentication")
        for fault, answer in INSTEAD.items():
            if sim.faults.draw(db, fault, point["pos_id"], operation) is not None:
                return answer()
        slow = sim.faults.draw(db, "slow_get", point["pos_id"], operation) if request.method == "GET" else None
    time.sleep(slow or 0)
    g.point = point
    return None


@blueprint.get("/testAccess")
def test_access() -> Response:
    return jsonify({"data": True, "error": ""})


@blueprint.post("/transaction/register")
def register() -> Response:
    sim, sent, point = simulator(), request.get_json(silent=True), g.point
    if not rules.fits_register(sent) or not _is_ours(sent, point):
        return answers.refuse(400, ["Invalid input data"])
    made = register_sign(sent["sessionId"], sent["merchantId"], sent["amount"], sent["currency"], point["crc"])
    if not compare_digest(made, sent["sign"]):
        return answers.refuse(400, "Incorrect CRC value")
    with sim.ledger.change() as db:
        delay = sim.faults.draw(db, "delay_register", point["pos_id"])
        dropped = sim.faults.draw(db, "drop_register", point["pos_id"]) is not None
    time.sleep(delay or 0)
    if dropped:
        return answers.hang_up(0)
    with sim.ledger.change() as db:
        known = transactions.find_transaction(db, sent["sessionId"], point["pos_id"])
        if known is not None and (point["second_register"] == "refuse" or known["amount"] != sent["amount"]):
            return answers.refuse(400, "Invalid input data")
        token = transactions.open_transaction(db, point["pos_id"], sent)
        held = sim.faults.draw(db, "timeout_after_register", point["pos_id"])
        failed = sim.faults.draw(db, "error_after_register", point["pos_id"]) is not None
    return _unless(held, failed) or answers.done({"token": token})


@blueprint.post("/paymentMethod/blik/chargeByCode")
def charge_by_code() -> Response:
    """A point that may not charge codes is answered as one whose keys are wrong."""
    sim, sent, point = simulator(), request.get_json(silent=True), g.point
    if not point["takes_codes"]:
        return answers.refuse(401, "Incorrect authentication")
    if not rules.fits_code(sent):
        return answers.refuse(400, "Invalid input data")
    with sim.ledger.change() as db:
        row = transactions.find_by_token(db, sent["token"], point["pos_id"])
        if row is None or row["status"] != transactions.NONE or transactions.has_run_out(row):
            return answers.refuse(400, "Invalid input data")
        problem = blik.problem_of(sent["blikCode"])
        if problem is not None:
            return answers.refuse(400, problem[1], code=problem[0])
        blik.begin(sim, db, row, sent["blikCode"])
        held = sim.faults.draw(db, "timeout_after_charge", point["pos_id"])
    return _unless(held, False) or answers.done(
        {"orderId": transactions.FIRST_ORDER + row["number"], "message": ""}, 201
    )


@blueprint.put("/transaction/verify")
def verify() -> Response:
    sim, sent, point = simulator(), request.get_json(silent=True), g.point
    if not rules.fits_verify(sent) or not _is_ours(sent, point):
        return answers.refuse(400, "Invalid input data")
    made = verify_sign(sent["sessionId"], sent["orderId"], sent["amount"], sent["currency"], point["crc"])
    if not compare_digest(made.encode(), sent["sign"].encode()):
        return answers.refuse(400, "Incorrect CRC value")
    with sim.ledger.change() as db:
        row = transactions.find_transaction(db, sent["sessionId"], point["pos_id"])
        if row is None or row["order_id"] != sent["orderId"]:
            return answers.not_found()
        again = row["status"] == transactions.MADE and point["second_verify"] == "success"
        paid = (row["status"], row["paid_amount"], row["paid_currency"])
        if not again and paid != (transactions.ADVANCE, sent["amount"], sent["currency"]):
            return answers.refuse(400, "Invalid input data", code="400")
        if sim.faults.draw(db, "drop_verify", point["pos_id"]) is not None:
            return answers.hang_up(0)
        if not again:
            transactions.verify(sim, db, row)
        held = sim.faults.draw(db, "timeout_after_verify", point["pos_id"])
        failed = sim.faults.draw(db, "error_after_verify", point["pos_id"]) is not None
    return _unless(held, failed) or answers.done({"status": "success"})


@blueprint.get("/transaction/by/sessionId/<session_id>")
def read_transaction(session_id: str) -> Response:
    with simulator().ledger.read() as db:
        row = transactions.find_transaction(db, session_id, g.point["pos_id"])
        batch = payouts.batch_of(db, "transaction", row["number"]) if row is not None else 0
    if row is None:
        return answers.not_found()
    shown = transactions.shown(row, batch)
    if g.point["hides_unpaid"] and shown["status"] == transactions.NONE:
        return answers.not_found()
    return answers.done(shown)


@blueprint.post("/transaction/refund")
def refund() -> Response:
    sim, sent, pos_id = simulator(), request.get_json(silent=True), g.point["pos_id"]
    if not rules.fits_refund(sent):
        return answers.refuse(400, "Invalid input parameters")
    with sim.ledger.change() as db:
        if sim.faults.draw(db, "concurrent_refund", pos_id) is not None:
            return answers.refuse(400, "Concurrent call")
        if refunds.is_known(db, pos_id, sent):
            return answers.refuse(400, "Request already exists")
        problems = [refunds.problem_of(sim, db, pos_id, asked) for asked in sent["refunds"]]
        if any(problems):
            told = [_asked(asked, problem) for asked, problem in zip(sent["refunds"], problems, strict=True)]
            return answers.refuse(409, told)
        for asked in sent["refunds"]:
            refunds.open_refund(sim, db, pos_id, sent, asked)
        held = sim.faults.draw(db, "timeout_after_refund", pos_id)
    return _unless(held, False) or answers.done([_asked(asked, None) for asked in sent["refunds"]], 201)


@blueprint.get("/refund/by/orderId/<int:order_id>")
def read_refunds(order_id: int) -> Response:
    with simulator().ledger.read() as db:
        row = db.execute(
            "SELECT * FROM transactions WHERE order_id = ? AND pos_id = ?", (order_id, g.point["pos_id"])
        ).fetchone()
        found = refunds.list_refunds(db, order_id) if row is not None else []
    if row is None:
        return answers.not_found()
    told = [
        {
            "batchId": 0,
            "requestId": each["request_id"],
            "date": transactions.moment(each["created_at"]),
            "login": "api",
            "description": each["description"],
            "status": each["status"],
            "amount": each["amount"],
        }
        for each in found
    ]
    head = {"orderId": order_id, "sessionId": row["session_id"], "amount": row["paid_amount"]}
    return answers.done(head | {"currency": row["paid_currency"], "refunds": told})


@blueprint.get("/payment/methods/<language>")
def read_methods(language: str) -> Response:
    if language not in {"pl", "en"}:
        return answers.refuse(400, "Invalid input data")
    always = "00-24"
    methods = [
        {
            "name": name,
            "id": number,
            "group": "Karty" if number == 218 else "eTransfer",
            "subgroup": "",
            "status": number != 31,
            "imgUrl": f"{simulator().address()}/static/{number}.png",
            "mobileImgUrl": f"{simulator().address()}/static/{number}.png",
            "mobile": True,
            "availabilityHours": {"mondayToFriday": always, "saturday": always, "sunday": always},
        }
        for number, name in transactions.METHODS.items()
    ]
    return answers.done(methods)


def _is_ours(sent: dict[str, Any], point: sqlite3.Row) -> bool:
    return (sent["merchantId"], sent["posId"]) == (point["merchant_id"], point["pos_id"])


def _asked(asked: dict[str, Any], problem: str | None) -> dict[str, Any]:
    return asked | {"status": problem is None, "message": problem or "success"}


def _unless(held: float | None, failed: bool) -> Response | None:
    """What comes instead of the answer when the deed is done and its answer is lost."""
    if held is not None:
        return answers.hang_up(held)
    return answers.refuse(500, "Unknown error") if failed else None
