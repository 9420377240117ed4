"""The life of a transaction, and the money that comes with it: an advance first, the merchant's when verified."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from przelewy24_simulator.context import Simulator
from przelewy24_simulator.outbox import stop_telling, tell_paid

WARSAW = ZoneInfo("Europe/Warsaw")
NONE, ADVANCE, MADE, RETURNED = 0, 1, 2, 3
METHODS = {154: "BLIK", 25: "mTransfer", 31: "ING", 218: "Karta"}
FIRST_ORDER = 4_300_000_000  # beyond 32 bits, as theirs are


class WrongState(Exception):
    """The transaction is past that."""


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, WARSAW).strftime("%Y%m%d%H%M")


def open_transaction(db: sqlite3.Connection, pos_id: int, sent: dict[str, Any]) -> str:
    """Keep it, once for each sessionId, and give it a token for the payer's page. Each call gives another token."""
    limit = sent.get("timeLimit", 0)
    now = time.time()
    db.execute(
        "INSERT OR IGNORE INTO transactions (pos_id, session_id, body, amount, currency, created_at, valid_until) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            pos_id,
            sent["sessionId"],
            json.dumps(sent),
            sent["amount"],
            sent["currency"],
            now,
            now + limit * 60 if limit else None,
        ),
    )
    token = f"{secrets.token_hex(5)}-{secrets.token_hex(5)}-{secrets.token_hex(5)}".upper()
    number = find_transaction(db, sent["sessionId"], pos_id)["number"]
    db.execute("INSERT INTO tokens VALUES (?, ?)", (token, number))
    return token


def find_transaction(db: sqlite3.Connection, session_id: str, pos_id: int | None = None) -> sqlite3.Row:
    """One of this point; those of others do not exist. None when there is none."""
    return db.execute(
        "SELECT * FROM transactions WHERE session_id = ? AND pos_id = ifnull(?, pos_id)", (session_id, pos_id)
    ).fetchone()


def find_by_token(db: sqlite3.Connection, token: str, pos_id: int) -> sqlite3.Row | None:
    found = db.execute("SELECT number FROM tokens WHERE token = ?", (token,)).fetchone()
    row = None if found is None else get_transaction(db, found["number"])
    return row if row is not None and row["pos_id"] == pos_id else None


def get_transaction(db: sqlite3.Connection, number: int) -> sqlite3.Row:
    return db.execute("SELECT * FROM transactions WHERE number = ?", (number,)).fetchone()


def has_run_out(row: sqlite3.Row) -> bool:
    return row["status"] == NONE and row["valid_until"] is not None and row["valid_until"] <= time.time()


def pay(sim: Simulator, db: sqlite3.Connection, row: sqlite3.Row, method: int, *, late: bool = False) -> sqlite3.Row:
    """What the payer does on the page. Perhaps the money comes only later, whatever the time limit says."""
    if row["status"] != NONE or (has_run_out(row) and not late):
        raise WrongState("run out" if row["status"] == NONE else str(row["status"]))
    db.execute("UPDATE transactions SET method = ? WHERE number = ?", (method, row["number"]))
    after = sim.faults.draw(db, "late_payment", row["pos_id"])
    if after is not None:
        db.execute(
            "INSERT INTO jobs (due_at, kind, subject) VALUES (?, 'late payment', ?)",
            (time.time() + after, row["number"]),
        )
        return get_transaction(db, row["number"])
    return take_money(sim, db, row["number"])


def take_money(sim: Simulator, db: sqlite3.Connection, number: int) -> sqlite3.Row:
    row = get_transaction(db, number)
    if row["status"] != NONE:
        raise WrongState(str(row["status"]))
    pos_id, order_id, now = row["pos_id"], FIRST_ORDER + number, time.time()
    more = sim.faults.draw(db, "wrong_amount", pos_id) or 0
    foreign = sim.faults.draw(db, "wrong_currency", pos_id) is not None
    stale = sim.faults.draw(db, "stale_get", pos_id)
    db.execute(
        "UPDATE transactions SET status = ?, order_id = ?, statement = ?, paid_at = ?, paid_amount = ?, "
        "paid_currency = ?, stale_until = ? WHERE number = ?",
        (
            ADVANCE,
            order_id,
            f"p24-{order_id:X} opłata",
            now,
            max(1, row["amount"] + int(more)),
            "EUR" if foreign else row["currency"],
            0 if stale is None else now + stale,
            number,
        ),
    )
    paid = get_transaction(db, number)
    _keep_money(db, paid, "advance")
    tell_paid(sim, db, paid)
    return paid


def verify(sim: Simulator, db: sqlite3.Connection, row: sqlite3.Row) -> None:
    """From now on the money is the merchant's, and nobody needs to be told any more."""
    db.execute("UPDATE transactions SET status = ?, stale_until = 0 WHERE number = ?", (MADE, row["number"]))
    _keep_money(db, row, "payment")
    stop_telling(db, row)


def _keep_money(db: sqlite3.Connection, row: sqlite3.Row, kind: str) -> None:
    """The truth a checker compares with."""
    db.execute(
        "INSERT INTO money (at, pos_id, session_id, order_id, kind, amount, currency) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            time.time(),
            row["pos_id"],
            row["session_id"],
            row["order_id"],
            kind,
            row["paid_amount"],
            row["paid_currency"],
        ),
    )


def fee_of(amount: int) -> int:
    """One per cent, rounded down."""
    return amount // 100


def shown(row: sqlite3.Row, batch: int = 0) -> dict[str, Any]:
    """The transaction as a reader is told: for a while after paying perhaps still as before."""
    sent = json.loads(row["body"])
    paid = row["status"] != NONE and row["stale_until"] <= time.time()
    return {
        "statement": row["statement"] if paid else "",
        "orderId": row["order_id"] if paid else 0,
        "sessionId": row["session_id"],
        "status": row["status"] if paid else NONE,
        "amount": row["paid_amount"] if paid else row["amount"],
        "currency": row["paid_currency"] if paid else row["currency"],
        "date": moment(row["created_at"]),
        "dateOfTransaction": moment(row["paid_at"]) if paid else "",
        "clientEmail": sent["email"],
        "accountMD5": "",
        "paymentMethod": row["method"] if paid else 0,
        "description": sent["description"],
        "clientName": "Jan Testowy",
        "clientAddress": "",
        "clientCity": "",
        "clientPostcode": "",
        "batchId": batch,
        "fee": str(fee_of(row["paid_amount"])) if paid else "0",
    }
