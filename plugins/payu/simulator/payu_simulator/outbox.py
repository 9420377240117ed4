"""Notifications: put into the ledger together with what they tell, then sent until somebody answers 200."""

from __future__ import annotations

import base64
import json
import secrets
import sqlite3
import time
from typing import Any

from payu_simulator import bodies
from payu_simulator.context import Simulator
from payu_simulator.pos import as_json, get_pos, sign

MINUTE, HOUR = 60, 3600
# When each attempt is made, counted from the first.
SCHEDULE = (
    *(minutes * MINUTE for minutes in (0, 1, 2, 5, 10, 30)),
    *(hours * HOUR for hours in (1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 36, 48, 60, 72)),
)
TOLD = {"PENDING", "WAITING_FOR_CONFIRMATION", "COMPLETED", "CANCELED"}


def tell_order(sim: Simulator, db: sqlite3.Connection, order: sqlite3.Row) -> None:
    """Queue the news that an order has its present status, and what the faults add to it."""
    if order["status"] not in TOLD:
        return
    status = order["status"]
    delay = sim.faults.draw(db, "reorder_notifications", order["pos_id"]) if status == "PENDING" else None
    _put(sim, db, order, f"order {status}", bodies.order_notification(order, status), delay or 0)
    if sim.faults.draw(db, "forge_notification", order["pos_id"]) is not None:
        _put_false(db, order, "forged", order["pos_id"], secrets.token_hex(16))
    if sim.faults.draw(db, "foreign_notification", order["pos_id"]) is not None:
        other = db.execute("SELECT * FROM pos WHERE pos_id != ? LIMIT 1", (order["pos_id"],)).fetchone()
        if other is not None:
            _put_false(db, order, "foreign", other["pos_id"], other["second_key"])


def tell_refund(sim: Simulator, db: sqlite3.Connection, order: sqlite3.Row, refund: sqlite3.Row) -> None:
    _put(sim, db, order, f"refund {refund['status']}", bodies.refund_notification(order, refund), 0)


def record_answer(sim: Simulator, db: sqlite3.Connection, number: int, status: int | None, error: str | None) -> None:
    """Keep what came back. Anything but 200 means another attempt, unless it was the last or nobody's own."""
    row = db.execute("SELECT * FROM notifications WHERE number = ?", (number,)).fetchone()
    db.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", (number, time.time(), status, error))
    attempts = row["attempts"] + 1
    state, due_at = "waiting", row["due_at"]
    if status == 200 or row["kind"] in {"forged", "foreign"}:
        state = "delivered" if status == 200 else "refused"
    elif attempts >= len(SCHEDULE):
        state = "given up"
    else:
        due_at = max(time.time(), row["first_due"] + sim.seconds(SCHEDULE[attempts]))
    db.execute(
        "UPDATE notifications SET attempts = ?, state = ?, due_at = ? WHERE number = ?",
        (attempts, state, due_at, number),
    )


def _put(
    sim: Simulator, db: sqlite3.Connection, order: sqlite3.Row, event: str, told: dict[str, Any], delay: float
) -> None:
    url = json.loads(order["body"]).get("notifyUrl")
    if not url:
        return
    pos = get_pos(db, order["pos_id"])
    body = as_json(told)
    headers = sign(body, pos["second_key"], pos["algorithm"])
    # PayU sends this header too; it says nothing about who sends.
    headers["Authorization"] = "Basic " + base64.b64encode(f"{pos['pos_id']}:payu".encode()).decode()
    if event == "order COMPLETED":
        headers["PayU-Processing-Time"] = "1000"
    lost = sim.faults.draw(db, "lose_notification", order["pos_id"]) is not None
    late = sim.faults.draw(db, "late_notification", order["pos_id"]) or 0
    copies = 2 if sim.faults.draw(db, "double_notification", order["pos_id"]) is not None else 1
    for copy in range(copies):
        kind = "copy" if copy else "true"
        _insert(db, order, event, kind, url, body, headers, time.time() + delay + late, "lost" if lost else "waiting")


def _put_false(db: sqlite3.Connection, order: sqlite3.Row, kind: str, pos_id: str, key: str) -> None:
    """What a stranger sends who hopes the receipt is not checked: paid in full, and never repeated."""
    told = bodies.order_notification(order, "COMPLETED")
    told["order"]["merchantPosId"] = pos_id
    url = json.loads(order["body"]).get("notifyUrl")
    if url:
        body = as_json(told)
        _insert(db, order, "order COMPLETED", kind, url, body, sign(body, key, "MD5"), time.time(), "waiting")


def _insert(
    db: sqlite3.Connection,
    order: sqlite3.Row,
    event: str,
    kind: str,
    url: str,
    body: bytes,
    headers: dict[str, str],
    due_at: float,
    state: str,
) -> None:
    db.execute(
        "INSERT INTO notifications (pos_id, order_id, event, kind, url, body, headers, first_due, due_at, state) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (order["pos_id"], order["order_id"], event, kind, url, body, json.dumps(headers), due_at, due_at, state),
    )
