"""The desk: what the simulator knows, which faults are on, and the payer's part without a browser."""

from __future__ import annotations

import json
import sqlite3
from datetime import date
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request

from payu_simulator import bodies, orders, statements
from payu_simulator.context import simulator
from payu_simulator.faults import KNOWN, OPERATIONS, list_faults, put_fault
from payu_simulator.pos import ALGORITHMS

blueprint = Blueprint("control", __name__)


@blueprint.get("/")
def desk() -> str:
    with simulator().ledger.read() as db:
        return render_template(
            "desk.html",
            orders=_ledger(db, None, newest=100)["orders"],
            faults=list_faults(db),
            known=KNOWN,
            operations=OPERATIONS,
            accounts=db.execute("SELECT pos_id, name FROM pos ORDER BY pos_id").fetchall(),
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
        return jsonify(_ledger(db, request.args.get("pos")))


@blueprint.get("/_sim/orders")
def find_orders() -> Response:
    with simulator().ledger.read() as db:
        rows = db.execute("SELECT * FROM orders WHERE ext_order_id = ?", (request.args.get("ext"),)).fetchall()
        return jsonify({"orders": [_order(db, row) for row in rows]})


@blueprint.post("/_sim/orders/<order_id>/pay")
def pay(order_id: str) -> Response:
    sent = request.get_json(silent=True) or {}
    method = "transfer" if sent.get("method") == "transfer" else "blik"
    return _act(order_id, lambda db, order: orders.pay(simulator(), db, order, method))


@blueprint.post("/_sim/orders/<order_id>/cancel")
def cancel(order_id: str) -> Response:
    return _act(order_id, lambda db, order: orders.cancel(simulator(), db, order))


@blueprint.get("/_sim/statement")
def read_statement() -> Response:
    """`?pos=300746&day=2026-11-27`: the statement of a day, as the panel gives it."""
    pos_id, day = request.args.get("pos", ""), request.args.get("day", "")
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        return _problem(400, "a day is written 2026-11-27")
    with simulator().ledger.read() as db:
        text = statements.write_statement(db, pos_id, wanted)
    response = Response(text.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="payu-{wanted}.csv"'
    return response


@blueprint.post("/_sim/pos/<pos_id>/payout")
def pay_out(pos_id: str) -> Response:
    """`{"charge": 100, "wrong": 1}`: pays out what was not paid out yet; `wrong` grosze more than it should."""
    sent = request.get_json(silent=True) or {}
    charge, wrong = sent.get("charge", 0), sent.get("wrong", 0)
    if type(charge) is not int or type(wrong) is not int or charge < 0:
        return _problem(400, "an amount is a whole number of grosze")
    with simulator().ledger.change() as db:
        made = statements.pay_out(db, pos_id, charge=charge, wrong=wrong)
    if made is None:
        return _problem(409, "there is nothing to pay out")
    return jsonify({"payout": f"W{made['number']}", "amount": made["amount"]})


@blueprint.post("/_sim/pos/<pos_id>")
def change_pos(pos_id: str) -> Response:
    """`{"algorithm": "SHA-256", "auto_receive": false}`: how it signs, and whether payments are confirmed by itself."""
    sent = request.get_json(silent=True) or {}
    with simulator().ledger.change() as db:
        pos = db.execute("SELECT * FROM pos WHERE pos_id = ?", (pos_id,)).fetchone()
        algorithm = sent.get("algorithm", pos["algorithm"] if pos else None)
        auto = sent.get("auto_receive", bool(pos["auto_receive"]) if pos else None)
        if pos is None or algorithm not in ALGORITHMS or not isinstance(auto, bool):
            return _problem(400, "an unknown POS or algorithm, or auto_receive is neither true nor false")
        db.execute("UPDATE pos SET algorithm = ?, auto_receive = ? WHERE pos_id = ?", (algorithm, auto, pos_id))
    return jsonify({"pos": pos_id, "algorithm": algorithm, "auto_receive": auto})


def _act(order_id: str, verb: Any) -> Response:
    with simulator().ledger.change() as db:
        order = orders.find_order(db, order_id)
        if order is None:
            return _problem(404, "there is no such order")
        try:
            order = verb(db, order)
        except orders.WrongState as state:
            return _problem(409, f"the order is {state}")
    return redirect("/", 303) if request.form else jsonify({"orderId": order_id, "status": order["status"]})


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


def _ledger(db: sqlite3.Connection, pos_id: str | None, *, newest: int = -1) -> dict[str, Any]:
    rows = db.execute(
        "SELECT * FROM orders WHERE pos_id = ifnull(?, pos_id) ORDER BY created_at DESC LIMIT ?", (pos_id, newest)
    ).fetchall()
    money = db.execute("SELECT * FROM money WHERE pos_id = ifnull(?, pos_id) ORDER BY number", (pos_id,)).fetchall()
    return {
        "orders": [_order(db, row) for row in rows],
        "money": [
            {
                "at": bodies.moment(row["at"]),
                "pos": row["pos_id"],
                "orderId": row["order_id"],
                "kind": row["kind"],
                "refundId": row["refund_id"],
                "amount": row["amount"],
                "currency": row["currency"],
            }
            for row in money
        ],
    }


def _order(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    told = db.execute("SELECT * FROM notifications WHERE order_id = ? ORDER BY number", (row["order_id"],)).fetchall()
    back = db.execute("SELECT * FROM refunds WHERE order_id = ? ORDER BY number", (row["order_id"],)).fetchall()
    return {
        "orderId": row["order_id"],
        "extOrderId": row["ext_order_id"],
        "pos": row["pos_id"],
        "description": json.loads(row["body"])["description"],
        "amount": row["amount"],
        "currency": row["currency"],
        "status": row["status"],
        "createdAt": bodies.moment(row["created_at"]),
        "validUntil": bodies.moment(row["valid_until"]),
        "method": row["method"],
        "paidAt": bodies.moment(row["paid_at"]) if row["paid_at"] else None,
        "paidAmount": row["paid_amount"],
        "paidCurrency": row["paid_currency"],
        "paymentId": row["payment_id"],
        "refunds": [
            {
                "refundId": r["refund_id"],
                "extRefundId": r["ext_refund_id"],
                "amount": r["amount"],
                "status": r["status"],
            }
            for r in back
        ],
        "notifications": [_notification(db, n) for n in told],
    }


def _refund(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "refundId": row["refund_id"],
        "extRefundId": row["ext_refund_id"],
        "amount": row["amount"],
        "status": row["status"],
    }


def _notification(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    came = db.execute("SELECT * FROM answers WHERE notification = ? ORDER BY at", (row["number"],)).fetchall()
    return {
        "event": row["event"],
        "kind": row["kind"],
        "state": row["state"],
        "dueAt": bodies.moment(row["due_at"]),
        "attempts": row["attempts"],
        "answers": [{"at": bodies.moment(a["at"]), "status": a["status"], "error": a["error"]} for a in came],
    }
