"""The books: a double-sided ledger in SQLite. Each operation debits and credits the same; balances are sums."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS gminas (code TEXT PRIMARY KEY, name TEXT NOT NULL, next_export INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS counters (gmina TEXT, name TEXT, value INTEGER NOT NULL, PRIMARY KEY (gmina, name));
CREATE TABLE IF NOT EXISTS kinds (
  gmina TEXT, code TEXT, title TEXT NOT NULL, regime TEXT NOT NULL, account TEXT, exported INTEGER DEFAULT 0,
  PRIMARY KEY (gmina, code));
CREATE TABLE IF NOT EXISTS payers (
  gmina TEXT, id TEXT, kind TEXT NOT NULL, name TEXT NOT NULL, pesel TEXT, nip TEXT, regon TEXT, street TEXT,
  postal_code TEXT, city TEXT, email TEXT, phone TEXT, merged_into TEXT, exported INTEGER DEFAULT 0,
  PRIMARY KEY (gmina, id));
CREATE TABLE IF NOT EXISTS receivables (
  gmina TEXT, id TEXT, kind TEXT NOT NULL, parent TEXT, title TEXT NOT NULL, number TEXT, period_from TEXT,
  period_until TEXT, basis TEXT, account TEXT, payment_code TEXT, closed INTEGER DEFAULT 0, exported INTEGER DEFAULT 0,
  PRIMARY KEY (gmina, id));
CREATE TABLE IF NOT EXISTS liabilities (
  gmina TEXT, receivable TEXT, payer TEXT, role TEXT NOT NULL, part INTEGER, whole INTEGER, from_on TEXT, until_on TEXT,
  PRIMARY KEY (gmina, receivable, payer));
CREATE TABLE IF NOT EXISTS instalments (
  gmina TEXT, id TEXT, receivable TEXT NOT NULL, number INTEGER, due_on TEXT NOT NULL, charged INTEGER NOT NULL,
  accrued_until TEXT NOT NULL, closed INTEGER DEFAULT 0, PRIMARY KEY (gmina, id));
CREATE INDEX IF NOT EXISTS instalments_of ON instalments (gmina, receivable);
CREATE TABLE IF NOT EXISTS operations (
  gmina TEXT, id TEXT, receivable TEXT NOT NULL, instalment TEXT NOT NULL, kind TEXT NOT NULL, booked_on TEXT,
  happened_on TEXT, document TEXT NOT NULL, counterpart TEXT, booking TEXT, exported INTEGER DEFAULT 0,
  PRIMARY KEY (gmina, id));
CREATE UNIQUE INDEX IF NOT EXISTS one_booking_once ON operations (gmina, booking) WHERE booking IS NOT NULL;
CREATE INDEX IF NOT EXISTS operations_of ON operations (gmina, receivable);
CREATE TABLE IF NOT EXISTS entries (
  gmina TEXT, operation TEXT, instalment TEXT, account TEXT NOT NULL, part TEXT NOT NULL, amount INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS entries_of ON entries (gmina, operation);
CREATE INDEX IF NOT EXISTS debtor_entries ON entries (gmina, instalment, part, amount) WHERE account = 'debtor';
CREATE TABLE IF NOT EXISTS overpayments (
  gmina TEXT, id TEXT, payer TEXT NOT NULL, receivable TEXT, amount INTEGER NOT NULL, arose_on TEXT, closed INTEGER
  DEFAULT 0, exported INTEGER DEFAULT 0, PRIMARY KEY (gmina, id));
CREATE TABLE IF NOT EXISTS documents (
  gmina TEXT, id TEXT, receivable TEXT NOT NULL, title TEXT NOT NULL, issued_on TEXT NOT NULL, sha256 TEXT NOT NULL,
  body BLOB NOT NULL, delivered INTEGER DEFAULT 0, PRIMARY KEY (gmina, id));
CREATE TABLE IF NOT EXISTS batches (
  gmina TEXT, number INTEGER, sha256 TEXT NOT NULL, answer BLOB NOT NULL, PRIMARY KEY (gmina, number));
"""

AGAINST = {
    "charge": "income",
    "decrease": "written-off",
    "remission": "written-off",
    "payment": "bank",
    "refund": "bank",
    "rebooking": "re-booked",
    "deferral": "income",
}


@dataclass(frozen=True)
class Parts:
    """An amount in grosze, in its three parts."""

    principal: int = 0
    interest: int = 0
    costs: int = 0

    @property
    def total(self) -> int:
        return self.principal + self.interest + self.costs

    def items(self) -> list[tuple[str, int]]:
        return [("principal", self.principal), ("interest", self.interest), ("costs", self.costs)]


class Ledger:
    """The books of one gmina within a file that may hold several."""

    def __init__(self, db: sqlite3.Connection, gmina: str) -> None:
        self.db = db
        self.gmina = gmina

    def all(self, query: str, **values: object) -> list[sqlite3.Row]:
        return self.db.execute(query, {"gmina": self.gmina, **values}).fetchall()

    def one(self, query: str, **values: object) -> sqlite3.Row | None:
        return self.db.execute(query, {"gmina": self.gmina, **values}).fetchone()

    def add(self, table: str, **values: object) -> None:
        values = {"gmina": self.gmina, **values}
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)

    def count(self, name: str) -> int:
        """The next number of a series: 1, 2, 3 …"""
        row = self.one(
            "INSERT INTO counters VALUES (:gmina, :name, 1)"
            " ON CONFLICT (gmina, name) DO UPDATE SET value = value + 1 RETURNING value",
            name=name,
        )
        return row["value"]

    def document(self, series: str, day: date) -> str:
        """The number of a voucher (numer dowodu)."""
        return f"{series} {self.count(f'{series} {day.year}')}/{self.gmina}/{day.year}"

    def post(
        self,
        *,
        receivable: str,
        instalment: str,
        kind: str,
        happened: date,
        booked: date,
        document: str,
        parts: Parts,
        booking: str | None = None,
        counterpart: str | None = None,
        own_id: str | None = None,
    ) -> str:
        """Book one operation on both sides, and remember that its receivable changed."""
        operation = own_id or self.operation_id()
        self.add(
            "operations",
            id=operation,
            receivable=receivable,
            instalment=instalment,
            kind=kind,
            booked_on=booked.isoformat(),
            happened_on=happened.isoformat(),
            document=document,
            counterpart=counterpart,
            booking=booking,
        )
        for part, amount in parts.items():
            if amount:
                self.enter(operation, instalment, "debtor", part, amount)
                self.enter(operation, instalment, AGAINST[kind], part, -amount)
        self.touch(receivable)
        return operation

    def operation_id(self) -> str:
        return f"O-{self.gmina}-{self.count('operation'):07d}"

    def enter(self, operation: str, instalment: str, account: str, part: str, amount: int) -> None:
        self.add("entries", operation=operation, instalment=instalment, account=account, part=part, amount=amount)

    def touch(self, receivable: str) -> None:
        self.db.execute("UPDATE receivables SET exported = 0 WHERE gmina = ? AND id = ?", (self.gmina, receivable))

    def balance(self, instalment: str) -> Parts:
        rows = self.all(
            "SELECT part, sum(amount) AS amount FROM entries"
            " WHERE gmina = :gmina AND account = 'debtor' AND instalment = :instalment GROUP BY part",
            instalment=instalment,
        )
        return Parts(**{row["part"]: row["amount"] for row in rows})

    def out_of_balance(self) -> int:
        """How many operations do not debit what they credit. Always none."""
        return len(self.all("SELECT 1 FROM entries WHERE gmina = :gmina GROUP BY operation HAVING sum(amount) <> 0"))


def open_books(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, check_same_thread=False, timeout=30)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.executescript(SCHEMA)
    return db


def list_gminas(db: sqlite3.Connection) -> list[sqlite3.Row]:
    return db.execute("SELECT * FROM gminas ORDER BY code").fetchall()


def ensure_gmina(db: sqlite3.Connection, code: str, name: str) -> None:
    db.execute("INSERT INTO gminas (code, name) VALUES (?, ?) ON CONFLICT DO NOTHING", (code, name))
    db.commit()
