"""Money sent back. PayU takes a refund at once and settles it a little later."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

from payu_simulator.context import Simulator
from payu_simulator.orders import get_order
from payu_simulator.outbox import tell_refund

SETTLES_AFTER = 60  # PayU's seconds


class RefundRefused(Exception):
    """OPENPAYU_BUSINESS_ERROR with this code and word."""

    def __init__(self, code: str, literal: str) -> None:
        super().__init__(literal)
        self.code, self.literal = code, literal


def open_refund(sim: Simulator, db: sqlite3.Connection, order: sqlite3.Row, asked: dict[str, Any]) -> sqlite3.Row:
    """The same data again names the refund that is there already; without an extRefundId that is any equal one."""
    order_id = order["order_id"]
    known = find_same(db, order_id, asked)
    if known is not None:
        return known
    if order["status"] != "COMPLETED":
        raise RefundRefused("9101", "TRANS_NOT_ENDED")
    taken = db.execute(
        "SELECT ifnull(sum(amount), 0) FROM refunds WHERE order_id = ? AND status != 'CANCELED'", (order_id,)
    ).fetchone()[0]
    left = order["paid_amount"] - taken
    amount = left if asked.get("amount") is None else int(asked["amount"])
    if amount <= 0:
        raise RefundRefused("9104", "AMOUNT_TO_SMALL")
    if amount > left:
        raise RefundRefused("9103", "AMOUNT_TO_BIG")
    if sim.faults.draw(db, "no_balance", order["pos_id"]) is not None:
        raise RefundRefused("9102", "NO_BALANCE")
    now = time.time()
    number = db.execute(
        "INSERT INTO refunds (order_id, ext_refund_id, asked, amount, currency, description, status, created_at, "
        "status_at) VALUES (?, ?, ?, ?, ?, ?, 'PENDING', ?, ?)",
        (
            order_id,
            asked.get("extRefundId"),
            _canonical(asked),
            amount,
            order["paid_currency"],
            asked["description"],
            now,
            now,
        ),
    ).lastrowid
    refund_id = str(5_000_000_000 + (number or 0))
    db.execute("UPDATE refunds SET refund_id = ? WHERE number = ?", (refund_id, number))
    fails = sim.faults.draw(db, "refund_canceled", order["pos_id"]) is not None
    db.execute(
        "INSERT INTO jobs (due_at, kind, subject) VALUES (?, ?, ?)",
        (now + sim.seconds(SETTLES_AFTER), "cancel refund" if fails else "settle refund", refund_id),
    )
    return get_refund(db, refund_id)


def find_same(db: sqlite3.Connection, order_id: str, asked: dict[str, Any]) -> sqlite3.Row | None:
    wanted = _canonical(asked)
    for refund in list_refunds(db, order_id):
        if refund["asked"] == wanted:
            return refund
        if asked.get("extRefundId") and refund["ext_refund_id"] == asked["extRefundId"]:
            raise RefundRefused("9111", "REFUND_IDEMPOTENCY_MISMATCH")
    return None


def settle(sim: Simulator, db: sqlite3.Connection, refund_id: str, *, failed: bool) -> None:
    refund = get_refund(db, refund_id)
    order = get_order(db, refund["order_id"])
    db.execute(
        "UPDATE refunds SET status = ?, status_at = ? WHERE refund_id = ?",
        ("CANCELED" if failed else "FINALIZED", time.time(), refund_id),
    )
    if not failed:
        db.execute(
            "INSERT INTO money (at, pos_id, order_id, kind, refund_id, amount, currency) "
            "VALUES (?, ?, ?, 'refund', ?, ?, ?)",
            (time.time(), order["pos_id"], order["order_id"], refund_id, -refund["amount"], refund["currency"]),
        )
    tell_refund(sim, db, order, get_refund(db, refund_id))


def get_refund(db: sqlite3.Connection, refund_id: str) -> sqlite3.Row:
    return db.execute("SELECT * FROM refunds WHERE refund_id = ?", (refund_id,)).fetchone()


def list_refunds(db: sqlite3.Connection, order_id: str) -> list[sqlite3.Row]:
    return db.execute("SELECT * FROM refunds WHERE order_id = ? ORDER BY number", (order_id,)).fetchall()


def _canonical(asked: dict[str, Any]) -> str:
    return json.dumps(asked, sort_keys=True)
