"""The desk: what the simulator knows, which faults are on, and the payer's part without a browser."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request

from przelewy24_simulator import payouts, refunds, transactions
from przelewy24_simulator.context import simulator
from przelewy24_simulator.faults import KNOWN, OPERATIONS, list_faults, put_fault
from przelewy24_simulator.points import get_point

blueprint = Blueprint("control", __name__)
SWITCHES = {
    "hides_unpaid": (True, False),
    "second_register": ("token", "refuse"),
    "second_verify": ("success", "refuse"),
    "takes_codes": (True, False),
}


@blueprint.get("/")
def desk() -> str:
    with simulator().ledger.read() as db:
        return render_template(
            "desk.html",
            rows=_ledger(db, None, newest=100)["transactions"],
            faults=list_faults(db),
            known=KNOWN,
            operations=OPERATIONS,
            points=db.execute("SELECT pos_id, name FROM points ORDER BY pos_id").fetchall(),
        )


@blueprint.get("/_sim/faults")
def read_faults() -> Response:
    with simulator().ledger.read() as db:
        on = list_faults(db)
    return jsonify(
        {"seed": simulator().faults.seed, "faults": on, "known": {name: d for name, (_, d) in KNOWN.items()}}
    )


@blueprint.post("/_sim/faults")
def change_faults() -> Response:
    """One fault, a list of them, or `{"clear": true}`. A form of the desk says the same in its words."""
    try:
        wish: Any = _from_form() if request.form else request.get_json(silent=True)
        wishes = wish if isinstance(wish, list) else [wish]
        with simulator().ledger.change() as db:
            for one in wishes:
                if not isinstance(one, dict):
                    raise ValueError("a fault is a JSON object")
                if one.get("clear"):
                    db.execute("DELETE FROM faults")
                else:
                    put_fault(db, one)
    except ValueError as error:
        return _problem(400, str(error))
    return redirect("/", 303) if request.form else read_faults()


@blueprint.get("/_sim/ledger")
def read_ledger() -> Response:
    with simulator().ledger.read() as db:
        return jsonify(_ledger(db, request.args.get("pos", type=int)))


@blueprint.get("/_sim/transactions")
def find_transactions() -> Response:
    with simulator().ledger.read() as db:
        rows = db.execute("SELECT * FROM transactions WHERE session_id = ?", (request.args.get("session"),)).fetchall()
        return jsonify({"transactions": [_transaction(db, row) for row in rows]})


@blueprint.post("/_sim/transactions/<session_id>/pay")
def pay(session_id: str) -> Response:
    """`{"method": 154, "late": true}`: late money comes whatever the time limit was."""
    sent = request.get_json(silent=True) or {}
    method = sent.get("method") if sent.get("method") in transactions.METHODS else 154
    with simulator().ledger.change() as db:
        row = transactions.find_transaction(db, session_id)
        if row is None:
            return _problem(404, "there is no such transaction")
        try:
            row = transactions.pay(simulator(), db, row, method, late=sent.get("late") is True)
        except transactions.WrongState as state:
            return _problem(409, f"the transaction is {state}")
    return redirect("/", 303) if request.form else jsonify({"sessionId": session_id, "status": row["status"]})


@blueprint.post("/_sim/transactions/<session_id>/refund")
def refund_in_panel(session_id: str) -> Response:
    """`{"amount": 500}`: money sent back by hand, as in the panel; all of it when no amount is said."""
    sent = request.get_json(silent=True) or {}
    with simulator().ledger.change() as db:
        row = transactions.find_transaction(db, session_id)
        if row is None or row["status"] != transactions.MADE:
            return _problem(409, "there is no verified transaction of this sessionId")
        amount = sent.get("amount", row["paid_amount"])
        if type(amount) is not int or not 0 < amount <= row["paid_amount"]:
            return _problem(400, "the amount is no whole number of grosze up to what was paid")
        number = refunds.refund_in_panel(simulator(), db, row, amount)
    return jsonify({"refundId": number, "amount": amount})


@blueprint.post("/_sim/points/<int:pos_id>/payout")
def pay_out(pos_id: int) -> Response:
    """`{"charge": 100, "wrong": 1}`: pays out what was not paid out yet; `wrong` grosze more than it should."""
    sent = request.get_json(silent=True) or {}
    charge, wrong = sent.get("charge", 0), sent.get("wrong", 0)
    with simulator().ledger.change() as db:
        if get_point(db, pos_id) is None or type(charge) is not int or type(wrong) is not int or charge < 0:
            return _problem(400, "an unknown point, or an amount that is no whole number of grosze")
        made = payouts.pay_out(db, pos_id, charge=charge, wrong=wrong)
    if made is None:
        return _problem(409, "there is nothing to pay out")
    return jsonify({"batchId": made["number"], "amount": made["amount"]})


@blueprint.post("/_sim/points/<int:pos_id>")
def change_point(pos_id: int) -> Response:
    """What their documentation leaves open: `hides_unpaid`, `second_register`, `second_verify`, `takes_codes`."""
    sent = request.get_json(silent=True)
    with simulator().ledger.change() as db:
        if get_point(db, pos_id) is None or not isinstance(sent, dict):
            return _problem(400, "an unknown point, or no JSON object")
        if any(name not in SWITCHES or value not in SWITCHES[name] for name, value in sent.items()):
            return _problem(400, "an unknown switch or value")
        for name, value in sent.items():
            db.execute(f"UPDATE points SET {name} = ? WHERE pos_id = ?", (value, pos_id))  # a name of SWITCHES
        point = get_point(db, pos_id)
    return jsonify({"pos": pos_id} | {name: point[name] for name in SWITCHES})


def _problem(http: int, text: str) -> Response:
    response = jsonify({"error": text})
    response.status_code = http
    return response


def _from_form() -> dict[str, Any]:
    form = request.form
    if "clear" in form:
        return {"clear": True}
    wish: dict[str, Any] = {"name": form.get("name"), "pos": form.get("pos"), "on": form.get("on")}
    if form.get("next"):
        wish["next"] = int(form["next"])
    if form.get("probability"):
        wish["probability"] = float(form["probability"].replace(",", "."))
    if form.get("value"):
        wish["value"] = float(form["value"].replace(",", "."))
    return wish


def _ledger(db: sqlite3.Connection, pos_id: int | None, *, newest: int = -1) -> dict[str, Any]:
    rows = db.execute(
        "SELECT * FROM transactions WHERE pos_id = ifnull(?, pos_id) ORDER BY number DESC LIMIT ?", (pos_id, newest)
    ).fetchall()
    money = db.execute("SELECT * FROM money WHERE pos_id = ifnull(?, pos_id) ORDER BY number", (pos_id,)).fetchall()
    return {
        "transactions": [_transaction(db, row) for row in rows],
        "money": [
            {
                "at": row["at"],
                "pos": row["pos_id"],
                "sessionId": row["session_id"],
                "orderId": row["order_id"],
                "kind": row["kind"],
                "amount": row["amount"],
                "currency": row["currency"],
            }
            for row in money
        ],
    }


def _transaction(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    told = db.execute(
        "SELECT * FROM notifications WHERE pos_id = ? AND session_id = ? ORDER BY number",
        (row["pos_id"], row["session_id"]),
    ).fetchall()
    sent = json.loads(row["body"])
    return {
        "sessionId": row["session_id"],
        "orderId": row["order_id"],
        "pos": row["pos_id"],
        "description": sent["description"],
        "sent": sent,
        "amount": row["amount"],
        "currency": row["currency"],
        "status": row["status"],
        "runOut": transactions.has_run_out(row),
        "method": row["method"],
        "paidAmount": row["paid_amount"],
        "paidCurrency": row["paid_currency"],
        "refunds": [
            {"requestId": each["request_id"], "amount": each["amount"], "status": each["status"]}
            for each in (refunds.list_refunds(db, row["order_id"]) if row["order_id"] else ())
        ],
        "notifications": [_notification(db, each) for each in told],
    }


def _notification(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    came = db.execute("SELECT * FROM answers WHERE notification = ? ORDER BY at", (row["number"],)).fetchall()
    return {
        "event": row["event"],
        "kind": row["kind"],
        "state": row["state"],
        "attempts": row["attempts"],
        "answers": [{"status": each["status"], "error": each["error"]} for each in came],
    }
