"""Local dates and times of a form, and the moments they mean in Warsaw, also when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime

from skarbnik.clock import WARSAW

EARLIEST = datetime(2000, 1, 1)  # noqa: DTZ001  # as typed, without a zone
LATEST = datetime(2200, 1, 1)  # noqa: DTZ001  # local time, as browsers send it


def local_of(moment: datetime | None) -> datetime | None:
    """As a form shows it: Warsaw's clock, without a zone, to the minute."""
    if moment is None:
        return None
    return moment.astimezone(WARSAW).replace(tzinfo=None, second=0, microsecond=0)


def moment_of(typed: datetime | None, *, was: datetime | None = None, late: bool = False) -> datetime | None:
    """What a typed time means. One nobody touched stays the moment it was, to the second.

    An hour that comes twice in October is meant the first time, `late` the second, so that something shown from it
    until it is shown for all of it. An hour that never comes in March is an hour later.
    """
    if typed is None:
        return None
    if was is not None and typed == local_of(was):
        return was
    return typed.replace(tzinfo=WARSAW, fold=int(late)).astimezone(UTC)
