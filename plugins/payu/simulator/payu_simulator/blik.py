"""BLIK codes of PayU's sandbox, and what becomes of an order that was begun with one."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from payu_simulator import orders
from payu_simulator.context import Simulator

# Those that do not pay: what the payer is told on PayU's page, and PayU's word in an order's transactions.
REFUSALS = {
    "500500": ("Bank odmówił płatności.", "AUT_ERROR_DECLINED"),
    "700701": ("Kod BLIK wygasł.", "REG_ERROR_AUTH_CODE_EXPIRED"),
    "700702": ("Kod BLIK został anulowany.", "REG_ERROR_AUTH_CODE_CANCELLED"),
    "700703": ("Kod BLIK został już użyty.", "REG_ERROR_AUTH_CODE_USED"),
}
BY_BANK = {"500500"}  # said by the bank only when the payer is asked there
UNKNOWN = "REG_ERROR_AUTH_CODE_INVALID"
CONFIRMED_AFTER = 120  # seconds of the real world until the payer has confirmed


def take_code(sent: dict[str, Any]) -> str | None:
    """The code of an order, taken out of what is kept of it."""
    method = (sent.get("payMethods") or {}).get("payMethod") or {}
    return method.pop("authorizationCode", None)


def begin(sim: Simulator, db: sqlite3.Connection, order: sqlite3.Row, code: str) -> None:
    """A code that is no good ends the order at once; otherwise the payer is asked in the bank's application."""
    order_id = order["order_id"]
    db.execute("UPDATE orders SET method = 'blik' WHERE order_id = ?", (order_id,))
    known = code.startswith("777") or code in REFUSALS
    if known and (code not in REFUSALS or code in BY_BANK):
        kind = "blik refused" if code in BY_BANK else "blik confirmed"
        due_at = time.time() + sim.seconds(CONFIRMED_AFTER)
        db.execute("INSERT INTO jobs (due_at, kind, subject) VALUES (?, ?, ?)", (due_at, kind, order_id))
        return
    refuse(sim, db, order_id, REFUSALS[code][1] if known else UNKNOWN)


def refuse(sim: Simulator, db: sqlite3.Connection, order_id: str, result: str) -> None:
    db.execute("UPDATE orders SET result = ? WHERE order_id = ?", (result, order_id))
    orders.cancel(sim, db, orders.get_order(db, order_id))


def confirm(sim: Simulator, db: sqlite3.Connection, order_id: str) -> None:
    orders.pay(sim, db, orders.get_order(db, order_id), "blik")
