"""After the faults: wait until nothing moves any more, moving the clock for questions that are due later."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from skarbnik.testing.stack import Stack
from skarbnik.testing.visitor import call

LONGEST = 90.0
# Errands that come back as long as there is a gmina, or something new in its trail.
ENDLESS = "'payments.ask', 'settlements.every_night', 'audit.seal', 'audit.tend'"


def heal(stack: Stack, *, seconds: float = LONGEST, ahead: timedelta = timedelta()) -> tuple[float, list[str]]:
    """How long it took, at most `seconds`, and what was restless still, which is the checker's to judge.

    `ahead` is how far the product's clock goes before ours.
    """
    began, since = time.monotonic(), datetime.now(UTC) + ahead
    for town in stack.towns.values():  # everything once more, for echoes that were left out
        call(f"{stack.puma_url}/_sim/{town.puma_code}/export?kind=full", {})
    restless = ["nobody looked yet"]
    while restless and time.monotonic() - began < seconds:
        stack.move_the_clock()
        time.sleep(1.0)
        restless = [*_gateways(stack), *_product(stack, since)]
    return time.monotonic() - began, restless


# What a gateway still does. Przelewy24 repeats for hours what we do not confirm, since it is not what was ordered.
NEWS = {
    "payu": "notifications WHERE state = 'waiting'",
    "przelewy24": "notifications AS n JOIN transactions AS t USING (session_id)"
    " WHERE n.state = 'waiting' AND (t.paid_amount, t.paid_currency) = (t.amount, t.currency)",
}


def _gateways(stack: Stack) -> list[str]:
    return [name for name, news in NEWS.items() if not _rests(stack.folder / f"{name}.sqlite", news)]


def _rests(ledger: Path, news: str) -> bool:
    db = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    try:
        counts = db.execute(f"SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM {news})").fetchone()
    finally:
        db.close()
    return not any(counts)


# What may still move in a gmina. Questions about unpaid transactions go on; each was asked since the faults ended.
RESTLESS = {
    "transactions": "transactions WHERE state <> 'completed'"
    " AND (asked_at IS NULL OR asked_at < %(since)s OR state = 'unknown')",
    "bookings": "booking_lines WHERE state IN ('waiting', 'sent') OR (state = 'booked' AND seen_at IS NULL)",
    "refunds": "refunds WHERE state IN ('approved', 'sent')",
    "files": "import_runs WHERE finished_at IS NULL",
}


def _product(stack: Stack, since: datetime) -> list[str]:
    places = [(name, f"{town.schema}.{place}") for town in stack.towns.values() for name, place in RESTLESS.items()]
    places.append(("errands", f"work.outbox WHERE topic NOT IN ({ENDLESS}) AND parked_at IS NULL"))
    with stack.connect() as connection:
        return [
            name
            for name, place in places
            if connection.execute(f"SELECT EXISTS (SELECT FROM {place})", {"since": since}).fetchone()[0]
        ]
