"""The life of an order at PayU, and the money that comes with it."""

from __future__ import annotations

import json
import secrets
import sqlite3
import string
import time
from typing import Any

from payu_simulator.context import Simulator
from payu_simulator.outbox import tell_order

NEXT = {
    "NEW": {"PENDING", "CANCELED"},
    "PENDING": {"WAITING_FOR_CONFIRMATION", "COMPLETED", "CANCELED"},
    "WAITING_FOR_CONFIRMATION": {"COMPLETED", "CANCELED"},
    "COMPLETED": set(),
    "CANCELED": {"WAITING_FOR_CONFIRMATION", "COMPLETED"},  # the bank's money came after all
}
OPEN = {"NEW", "PENDING"}


class WrongState(Exception):
    """The order is past that."""


def open_order(db: sqlite3.Connection, pos_id: str, sent: dict[str, Any]) -> sqlite3.Row:
    now = time.time()
    letters = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(10))
    order_id = f"{letters}{time.strftime('%y%m%d')}GUEST000P01"
    db.execute(
        "INSERT INTO orders (order_id, pos_id, ext_order_id, body, amount, currency, status, created_at, valid_until, "
        "page_token) VALUES (?, ?, ?, ?, ?, ?, 'NEW', ?, ?, ?)",
        (
            order_id,
            pos_id,
            sent.get("extOrderId"),
            json.dumps(sent),
            int(sent["totalAmount"]),
            sent["currencyCode"],
            now,
            now + int(sent.get("validityTime", "86400")),
            secrets.token_urlsafe(24),
        ),
    )
    return get_order(db, order_id)


def find_order(db: sqlite3.Connection, order_id: str, pos_id: str | None = None) -> sqlite3.Row | None:
    """One of this POS; those of others do not exist."""
    return db.execute(
        "SELECT * FROM orders WHERE order_id = ? AND pos_id = ifnull(?, pos_id)", (order_id, pos_id)
    ).fetchone()


def get_order(db: sqlite3.Connection, order_id: str) -> sqlite3.Row:
    order = find_order(db, order_id)
    assert order is not None
    return order


def pay(sim: Simulator, db: sqlite3.Connection, order: sqlite3.Row, method: str) -> sqlite3.Row:
    """The payer pays. Perhaps PayU first believes it failed, and the money comes later."""
    if order["status"] not in OPEN:
        raise WrongState(order["status"])
    order_id = order["order_id"]
    db.execute("UPDATE orders SET method = ? WHERE order_id = ?", (method, order_id))
    if order["status"] == "NEW":
        _move(sim, db, order_id, "PENDING")
    if _comes_later(sim, db, order):
        return _move(sim, db, order_id, "CANCELED")
    return take_money(sim, db, order_id)


def take_money(sim: Simulator, db: sqlite3.Connection, order_id: str) -> sqlite3.Row:
    order = get_order(db, order_id)
    pos_id = order["pos_id"]
    more = sim.faults.draw(db, "wrong_amount", pos_id)
    foreign = sim.faults.draw(db, "wrong_currency", pos_id) is not None
    stale = sim.faults.draw(db, "stale_get", pos_id)
    db.execute(
        "UPDATE orders SET paid_at = ?, paid_amount = ?, paid_currency = ?, payment_id = ?, method = ifnull(method, "
        "'blik'), stale_until = ?, stale_status = 'PENDING' WHERE order_id = ?",
        (
            time.time(),
            max(1, order["amount"] + int(more or 0)),
            "EUR" if foreign else order["currency"],
            str(5_000_000_000 + secrets.randbelow(1_000_000_000)),
            0 if stale is None else time.time() + stale,
            order_id,
        ),
    )
    auto = db.execute("SELECT auto_receive FROM pos WHERE pos_id = ?", (pos_id,)).fetchone()[0]
    if not auto:
        return _move(sim, db, order_id, "WAITING_FOR_CONFIRMATION")
    _keep_money(db, get_order(db, order_id))
    return _move(sim, db, order_id, "COMPLETED")


def capture(sim: Simulator, db: sqlite3.Connection, order: sqlite3.Row, amount: int | None) -> sqlite3.Row:
    if order["status"] != "WAITING_FOR_CONFIRMATION":
        raise WrongState(order["status"])
    if amount is not None:
        db.execute("UPDATE orders SET paid_amount = ? WHERE order_id = ?", (amount, order["order_id"]))
    _keep_money(db, get_order(db, order["order_id"]))
    return _move(sim, db, order["order_id"], "COMPLETED")


def cancel(sim: Simulator, db: sqlite3.Connection, order: sqlite3.Row) -> sqlite3.Row:
    """By the payer, the merchant or the clock."""
    if order["status"] not in {*OPEN, "WAITING_FOR_CONFIRMATION"}:
        raise WrongState(order["status"])
    if order["status"] in OPEN:
        _comes_later(sim, db, order)
    return _move(sim, db, order["order_id"], "CANCELED")


def _comes_later(sim: Simulator, db: sqlite3.Connection, order: sqlite3.Row) -> bool:
    after = sim.faults.draw(db, "cancel_then_paid", order["pos_id"])
    if after is None:
        return False
    db.execute(
        "INSERT INTO jobs (due_at, kind, subject) VALUES (?, 'late payment', ?)",
        (time.time() + after, order["order_id"]),
    )
    return True


def _keep_money(db: sqlite3.Connection, order: sqlite3.Row) -> None:
    """The truth a checker compares with: what really came."""
    db.execute(
        "INSERT INTO money (at, pos_id, order_id, kind, amount, currency) VALUES (?, ?, ?, 'payment', ?, ?)",
        (time.time(), order["pos_id"], order["order_id"], order["paid_amount"], order["paid_currency"]),
    )


def _move(sim: Simulator, db: sqlite3.Connection, order_id: str, to: str) -> sqlite3.Row:
    order = get_order(db, order_id)
    if to not in NEXT[order["status"]]:
        raise WrongState(order["status"])
    db.execute("UPDATE orders SET status = ? WHERE order_id = ?", (to, order_id))
    moved = get_order(db, order_id)
    tell_order(sim, db, moved)
    return moved
