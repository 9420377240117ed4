"""The page a payer is sent to, in Polish and English. Marked as a simulator everywhere, and without cookies."""

from __future__ import annotations

import json
import sqlite3

from flask import Blueprint, Response, abort, redirect, render_template, request

from przelewy24_simulator import transactions
from przelewy24_simulator.context import simulator
from przelewy24_simulator.points import get_point

blueprint = Blueprint("hosted", __name__, url_prefix="/trnRequest")
WORDS = {
    "pl": {
        "notice": "To jest symulator Przelewy24. Żadne prawdziwe pieniądze nie są pobierane.",
        "payment": "Płatność",
        "for": "Płatność dla:",
        "to_pay": "Do zapłaty",
        "how": "Sposób płatności",
        "pay": "Zapłać",
        "refuse": "Odmowa banku",
        "close": "Wróć bez płacenia",
        "refused": "Bank odmówił płatności. Możesz spróbować jeszcze raz.",
        "paid": "Płatność została przyjęta.",
        "run_out": "Czas na tę płatność minął (err105).",
        "back": "Wróć do sprzedawcy",
        "other": "English",
    },
    "en": {
        "notice": "This is a simulator of Przelewy24. No real money is taken.",
        "payment": "Payment",
        "for": "Payment to:",
        "to_pay": "To pay",
        "how": "Way to pay",
        "pay": "Pay",
        "refuse": "Refusal by the bank",
        "close": "Go back without paying",
        "refused": "The bank refused the payment. You may try again.",
        "paid": "The payment was taken.",
        "run_out": "The time for this payment is over (err105).",
        "back": "Back to the seller",
        "other": "Polski",
    },
}


@blueprint.get("/<token>")
def show(token: str) -> str:
    with simulator().ledger.read() as db:
        return _page(_transaction(db, token), token)


@blueprint.post("/<token>")
def act(token: str) -> Response | str:
    """Pay, or be refused, or close the page. Paying and closing lead to the same address, which says nothing."""
    sim, action = simulator(), request.form.get("action")
    with sim.ledger.change() as db:
        row = _transaction(db, token)
        if action == "close":
            return _leave(row)
        if row["status"] != transactions.NONE or transactions.has_run_out(row):
            return _page(row, token)
        if action != "pay":
            return _page(row, token, problem="refused")
        method = int(request.form.get("method", "154"))
        transactions.pay(sim, db, row, method if method in transactions.METHODS else 154)
    return _leave(row)


def _transaction(db: sqlite3.Connection, token: str) -> sqlite3.Row:
    found = db.execute("SELECT number FROM tokens WHERE token = ?", (token,)).fetchone()
    if found is None:
        abort(404)
    return transactions.get_transaction(db, found["number"])


def _leave(row: sqlite3.Row) -> Response:
    return redirect(json.loads(row["body"])["urlReturn"], 303)


def _page(row: sqlite3.Row, token: str, *, problem: str | None = None) -> str:
    sent = json.loads(row["body"])
    wanted = request.args.get("lang") or sent.get("language")
    language = "pl" if wanted == "pl" else "en"
    with simulator().ledger.read() as db:
        shop = get_point(db, row["pos_id"])["name"]
    return render_template(
        "pay.html",
        language=language,
        other="en" if language == "pl" else "pl",
        words=WORDS[language],
        row=row,
        sent=sent,
        shop=shop,
        token=token,
        problem=problem,
        methods={number: name for number, name in transactions.METHODS.items() if number != 31},
        open=row["status"] == transactions.NONE and not transactions.has_run_out(row),
    )
