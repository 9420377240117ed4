"""Times are typed and shown as clocks in Warsaw show them, also in the nights when these are changed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.content.times import local_of, moment_of


@pytest.mark.parametrize(
    ("typed", "late", "meant"),
    [
        ("2026-01-15T12:00", False, "2026-01-15T11:00"),
        ("2026-07-15T12:00", False, "2026-07-15T10:00"),
        ("2026-03-29T01:59", False, "2026-03-29T00:59"),
        ("2026-03-29T02:30", False, "2026-03-29T01:30"),  # 02:30 never comes: it is 03:30 then
        ("2026-03-29T03:00", False, "2026-03-29T01:00"),
        ("2026-10-25T02:30", False, "2026-10-25T00:30"),  # the first 02:30
        ("2026-10-25T02:30", True, "2026-10-25T01:30"),  # the second
        ("2026-10-25T03:00", False, "2026-10-25T02:00"),
    ],
)
def test_a_typed_time_is_a_moment(typed, late, meant):
    assert moment_of(datetime.fromisoformat(typed), late=late) == datetime.fromisoformat(meant).replace(tzinfo=UTC)


def test_what_is_shown_for_the_doubled_hour_is_shown_for_two():
    typed = datetime(2026, 10, 25, 2), datetime(2026, 10, 25, 3)

    assert (moment_of(typed[1], late=True) - moment_of(typed[0])).total_seconds() == 2 * 3600


@given(st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_time_nobody_touched_stays_the_moment_it_was(moment):
    assert moment_of(local_of(moment), was=moment) == moment


def test_no_time_is_no_moment():
    assert moment_of(None) is None
    assert local_of(None) is None
