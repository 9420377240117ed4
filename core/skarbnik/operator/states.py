"""What may become of an operator's access to a gmina. Nobody but `SupportAccess.move_to` assigns its state.

That its time is over is no state: `until_at` says so at each look, without anybody having to do something.
"""

from __future__ import annotations

from enum import StrEnum

from skarbnik.errors import ForbiddenTransition


class SupportState(StrEnum):
    ASKED = "asked"
    AGREED = "agreed"
    REFUSED = "refused"
    ENDED = "ended"  # by an administrator, or withdrawn by the operator


NEXT: dict[SupportState, set[SupportState]] = {
    SupportState.ASKED: {SupportState.AGREED, SupportState.REFUSED, SupportState.ENDED},
    SupportState.AGREED: {SupportState.ENDED},
    SupportState.REFUSED: set(),
    SupportState.ENDED: set(),
}
OPEN = (SupportState.ASKED, SupportState.AGREED)


def step(current: SupportState, to: SupportState) -> SupportState:
    """The next state, or ForbiddenTransition. Staying is no step: who agrees does it once."""
    if to not in NEXT[current]:
        raise ForbiddenTransition(f"{current} cannot become {to}")
    return to
