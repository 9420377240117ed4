"""What may become of a request to act for somebody. Nobody but `MandateRequest.move_to` assigns its state."""

from __future__ import annotations

from enum import StrEnum

from skarbnik.errors import ForbiddenTransition


class RequestState(StrEnum):
    ASKED = "asked"  # waits for the office
    CONFIRMED = "confirmed"  # there is a mandate, as long as its days say
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by who asked
    ENDED = "ended"  # the mandate was ended before its last day, or a newer one took its place


NEXT: dict[RequestState, set[RequestState]] = {
    RequestState.ASKED: {RequestState.CONFIRMED, RequestState.REFUSED, RequestState.WITHDRAWN},
    RequestState.CONFIRMED: {RequestState.ENDED},
    RequestState.REFUSED: set(),
    RequestState.WITHDRAWN: set(),
    RequestState.ENDED: set(),
}


def step(current: RequestState, to: RequestState) -> RequestState:
    """The next state, or ForbiddenTransition. Staying is no step: a request is decided once."""
    if to not in NEXT[current]:
        raise ForbiddenTransition(f"{current} cannot become {to}")
    return to
