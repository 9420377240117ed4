"""What time it is. Moments are UTC and carry their zone; days are days in Warsaw.

Everything that asks for the time asks here, so that tests can stop it and the law can have its own calendar day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

WARSAW = ZoneInfo("Europe/Warsaw")

_stopped: ContextVar[datetime | None] = ContextVar("stopped_clock", default=None)


def now() -> datetime:
    """This moment, in UTC."""
    return _stopped.get() or datetime.now(UTC)


def today() -> date:
    """This day in Warsaw, which is the day a payment and its interest count for."""
    return local_day(now())


def local_day(moment: datetime) -> date:
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone has no day")
    return moment.astimezone(WARSAW).date()


def days_since(moment: datetime) -> int:
    """Days of the calendar that began since then: 0 for today, 1 for yesterday evening."""
    return (today() - local_day(moment)).days


def start_of(day: date) -> datetime:
    """The first moment of a day in Warsaw, in UTC. Days when clocks are moved have 23 or 25 hours."""
    return datetime.combine(day, time(), tzinfo=WARSAW).astimezone(UTC)


@contextmanager
def stopped_at(moment: datetime) -> Iterator[None]:
    """Stop the clock at a moment; for tests."""
    if moment.tzinfo is None:
        raise ValueError("stop the clock at a moment with a zone")
    token = _stopped.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _stopped.reset(token)
