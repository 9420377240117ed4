"""What may become of a request to act for somebody, over every pair."""

from itertools import product

import pytest

from skarbnik.errors import ForbiddenTransition
from skarbnik.payers.models import MandateRequest
from skarbnik.payers.states import NEXT, RequestState

S = RequestState
DRAWN = {
    (S.ASKED, S.CONFIRMED),
    (S.ASKED, S.REFUSED),
    (S.ASKED, S.WITHDRAWN),
    (S.CONFIRMED, S.ENDED),
}


@pytest.mark.parametrize(("current", "to"), list(product(S, S)))
def test_a_request_goes_where_it_is_drawn_and_nowhere_else(current, to):
    request = MandateRequest(state=current)
    if (current, to) in DRAWN:
        request.move_to(to)
        assert request.state is to
    else:
        with pytest.raises(ForbiddenTransition):
            request.move_to(to)
        assert request.state is current


def test_every_state_has_a_place():
    assert set(NEXT) == set(S)
