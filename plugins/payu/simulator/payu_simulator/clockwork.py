"""What happens by itself: notifications go out, orders run out of time, late money comes, refunds settle."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

import requests

from payu_simulator import blik, orders, refunds
from payu_simulator.context import Simulator
from payu_simulator.outbox import record_answer

log = logging.getLogger(__name__)
TICK = 0.05
PATIENCE = 20  # seconds a receiver has to answer


class Clockwork:
    """One thread that looks at the ledger. All it knows is there, so a restart goes on where the last run stopped."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._senders = ThreadPoolExecutor(16, thread_name_prefix="sender")
        self._busy: set[str] = set()  # orders whose news is on its way: an order's news leaves in its order

    def start(self) -> None:
        threading.Thread(target=self._run, name="clockwork", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._sim.bell.wait(TICK)
            self._sim.bell.clear()
            try:
                with self._sim.ledger.change() as db:
                    self._expire(db)
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
                if row["order_id"] not in self._busy:
                    self._busy.add(row["order_id"])
                    self._senders.submit(self._send, row)

    def _expire(self, db: sqlite3.Connection) -> None:
        late = db.execute(
            "SELECT * FROM orders WHERE status IN ('NEW', 'PENDING') AND valid_until <= ?", (time.time(),)
        ).fetchall()
        for order in late:
            orders.cancel(self._sim, db, order)

    def _work(self, db: sqlite3.Connection) -> None:
        for job in db.execute("SELECT * FROM jobs WHERE due_at <= ? ORDER BY number", (time.time(),)).fetchall():
            if job["kind"] in {"settle refund", "cancel refund"}:
                refunds.settle(self._sim, db, job["subject"], failed=job["kind"] == "cancel refund")
            elif job["kind"] in {"blik confirmed", "blik refused"}:
                with suppress(orders.WrongState):  # it was cancelled, or its time was over
                    if job["kind"] == "blik confirmed":
                        blik.confirm(self._sim, db, job["subject"])
                    else:
                        blik.refuse(self._sim, db, job["subject"], blik.REFUSALS["500500"][1])
            else:
                with suppress(orders.WrongState):  # it was paid in another way meanwhile
                    orders.take_money(self._sim, db, job["subject"])
            db.execute("DELETE FROM jobs WHERE number = ?", (job["number"],))

    def _send(self, row: sqlite3.Row) -> None:
        status, error = None, None
        url, host = on_loopback(row["url"])
        headers = {"Content-Type": "application/json;charset=UTF-8", "User-Agent": "PayU simulator", **host}
        try:
            with requests.Session() as session:
                session.trust_env = False  # neither proxies nor .netrc of the machine
                status = session.post(
                    url,
                    data=row["body"],
                    headers=headers | json.loads(row["headers"]),
                    timeout=PATIENCE,
                    allow_redirects=False,
                ).status_code
        except requests.RequestException as problem:
            error = type(problem).__name__
        try:
            with self._sim.ledger.change() as db:
                record_answer(self._sim, db, row["number"], status, error)
        finally:
            self._busy.discard(row["order_id"])
            self._sim.bell.set()


def on_loopback(url: str) -> tuple[str, dict[str, str]]:
    """Names under .localhost are this machine (RFC 6761), which resolvers of many systems do not know."""
    place = urlsplit(url)
    if not (place.hostname or "").endswith(".localhost"):
        return url, {}
    here = f"127.0.0.1:{place.port}" if place.port else "127.0.0.1"
    return place._replace(netloc=here).geturl(), {"Host": place.netloc}
