"""What may become of a remark. Nobody but `Remark.move_to` assigns its state."""

from __future__ import annotations

from enum import StrEnum
from typing import LiteralString

from skarbnik.errors import ForbiddenTransition


class RemarkState(StrEnum):
    NEW = "new"
    IN_PROGRESS = "in_progress"  # an official took it up
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"  # by who wrote it


NEXT: dict[RemarkState, set[RemarkState]] = {
    RemarkState.NEW: {RemarkState.IN_PROGRESS, RemarkState.WITHDRAWN},
    RemarkState.IN_PROGRESS: {RemarkState.ANSWERED, RemarkState.WITHDRAWN},
    RemarkState.ANSWERED: set(),
    RemarkState.WITHDRAWN: set(),
}
OPEN = (RemarkState.NEW, RemarkState.IN_PROGRESS)
OPEN_SQL: LiteralString = ", ".join(f"'{state}'" for state in OPEN)


def step(current: RemarkState, to: RemarkState) -> RemarkState:
    """The next state, or ForbiddenTransition. Staying is no step: an answer is given once."""
    if to not in NEXT[current]:
        raise ForbiddenTransition(f"{current} cannot become {to}")
    return to
