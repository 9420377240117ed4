"""At which hours of the day a source is read and written, as clocks in Poland show them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from skarbnik import clock
from skarbnik.errors import Invalid

MOST_HOURS = 12
_HOUR = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)", re.ASCII)


def parse_hours(text: str) -> str | None:
    """`6:00, 22.30` becomes `06:00 22:30`; nothing becomes None, which means at once. Invalid names what is no hour."""
    found = set()
    for word in text.replace(",", " ").replace(";", " ").split():
        match = _HOUR.fullmatch(word)
        if match is None:
            raise Invalid(f"{word!r} is no hour", {"hours": word[:20]})
        found.add(f"{int(match[1]):02d}:{match[2]}")
    if len(found) > MOST_HOURS:
        raise Invalid("too many hours", {"hours": str(len(found))})
    return " ".join(sorted(found)) or None


def next_moment(hours: str | None, after: datetime) -> datetime | None:
    """The first of these hours after a moment. None when there are none, which means at once.

    An hour that a day does not have (02:30 when summer time begins) comes as much later as the clock was moved; one
    that it has twice comes the first time only.
    """
    if not hours:
        return None
    day = clock.local_day(after)
    moments = (
        datetime.combine(day + timedelta(days=days), time.fromisoformat(hour), tzinfo=clock.WARSAW).astimezone(UTC)
        for days in range(3)
        for hour in hours.split()
    )
    return next(moment for moment in sorted(moments) if moment > after)
