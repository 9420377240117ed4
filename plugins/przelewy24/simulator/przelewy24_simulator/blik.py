"""BLIK codes as in the sandbox: what becomes of a transaction that is charged by one."""

from __future__ import annotations

import sqlite3
import time

from przelewy24_simulator import transactions
from przelewy24_simulator.context import Simulator

# Those that do not pay, with the number and the word of the refusal.
REFUSALS = {"700701": (30, "ER_TIC_EXPIRED"), "700702": (33, "ER_TIC_STS"), "700703": (35, "ER_TIC_USED")}
BY_BANK = "500500"  # refused in the bank's application, of which a merchant is told nothing
UNKNOWN = (28, "ER_WRONG_TICKET")
CONFIRMED_AFTER = 120  # seconds of the real world until the payer has confirmed
BLIK = 154


def problem_of(code: str) -> tuple[int, str] | None:
    """The number and the word of a refusal; None when the payer is asked in the bank's application."""
    if code.startswith("777") or code == BY_BANK:
        return None
    return REFUSALS.get(code, UNKNOWN)


def begin(sim: Simulator, db: sqlite3.Connection, row: sqlite3.Row, code: str) -> None:
    if code != BY_BANK:
        due_at = time.time() + sim.seconds(CONFIRMED_AFTER)
        db.execute("INSERT INTO jobs (due_at, kind, subject) VALUES (?, 'blik confirmed', ?)", (due_at, row["number"]))


def confirm(sim: Simulator, db: sqlite3.Connection, number: int) -> None:
    transactions.pay(sim, db, transactions.get_transaction(db, number), BLIK)
