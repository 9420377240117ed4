"""Payouts to the bank account of a point: a lump sum of what came since the last one, less refunds and fees."""

from __future__ import annotations

import sqlite3
import time

from przelewy24_simulator import refunds, transactions

CHARGE = 0  # for paying out; the contract of a merchant says how much


def pay_out(db: sqlite3.Connection, pos_id: int, *, charge: int = CHARGE, wrong: int = 0) -> sqlite3.Row | None:
    """Everything verified and refunded that was not paid out yet. None when nothing is left over for the bank.

    `wrong`: so many grosze more reach the bank than should.
    """
    paid = db.execute(
        "SELECT number, paid_amount, paid_currency FROM transactions WHERE pos_id = ? AND status IN (?, ?) AND number "
        "NOT IN (SELECT number FROM paid_out WHERE kind = 'transaction')",
        (pos_id, transactions.MADE, transactions.RETURNED),
    ).fetchall()
    back = db.execute(
        "SELECT number, amount FROM refunds WHERE pos_id = ? AND status = ? AND number NOT IN (SELECT number FROM "
        "paid_out WHERE kind = 'refund')",
        (pos_id, refunds.COMPLETED),
    ).fetchall()
    commision = sum(transactions.fee_of(each["paid_amount"]) for each in paid)
    refund = sum(each["amount"] for each in back)
    amount = sum(each["paid_amount"] for each in paid) - commision - refund - charge
    if amount <= 0:
        return None
    number = db.execute(
        "INSERT INTO batches (pos_id, paid_at, amount, commision, charge, refund, currency) "
        "VALUES (?, ?, ?, ?, ?, ?, 'PLN')",
        (pos_id, time.time(), amount + wrong, commision, charge, refund),
    ).lastrowid
    rows = [("transaction", each["number"], number) for each in paid] + [
        ("refund", each["number"], number) for each in back
    ]
    db.executemany("INSERT INTO paid_out (kind, number, batch) VALUES (?, ?, ?)", rows)
    return db.execute("SELECT * FROM batches WHERE number = ?", (number,)).fetchone()


def batch_of(db: sqlite3.Connection, kind: str, number: int) -> int:
    """Zero while it was not paid out."""
    found = db.execute("SELECT batch FROM paid_out WHERE kind = ? AND number = ?", (kind, number)).fetchone()
    return found["batch"] if found else 0
