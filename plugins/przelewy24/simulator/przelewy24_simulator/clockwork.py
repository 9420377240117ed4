"""What happens by itself: notifications go out, late money comes, refunds settle or are rejected."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

import requests

from przelewy24_simulator import blik, refunds, transactions
from przelewy24_simulator.context import Simulator
from przelewy24_simulator.outbox import record_answer

log = logging.getLogger(__name__)
TICK = 0.05
PATIENCE = 20  # seconds a receiver has to answer
REFUND_STEPS = {"begin refund": refunds.PENDING, "settle refund": refunds.COMPLETED, "reject refund": refunds.REJECTED}


class Clockwork:
    """One thread that looks at the ledger. All it knows is there, so a restart goes on where the last run stopped."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._senders = ThreadPoolExecutor(16, thread_name_prefix="sender")
        self._busy: set[str] = set()  # transactions whose news is on its way: their news leaves in its order

    def start(self) -> None:
        threading.Thread(target=self._run, name="clockwork", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._sim.bell.wait(TICK)
            self._sim.bell.clear()
            try:
                with self._sim.ledger.change() as db:
                    self._work(db)
                self._send_due()
            except Exception:
                log.exception("the clockwork stumbled and goes on")
                time.sleep(1)

    def _send_due(self) -> None:
        """Looked up and marked busy in one go: an answer is recorded under the same lock, so nothing leaves twice."""
        with self._sim.ledger.read() as db:
            due = db.execute(
                "SELECT * FROM notifications WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at, number",
                (time.time(),),
            ).fetchall()
            for row in due:
                if row["session_id"] not in self._busy:
                    self._busy.add(row["session_id"])
                    self._senders.submit(self._send, row)

    def _work(self, db: sqlite3.Connection) -> None:
        for job in db.execute("SELECT * FROM jobs WHERE due_at <= ? ORDER BY number", (time.time(),)).fetchall():
            if job["kind"] in REFUND_STEPS:
                refunds.move(self._sim, db, job["subject"], REFUND_STEPS[job["kind"]])
            elif job["kind"] == "blik confirmed":
                with suppress(transactions.WrongState):  # its time was over
                    blik.confirm(self._sim, db, int(job["subject"]))
            else:
                with suppress(transactions.WrongState):  # it was paid in another way meanwhile
                    transactions.take_money(self._sim, db, job["subject"])
            db.execute("DELETE FROM jobs WHERE number = ?", (job["number"],))

    def _send(self, row: sqlite3.Row) -> None:
        status, error = None, None
        url, host = on_loopback(row["url"])
        headers = {"Content-Type": "application/json", "User-Agent": "Przelewy24 simulator", **host}
        try:
            with requests.Session() as session:
                session.trust_env = False  # neither proxies nor .netrc of the machine
                status = session.post(
                    url,
                    data=row["body"],
                    headers=headers,
                    timeout=PATIENCE,
                    allow_redirects=False,
                ).status_code
        except requests.RequestException as problem:
            error = type(problem).__name__
        try:
            with self._sim.ledger.change() as db:
                record_answer(self._sim, db, row["number"], status, error)
        finally:
            self._busy.discard(row["session_id"])
            self._sim.bell.set()


def on_loopback(url: str) -> tuple[str, dict[str, str]]:
    """Names under .localhost are this machine (RFC 6761), which resolvers of many systems do not know."""
    place = urlsplit(url)
    if not (place.hostname or "").endswith(".localhost"):
        return url, {}
    here = f"127.0.0.1:{place.port}" if place.port else "127.0.0.1"
    return place._replace(netloc=here).geturl(), {"Host": place.netloc}
