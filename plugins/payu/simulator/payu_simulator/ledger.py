"""The simulator's own memory: one SQLite file, committed before anything is answered, so a kill -9 forgets nothing."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TABLES = """
CREATE TABLE IF NOT EXISTS pos (
    pos_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, client_secret TEXT NOT NULL, second_key TEXT NOT NULL,
    name TEXT NOT NULL, algorithm TEXT NOT NULL DEFAULT 'MD5', auto_receive INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, pos_id TEXT NOT NULL, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    order_id TEXT PRIMARY KEY, pos_id TEXT NOT NULL, ext_order_id TEXT, body TEXT NOT NULL,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL,
    created_at REAL NOT NULL, valid_until REAL NOT NULL, page_token TEXT NOT NULL,
    method TEXT, payment_id TEXT, paid_at REAL, paid_amount INTEGER, paid_currency TEXT,
    stale_until REAL NOT NULL DEFAULT 0, stale_status TEXT, result TEXT,
    UNIQUE (pos_id, ext_order_id)
);
CREATE INDEX IF NOT EXISTS orders_open ON orders (valid_until) WHERE status IN ('NEW', 'PENDING');
CREATE TABLE IF NOT EXISTS refunds (
    number INTEGER PRIMARY KEY AUTOINCREMENT, refund_id TEXT UNIQUE, order_id TEXT NOT NULL, ext_refund_id TEXT,
    asked TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL, description TEXT NOT NULL,
    status TEXT NOT NULL, created_at REAL NOT NULL, status_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS refunds_order ON refunds (order_id);
CREATE TABLE IF NOT EXISTS payouts (
    number INTEGER PRIMARY KEY AUTOINCREMENT, pos_id TEXT NOT NULL, paid_at REAL NOT NULL, amount INTEGER NOT NULL,
    charge INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS paid_out (
    kind TEXT NOT NULL CHECK (kind IN ('payment', 'refund')), id TEXT NOT NULL, payout INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE TABLE IF NOT EXISTS money (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, pos_id TEXT NOT NULL, order_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('payment', 'refund')), refund_id TEXT,
    amount INTEGER NOT NULL, currency TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS money_is_never_changed BEFORE UPDATE ON money
    BEGIN SELECT RAISE(ABORT, 'money is only ever added to'); END;
CREATE TRIGGER IF NOT EXISTS money_is_never_forgotten BEFORE DELETE ON money
    BEGIN SELECT RAISE(ABORT, 'money is only ever added to'); END;
CREATE TABLE IF NOT EXISTS notifications (
    number INTEGER PRIMARY KEY AUTOINCREMENT, pos_id TEXT NOT NULL, order_id TEXT NOT NULL, event TEXT NOT NULL,
    kind TEXT NOT NULL, url TEXT NOT NULL, body BLOB NOT NULL, headers TEXT NOT NULL,
    first_due REAL NOT NULL, due_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS notifications_waiting ON notifications (due_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS notifications_order ON notifications (order_id);
CREATE TABLE IF NOT EXISTS answers (
    notification INTEGER NOT NULL, at REAL NOT NULL, status INTEGER, error TEXT
);
CREATE INDEX IF NOT EXISTS answers_notification ON answers (notification);
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, due_at REAL NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS faults (
    name TEXT NOT NULL, pos_id TEXT NOT NULL, probability REAL NOT NULL, next INTEGER NOT NULL,
    value REAL, operation TEXT NOT NULL, PRIMARY KEY (name, pos_id)
);
"""


class Ledger:
    """One connection behind one lock: what happens here happens in one order."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(TABLES)

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """All of it is kept or none."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            yield self._db
