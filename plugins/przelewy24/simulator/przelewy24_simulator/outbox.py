"""Notifications: put into the ledger together with what they tell, then sent until they have had their effect.

Of a payment that is `verify`, whatever is answered; of a refund an answer of 200.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from typing import Any

from przelewy24_simulator.context import Simulator
from przelewy24_simulator.points import get_point
from przelewy24_simulator.signing import notification_sign, refund_sign

MINUTE = 60
SCHEDULE = tuple(minutes * MINUTE for minutes in (0, 3, 5, 15, 30, 60, 150, 450))  # counted from the first
FALSE = ("forged", "foreign", "changed", "text")  # what strangers send; never repeated


def paid_notification(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    point = get_point(db, row["pos_id"])
    told = {
        "merchantId": point["merchant_id"],
        "posId": row["pos_id"],
        "sessionId": row["session_id"],
        "amount": row["paid_amount"],
        "originAmount": row["amount"],
        "currency": row["paid_currency"],
        "orderId": row["order_id"],
        "methodId": row["method"],
        "statement": row["statement"],
    }
    return told | {"sign": notification_sign(told, point["crc"])}


def tell_paid(sim: Simulator, db: sqlite3.Connection, row: sqlite3.Row) -> None:
    """Queue the news of a payment, and what the faults add to it."""
    url = json.loads(row["body"]).get("urlStatus")
    if not url:
        return
    told = paid_notification(db, row)
    _put(sim, db, row, "payment", url, told)
    for kind in FALSE:
        if sim.faults.draw(db, _fault(kind), row["pos_id"]) is not None:
            lie = _lie(db, row, told, kind)
            if lie is not None:
                _insert(db, row, "payment", kind, url, lie, time.time(), "waiting")


def tell_refund(sim: Simulator, db: sqlite3.Connection, row: sqlite3.Row, refund: sqlite3.Row, status: int) -> None:
    point = get_point(db, row["pos_id"])
    told = {
        "orderId": row["order_id"],
        "sessionId": row["session_id"],
        "merchantId": point["merchant_id"],
        "requestId": refund["request_id"],
        "refundsUuid": refund["refunds_uuid"],
        "amount": refund["amount"],
        "currency": refund["currency"],
        "timestamp": int(time.time()),
        "status": status,
    }
    if refund["url"]:
        _put(sim, db, row, "refund", refund["url"], told | {"sign": refund_sign(told, point["crc"])})
    again = sim.faults.draw(db, "reorder_notifications", row["pos_id"])
    url = json.loads(row["body"]).get("urlStatus")
    if again is not None and url:
        _insert(db, row, "payment", "copy", url, paid_notification(db, row), time.time() + again, "waiting")


def stop_telling(db: sqlite3.Connection, row: sqlite3.Row) -> None:
    db.execute(
        "UPDATE notifications SET state = 'verified' WHERE pos_id = ? AND session_id = ? AND event = 'payment' "
        "AND state = 'waiting' AND attempts > 0",
        (row["pos_id"], row["session_id"]),
    )


def record_answer(sim: Simulator, db: sqlite3.Connection, number: int, status: int | None, error: str | None) -> None:
    """Keep what came back. What had no effect yet is sent again, unless it was the last time or nobody's own."""
    row = db.execute("SELECT * FROM notifications WHERE number = ?", (number,)).fetchone()
    db.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", (number, time.time(), status, error))
    attempts = row["attempts"] + 1
    state, due_at = "waiting", row["due_at"]
    if row["kind"] in FALSE:
        state = "delivered" if status == 200 else "refused"
    elif row["event"] == "payment" and _is_verified(db, row):
        state = "verified"
    elif row["event"] == "refund" and status == 200:
        state = "delivered"
    elif attempts >= len(SCHEDULE):
        state = "given up"
    else:
        due_at = max(time.time(), row["first_due"] + sim.seconds(SCHEDULE[attempts]))
    db.execute(
        "UPDATE notifications SET attempts = ?, state = ?, due_at = ? WHERE number = ?",
        (attempts, state, due_at, number),
    )


def _is_verified(db: sqlite3.Connection, row: sqlite3.Row) -> bool:
    found = db.execute(
        "SELECT status FROM transactions WHERE pos_id = ? AND session_id = ?", (row["pos_id"], row["session_id"])
    ).fetchone()
    return found["status"] > 1


def _fault(kind: str) -> str:
    return {"forged": "forge"}.get(kind, kind) + "_notification"


def _lie(db: sqlite3.Connection, row: sqlite3.Row, told: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """What somebody sends who hopes the receipt is not checked. None where there is nobody to pretend to be."""
    if kind == "changed":
        return told | {"amount": told["amount"] + 100}
    if kind == "forged":
        return told | {"sign": notification_sign(told, secrets.token_hex(8))}
    if kind == "text":
        crc = get_point(db, row["pos_id"])["crc"]
        texts = {name: str(value) for name, value in told.items() if name != "sign"}
        return texts | {"sign": notification_sign(texts, crc)}
    other = db.execute("SELECT * FROM points WHERE pos_id != ? LIMIT 1", (row["pos_id"],)).fetchone()
    if other is None:
        return None
    foreign = told | {"merchantId": other["merchant_id"], "posId": other["pos_id"]}
    return foreign | {"sign": notification_sign(foreign, other["crc"])}


def _put(sim: Simulator, db: sqlite3.Connection, row: sqlite3.Row, event: str, url: str, told: dict[str, Any]) -> None:
    lost = sim.faults.draw(db, "lose_notification", row["pos_id"]) is not None
    late = sim.faults.draw(db, "late_notification", row["pos_id"]) or 0
    copies = 2 if sim.faults.draw(db, "double_notification", row["pos_id"]) is not None else 1
    for copy in range(copies):
        kind, state = "copy" if copy else "true", "lost" if lost else "waiting"
        _insert(db, row, event, kind, url, told, time.time() + late, state)


def _insert(
    db: sqlite3.Connection,
    row: sqlite3.Row,
    event: str,
    kind: str,
    url: str,
    told: dict[str, Any],
    due_at: float,
    state: str,
) -> None:
    body = json.dumps(told).encode()  # escaped and with spaces: what is signed are the values
    db.execute(
        "INSERT INTO notifications (pos_id, session_id, event, kind, url, body, first_due, due_at, state) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (row["pos_id"], row["session_id"], event, kind, url, body, due_at, due_at, state),
    )
