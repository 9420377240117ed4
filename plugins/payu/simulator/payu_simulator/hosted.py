"""The page a payer is sent to. Marked as a simulator everywhere, and without cookies."""

from __future__ import annotations

import json
import sqlite3

from flask import Blueprint, Response, abort, redirect, render_template, request

from payu_simulator import orders
from payu_simulator.blik import REFUSALS
from payu_simulator.context import simulator

blueprint = Blueprint("hosted", __name__, url_prefix="/pay")


@blueprint.get("/")
def show() -> str:
    with simulator().ledger.read() as db:
        return _page(_order(db))


@blueprint.post("/")
def act() -> Response | str:
    sim = simulator()
    with sim.ledger.change() as db:
        order = _order(db)
        method = "blik" if request.form.get("method") == "blik" else "transfer"
        if order["status"] not in orders.OPEN:
            return _page(order)
        if request.form.get("action") == "cancel":
            orders.cancel(sim, db, order)
            return _leave(order, authorised=False)
        if method == "blik":
            code = request.form.get("code", "").replace(" ", "")
            problem = REFUSALS[code][0] if code in REFUSALS else None
            if not (code.isascii() and code.isdigit() and len(code) == 6):
                problem = "Kod BLIK ma 6 cyfr."
            if problem:
                return _page(order, problem)
        paid = orders.pay(sim, db, order, method)
    return _leave(order, authorised=paid["status"] != "CANCELED")


def add_error(address: str) -> str:
    """PayU says that a payment was not authorised with `error=501`, after `?` or `&`."""
    plain, mark, rest = address.partition("#")
    return f"{plain}{'&' if '?' in plain else '?'}error=501{mark}{rest}"


def _order(db: sqlite3.Connection) -> sqlite3.Row:
    order = orders.find_order(db, request.values.get("orderId", ""))
    if order is None or order["page_token"] != request.values.get("token"):
        abort(404)
    return order


def _leave(order: sqlite3.Row, *, authorised: bool) -> Response | str:
    address = json.loads(order["body"]).get("continueUrl")
    if not address:
        with simulator().ledger.read() as db:
            return _page(orders.get_order(db, order["order_id"]))
    return redirect(address if authorised else add_error(address), 303)


def _page(order: sqlite3.Row, problem: str | None = None) -> str:
    sent = json.loads(order["body"])
    with simulator().ledger.read() as db:
        shop = db.execute("SELECT name FROM pos WHERE pos_id = ?", (order["pos_id"],)).fetchone()[0]
    return render_template(
        "pay.html",
        order=order,
        sent=sent,
        shop=shop,
        problem=problem,
        open=order["status"] in orders.OPEN,
        back=sent.get("continueUrl"),
    )
