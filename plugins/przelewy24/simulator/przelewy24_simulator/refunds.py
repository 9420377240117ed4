"""Money sent back. It is taken at once, waits, and is done or rejected a little later."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from przelewy24_simulator.context import Simulator
from przelewy24_simulator.outbox import tell_refund
from przelewy24_simulator.transactions import MADE, RETURNED, find_transaction

COMPLETED, PENDING, AWAITING, REJECTED = 1, 2, 3, 4
TOLD = {COMPLETED: 0, REJECTED: 1}  # the notification counts in another way
SETTLES_AFTER = 60  # their seconds


def is_known(db: sqlite3.Connection, pos_id: int, sent: dict[str, Any]) -> bool:
    found = db.execute(
        "SELECT 1 FROM refunds WHERE pos_id = ? AND (request_id = ? OR refunds_uuid = ?)",
        (pos_id, sent["requestId"], sent["refundsUuid"]),
    ).fetchone()
    return found is not None


def problem_of(sim: Simulator, db: sqlite3.Connection, pos_id: int, asked: dict[str, Any]) -> str | None:
    row = find_transaction(db, asked["sessionId"], pos_id)
    if row is None or row["order_id"] != asked["orderId"]:
        return "Transaction not found"
    if row["status"] != MADE:
        return "Transaction in wrong status - cannot refund"
    if asked["amount"] > row["paid_amount"] - _taken(db, row["order_id"]):
        return "The amount of refund exceeds available amount for the transaction"
    if sim.faults.draw(db, "no_balance", pos_id) is not None:
        return "Insufficient funds available"
    return None


def open_refund(
    sim: Simulator, db: sqlite3.Connection, pos_id: int, sent: dict[str, Any], asked: dict[str, Any]
) -> None:
    row = find_transaction(db, asked["sessionId"], pos_id)
    number = db.execute(
        "INSERT INTO refunds (pos_id, order_id, session_id, request_id, refunds_uuid, url, amount, currency, "
        "description, status, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            pos_id,
            row["order_id"],
            row["session_id"],
            sent["requestId"],
            sent["refundsUuid"],
            sent.get("urlStatus"),
            asked["amount"],
            row["paid_currency"],
            asked.get("description", ""),
            AWAITING,
            time.time(),
        ),
    ).lastrowid
    fails = sim.faults.draw(db, "refund_rejected", pos_id) is not None
    now = time.time()
    steps = ((now + sim.seconds(SETTLES_AFTER / 2), "begin refund"),)
    steps += ((now + sim.seconds(SETTLES_AFTER), "reject refund" if fails else "settle refund"),)
    for due_at, kind in steps:
        db.execute("INSERT INTO jobs (due_at, kind, subject) VALUES (?, ?, ?)", (due_at, kind, number))


def refund_in_panel(sim: Simulator, db: sqlite3.Connection, row: sqlite3.Row, amount: int) -> int:
    """The merchant sends money back by hand: done at once, and without an id of the program that took the payment."""
    number = db.execute(
        "INSERT INTO refunds (pos_id, order_id, session_id, request_id, refunds_uuid, amount, currency, description, "
        "status, created_at) VALUES (?, ?, ?, '', '', ?, ?, 'Zwrot z panelu', ?, ?)",
        (row["pos_id"], row["order_id"], row["session_id"], amount, row["paid_currency"], PENDING, time.time()),
    ).lastrowid
    assert number is not None
    move(sim, db, number, COMPLETED)
    return number


def move(sim: Simulator, db: sqlite3.Connection, number: int, to: int) -> None:
    db.execute("UPDATE refunds SET status = ? WHERE number = ?", (to, number))
    refund = db.execute("SELECT * FROM refunds WHERE number = ?", (number,)).fetchone()
    row = find_transaction(db, refund["session_id"], refund["pos_id"])
    if to == COMPLETED:
        db.execute(
            "INSERT INTO money (at, pos_id, session_id, order_id, kind, amount, currency) "
            "VALUES (?, ?, ?, ?, 'refund', ?, ?)",
            (time.time(), row["pos_id"], row["session_id"], row["order_id"], -refund["amount"], refund["currency"]),
        )
        if _done(db, row["order_id"]) == row["paid_amount"]:
            db.execute("UPDATE transactions SET status = ? WHERE number = ?", (RETURNED, row["number"]))
    if to in TOLD:
        tell_refund(sim, db, row, refund, TOLD[to])


def list_refunds(db: sqlite3.Connection, order_id: int) -> list[sqlite3.Row]:
    return db.execute("SELECT * FROM refunds WHERE order_id = ? ORDER BY number", (order_id,)).fetchall()


def _taken(db: sqlite3.Connection, order_id: int) -> int:
    return sum(each["amount"] for each in list_refunds(db, order_id) if each["status"] != REJECTED)


def _done(db: sqlite3.Connection, order_id: int) -> int:
    return sum(each["amount"] for each in list_refunds(db, order_id) if each["status"] == COMPLETED)
