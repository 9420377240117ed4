"""Payouts to the bank account, and the statement of a day as a merchant takes it from the panel: CSV with a sum."""

from __future__ import annotations

import csv
import io
import sqlite3
import time
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

WARSAW = ZoneInfo("Europe/Warsaw")
HEAD = ("Id POS", "Data", "Typ", "Id operacji", "Id zamówienia", "Kwota", "Prowizja", "Waluta", "Id wypłaty")


def fee_of(amount: int) -> int:
    """One per cent, rounded down."""
    return amount // 100


def pay_out(db: sqlite3.Connection, pos_id: str, *, charge: int = 0, wrong: int = 0) -> sqlite3.Row | None:
    """Everything that came and went and was not paid out yet. None when nothing is left over for the bank.

    `wrong`: so many grosze more reach the bank than should.
    """
    rows = [row for row in _rows(db, pos_id) if row["payout"] is None]
    amount = sum(row["amount"] - row["fee"] for row in rows) - charge
    if amount <= 0:
        return None
    number = db.execute(
        "INSERT INTO payouts (pos_id, paid_at, amount, charge) VALUES (?, ?, ?, ?)",
        (pos_id, time.time(), amount + wrong, charge),
    ).lastrowid
    db.executemany("INSERT INTO paid_out VALUES (?, ?, ?)", [(row["kind"], row["id"], number) for row in rows])
    return db.execute("SELECT * FROM payouts WHERE number = ?", (number,)).fetchone()


def write_statement(db: sqlite3.Connection, pos_id: str, day: date) -> str:
    """What came and went on a day, the payouts that left on it, and all they paid out."""
    rows = _rows(db, pos_id)
    payouts = [
        row
        for row in db.execute("SELECT * FROM payouts WHERE pos_id = ? ORDER BY number", (pos_id,)).fetchall()
        if _local(row["paid_at"]).date() == day
    ]
    left = {row["number"] for row in payouts}
    told = [row for row in rows if _local(row["at"]).date() == day or row["payout"] in left]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEAD)
    sums = 0
    for row in told:
        kind = "Wpłata" if row["kind"] == "payment" else "Zwrot"
        payout = "" if row["payout"] is None else f"W{row['payout']}"
        fee, currency = _money(row["fee"]), row["currency"]
        moment = _moment(row["at"])
        writer.writerow(
            (pos_id, moment, kind, row["id"], row["order_id"], _money(row["amount"]), fee, currency, payout)
        )
        sums += row["amount"]
    for row in payouts:
        moment, amount = _moment(row["paid_at"]), _money(-row["amount"])
        writer.writerow((pos_id, moment, "Wypłata", f"W{row['number']}", "", amount, _money(row["charge"]), "PLN", ""))
        sums -= row["amount"]
    writer.writerow((pos_id, "", "Razem", "", "", _money(sums), "", "PLN", ""))
    return out.getvalue()


def _rows(db: sqlite3.Connection, pos_id: str) -> list[dict[str, Any]]:
    found = db.execute("SELECT * FROM money WHERE pos_id = ? ORDER BY number", (pos_id,)).fetchall()
    rows = []
    for row in found:
        number = row["order_id"] if row["kind"] == "payment" else row["refund_id"]
        paid_out = db.execute("SELECT payout FROM paid_out WHERE kind = ? AND id = ?", (row["kind"], number)).fetchone()
        rows.append(
            {
                "kind": row["kind"],
                "id": number,
                "order_id": row["order_id"],
                "at": row["at"],
                "amount": row["amount"],
                "fee": fee_of(row["amount"]) if row["kind"] == "payment" else 0,
                "currency": row["currency"],
                "payout": paid_out["payout"] if paid_out else None,
            }
        )
    return rows


def _money(amount: int) -> str:
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100},{abs(amount) % 100:02d}"


def _moment(at: float) -> str:
    return _local(at).strftime("%Y-%m-%d %H:%M:%S")


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, WARSAW)
