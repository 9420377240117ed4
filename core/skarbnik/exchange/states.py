"""Which state of an import may follow which. Nobody but `move_to` of a run assigns one."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    HELD = "held"  # it would close so much that an official has to agree first
    APPLIED = "applied"
    TRIED = "tried"  # a dry run that would have been applied
    REFUSED = "refused"


NEXT: dict[StrEnum, set[StrEnum]] = {
    RunState.WAITING: {RunState.RUNNING, RunState.APPLIED, RunState.TRIED, RunState.REFUSED},
    RunState.RUNNING: {RunState.HELD, RunState.APPLIED, RunState.TRIED, RunState.REFUSED},
    RunState.HELD: {RunState.WAITING, RunState.REFUSED},
    RunState.APPLIED: set(),
    RunState.TRIED: set(),
    RunState.REFUSED: set(),
}
