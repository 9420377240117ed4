"""Every pair of states."""

from itertools import product

import pytest

from skarbnik.plugin_api import ForbiddenTransition
from skarbnik_surveys.states import SurveyState, step

ALLOWED = {(SurveyState.DRAFT, SurveyState.OPEN), (SurveyState.OPEN, SurveyState.CLOSED)}


@pytest.mark.parametrize(("current", "to"), list(product(SurveyState, SurveyState)))
def test_a_survey_is_opened_once_and_closed_for_good(current, to):
    if (current, to) in ALLOWED:
        assert step(current, to) is to
    else:
        with pytest.raises(ForbiddenTransition):
            step(current, to)
