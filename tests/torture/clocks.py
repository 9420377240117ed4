"""What time the product believes it is during a round: also while Warsaw changes its clocks, at midnight, an hour off.

PostgreSQL and the simulators keep the real time, so the product's clock also stands beside others that are not its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from skarbnik.clock import local_day, start_of

SPRING = datetime(2027, 3, 28, 1, tzinfo=UTC)  # 02:00 becomes 03:00
AUTUMN = datetime(2027, 10, 31, 1, tzinfo=UTC)  # 03:00 becomes 02:00
UNTIL_THE_MIDDLE = timedelta(seconds=35)  # from the start of a stack to the middle of its round, about
NOW = "    return _stopped.get() or datetime.now(UTC)\n"


@dataclass(frozen=True)
class Clock:
    """How far the product's clock goes before the real one."""

    name: str
    ahead: timedelta = timedelta()

    @property
    def changes(self) -> tuple[tuple[str, str, str], ...]:
        """Lines of the product that are changed in the processes of one stack."""
        if not self.ahead:
            return ()
        ahead = f" + __import__('datetime').timedelta(seconds={self.ahead.total_seconds()})\n"
        return (("skarbnik.clock", NOW, NOW.rstrip("\n") + ahead),)


def clock_for(seed: int) -> Clock:
    """Each of them in turn."""
    middle = datetime.now(UTC) + UNTIL_THE_MIDDLE
    midnight = start_of(local_day(middle) + timedelta(days=1))
    return (
        Clock("as it is"),
        Clock("spring, 02:00 becomes 03:00", SPRING - middle),
        Clock("an hour behind", timedelta(hours=-1)),
        Clock("autumn, 03:00 becomes 02:00", AUTUMN - middle),
        Clock("midnight", midnight - middle),
        Clock("an hour ahead", timedelta(hours=1)),
    )[seed % 6]
