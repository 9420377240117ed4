"""Files of a finance system in every state they may be in, for pages to show."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.exchange.models import BatchState, BookingBatch, ImportProblem, ImportRun
from skarbnik.exchange.states import RunState
from skarbnik.plugin_api import ImportKind

REAL, FREE_NUMBER = "puma", 900_001  # the stack's own, and numbers its files never come to
LONG_WORD = "Dziewięćsetdziewięćdziesiątdziewięćtysięcydziewięćsetdziewięćdziesięciodziewięcioletni" * 2
HELD = {
    "debts": {"open": 120, "closing": 90},
    "closing": {"Podatek od nieruchomości": 60, LONG_WORD[:110]: 30},
    "closing_sums": {"Podatek od nieruchomości": 1_234_567, LONG_WORD[:110]: 123_456_789},
}


def make_runs(session: Session) -> tuple[dict[RunState, Any], Any]:
    """Files of a finance system in every state, the refused one with many reasons; and batches that went there."""
    runs = [
        ImportRun(
            source=REAL,
            file_name=f"PL-WALK_{number:06d}_FULL_{LONG_WORD[:60]}.xml",
            state=state,
            kind=ImportKind.FULL,
            number=number,
            sha256=hashlib.sha256(bytes(number)).hexdigest(),
            as_of=clock.now(),
            counts=HELD if state is RunState.HELD else {"payers": {"new": 3}},
            totals={"payers": 3, "principal": 123_456_789, "operations_amount": -5},
            bytes_all=1_234_567,
            started_at=clock.now(),
            message="Sumy w pliku nie zgadzają się z jego treścią." if state is RunState.REFUSED else None,
            registered_at=clock.now(),
            finished_at=None if state is RunState.HELD else clock.now(),
        )
        for number, state in enumerate(RunState, start=FREE_NUMBER)
    ]
    refused = next(each for each in runs if each.state is RunState.REFUSED)
    refused.problems = [
        ImportProblem(position=at, line=at * 1000, code="unknown_payer", message=f"Nie ma podatnika {LONG_WORD[:90]}.")
        for at in range(1, 30)
    ]
    session.add_all(runs)
    batches = [
        BookingBatch(
            source=REAL,
            number=number,
            state=state,
            file_name=f"PL-WALK_BOOKINGS_{number:06d}.xml",
            content=b"<bookings/>",
            sha256=hashlib.sha256(b"<bookings/>").hexdigest(),
            made_at=clock.now(),
        )
        for number, state in enumerate(BatchState, start=FREE_NUMBER)
    ]
    session.add_all(batches)
    session.flush()
    return {run.state: run.id for run in runs}, batches[-1].id
