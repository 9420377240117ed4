"""After the faults: wait until nothing moves any more, moving the clock for questions that are due later."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime

from skarbnik.testing.stack import Stack
from skarbnik.testing.visitor import call

LONGEST = 90.0
ENDLESS = "'payments.ask', 'settlements.every_night'"  # errands that come back as long as there is a gmina


def heal(stack: Stack, *, seconds: float = LONGEST) -> float:
    """How long it took, at most `seconds`. What is still restless then is the checker's to name."""
    began, since = time.monotonic(), datetime.now(UTC)
    for town in stack.towns.values():  # everything once more, for echoes that were left out
        call(f"{stack.puma_url}/_sim/{town.puma_code}/export?kind=full", {})
    while time.monotonic() - began < seconds:
        stack.move_the_clock()
        time.sleep(1.0)
        if _gateway_rests(stack) and _product_rests(stack, since):
            break
    return time.monotonic() - began


def _gateway_rests(stack: Stack) -> bool:
    db = sqlite3.connect(f"file:{stack.folder / 'payu.sqlite'}?mode=ro", uri=True)
    try:
        (jobs,) = db.execute("SELECT count(*) FROM jobs").fetchone()
        (news,) = db.execute("SELECT count(*) FROM notifications WHERE state = 'waiting'").fetchone()
    finally:
        db.close()
    return not jobs and not news


def _product_rests(stack: Stack, since: datetime) -> bool:
    """Nothing is left but questions about unpaid transactions, each of which was asked since the faults ended."""
    with stack.connect() as connection:
        restless = [
            f"SELECT EXISTS (SELECT FROM work.outbox WHERE topic NOT IN ({ENDLESS}) AND parked_at IS NULL)",
            *(query for town in stack.towns.values() for query in _questions(town.schema)),
        ]
        return not any(connection.execute(query, {"since": since}).fetchone()[0] for query in restless)


def _questions(schema: str) -> list[str]:
    return [
        f"SELECT EXISTS (SELECT FROM {schema}.transactions WHERE state <> 'completed'"
        " AND (asked_at IS NULL OR asked_at < %(since)s OR state = 'unknown'))",
        f"SELECT EXISTS (SELECT FROM {schema}.booking_lines WHERE state IN ('waiting', 'sent')"
        " OR (state = 'booked' AND seen_at IS NULL))",
        f"SELECT EXISTS (SELECT FROM {schema}.import_runs WHERE finished_at IS NULL)",
    ]
