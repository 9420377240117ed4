"""What a browser carries for the portal is nobody else's to read, change or use."""

from datetime import timedelta

import pytest

from skarbnik import clock
from skarbnik.web.sealed import open_words, seal_words

HOUR = timedelta(hours=1)


def test_words_come_back_as_they_were_and_say_nothing_on_the_way(tenant):
    sealed = seal_words(tenant, "a-purpose", {"name": "Żaneta", "number": 7, "nothing": None})
    assert "aneta" not in sealed
    words = open_words(tenant, "a-purpose", sealed, good_for=HOUR)
    assert (words["name"], words["number"], words["nothing"]) == ("Żaneta", 7, None)


def test_they_open_for_their_own_gmina_and_purpose_alone(tenant, neighbour):
    sealed = seal_words(tenant, "a-purpose", {})
    for owner, purpose in ((neighbour, "a-purpose"), (tenant.instance, "a-purpose"), (tenant, "another")):
        assert open_words(owner, purpose, sealed, good_for=HOUR) is None
    of_the_instance = seal_words(tenant.instance, "a-purpose", {})
    assert open_words(tenant.instance, "a-purpose", of_the_instance, good_for=HOUR) is not None
    assert open_words(tenant, "a-purpose", of_the_instance, good_for=HOUR) is None


@pytest.mark.parametrize("text", [None, "", "x", "AAAA", "ż", "eHh4" * 20])
def test_what_is_not_ours_is_nothing(tenant, text):
    assert open_words(tenant, "a-purpose", text, good_for=HOUR) is None


def test_they_are_good_for_their_time(tenant):
    sealed, then = seal_words(tenant, "a-purpose", {}), clock.now()
    with clock.stopped_at(then + HOUR - timedelta(seconds=1)):
        assert open_words(tenant, "a-purpose", sealed, good_for=HOUR) is not None
    with clock.stopped_at(then + HOUR + timedelta(seconds=2)):
        assert open_words(tenant, "a-purpose", sealed, good_for=HOUR) is None
        assert open_words(tenant, "a-purpose", sealed, good_for=None) is not None
