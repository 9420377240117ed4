"""The simulator's own memory: one SQLite file, committed before anything is answered, so a kill -9 forgets nothing."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TABLES = """
CREATE TABLE IF NOT EXISTS points (
    pos_id INTEGER PRIMARY KEY, merchant_id INTEGER NOT NULL, api_key TEXT NOT NULL, crc TEXT NOT NULL,
    name TEXT NOT NULL, hides_unpaid INTEGER NOT NULL DEFAULT 0, second_register TEXT NOT NULL DEFAULT 'token',
    second_verify TEXT NOT NULL DEFAULT 'refuse', takes_codes INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE IF NOT EXISTS transactions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, pos_id INTEGER NOT NULL, session_id TEXT NOT NULL,
    order_id INTEGER UNIQUE, body TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    status INTEGER NOT NULL DEFAULT 0, created_at REAL NOT NULL, valid_until REAL, method INTEGER,
    statement TEXT NOT NULL DEFAULT '', paid_at REAL, paid_amount INTEGER, paid_currency TEXT,
    stale_until REAL NOT NULL DEFAULT 0, UNIQUE (pos_id, session_id)
);
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS refunds (
    number INTEGER PRIMARY KEY AUTOINCREMENT, pos_id INTEGER NOT NULL, order_id INTEGER NOT NULL,
    session_id TEXT NOT NULL, request_id TEXT NOT NULL, refunds_uuid TEXT NOT NULL, url TEXT, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, description TEXT NOT NULL, status INTEGER NOT NULL, created_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS refunds_order ON refunds (order_id);
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY AUTOINCREMENT, pos_id INTEGER NOT NULL, paid_at REAL NOT NULL, amount INTEGER NOT NULL,
    commision INTEGER NOT NULL, charge INTEGER NOT NULL, refund INTEGER NOT NULL, currency TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS paid_out (
    kind TEXT NOT NULL CHECK (kind IN ('transaction', 'refund')), number INTEGER NOT NULL, batch INTEGER NOT NULL,
    PRIMARY KEY (kind, number)
);
CREATE TABLE IF NOT EXISTS money (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, pos_id INTEGER NOT NULL, session_id TEXT NOT NULL,
    order_id INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('advance', 'payment', 'refund')),
    amount INTEGER NOT NULL, currency TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS money_is_never_changed BEFORE UPDATE ON money
    BEGIN SELECT RAISE(ABORT, 'money is only ever added to'); END;
CREATE TRIGGER IF NOT EXISTS money_is_never_forgotten BEFORE DELETE ON money
    BEGIN SELECT RAISE(ABORT, 'money is only ever added to'); END;
CREATE TABLE IF NOT EXISTS notifications (
    number INTEGER PRIMARY KEY AUTOINCREMENT, pos_id INTEGER NOT NULL, session_id TEXT NOT NULL, event TEXT NOT NULL,
    kind TEXT NOT NULL, url TEXT NOT NULL, body BLOB NOT NULL, first_due REAL NOT NULL, due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS notifications_waiting ON notifications (due_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS notifications_session ON notifications (session_id);
CREATE TABLE IF NOT EXISTS answers (
    notification INTEGER NOT NULL, at REAL NOT NULL, status INTEGER, error TEXT
);
CREATE INDEX IF NOT EXISTS answers_notification ON answers (notification);
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, due_at REAL NOT NULL, kind TEXT NOT NULL, subject INTEGER NOT NULL
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
