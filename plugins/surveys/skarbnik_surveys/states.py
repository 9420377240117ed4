"""What may become of a survey. Nobody but `Survey.move_to` assigns its state."""

from __future__ import annotations

from enum import StrEnum

from skarbnik.plugin_api import ForbiddenTransition


class SurveyState(StrEnum):
    DRAFT = "draft"  # only the office sees it
    OPEN = "open"  # residents answer, until its last day
    CLOSED = "closed"


NEXT: dict[SurveyState, set[SurveyState]] = {
    SurveyState.DRAFT: {SurveyState.OPEN},
    SurveyState.OPEN: {SurveyState.CLOSED},
    SurveyState.CLOSED: set(),  # its sheets were mixed: who answered later would stand apart
}


def step(current: SurveyState, to: SurveyState) -> SurveyState:
    """The next state, or ForbiddenTransition. Staying is no step."""
    if to not in NEXT[current]:
        raise ForbiddenTransition(f"{current} cannot become {to}")
    return to
