"""What may become of a remark, over every pair."""

from itertools import product

import pytest

from skarbnik.errors import ForbiddenTransition
from skarbnik.remarks.models import Remark
from skarbnik.remarks.states import NEXT, OPEN, RemarkState

S = RemarkState
DRAWN = {
    (S.NEW, S.IN_PROGRESS),
    (S.NEW, S.WITHDRAWN),
    (S.IN_PROGRESS, S.ANSWERED),
    (S.IN_PROGRESS, S.WITHDRAWN),
}


@pytest.mark.parametrize(("current", "to"), list(product(S, S)))
def test_a_remark_goes_where_it_is_drawn_and_nowhere_else(current, to):
    remark = Remark(state=current)
    if (current, to) in DRAWN:
        remark.move_to(to)
        assert remark.state is to
    else:
        with pytest.raises(ForbiddenTransition):
            remark.move_to(to)
        assert remark.state is current


def test_every_state_has_a_place_and_what_is_open_goes_on():
    assert set(NEXT) == set(S)
    assert {state for state in S if NEXT[state]} == set(OPEN)
