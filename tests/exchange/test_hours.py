"""Hours of a source: as clocks in Poland show them, also on the two nights when clocks are moved."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.clock import WARSAW
from skarbnik.errors import Invalid
from skarbnik.exchange.hours import next_moment, parse_hours

HOURS = st.lists(st.times().map(lambda each: f"{each.hour:02d}:{each.minute:02d}"), min_size=1, max_size=12)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2039, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("", None), ("  ", None), ("6:00, 22.30", "06:00 22:30"), ("22:30;6:00 22:30", "06:00 22:30")],
)
def test_hours_are_kept_in_one_form(typed, kept):
    assert parse_hours(typed) == kept


@pytest.mark.parametrize("typed", ["24:00", "06:٣٠", "6", "06:60", " ".join(f"{hour:02d}:00" for hour in range(13))])
def test_what_is_no_hour_is_named(typed):
    with pytest.raises(Invalid):
        parse_hours(typed)


def test_without_hours_everything_is_done_at_once():
    assert next_moment(None, datetime(2026, 11, 23, tzinfo=UTC)) is None


@given(HOURS, MOMENTS)
def test_the_next_moment_is_later_within_a_day_and_a_bit(hours, moment):
    found = next_moment(" ".join(hours), moment)

    assert moment < found <= moment + timedelta(hours=25, minutes=1)


@given(HOURS, MOMENTS)
def test_no_hour_lies_between(hours, moment):
    found = next_moment(" ".join(hours), moment)
    local = [datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=WARSAW) for hour in hours for day in (
        moment.astimezone(WARSAW).date(), found.astimezone(WARSAW).date())]  # fmt: skip

    assert not any(moment < each.astimezone(UTC) < found for each in local)


@pytest.mark.parametrize(
    ("hours", "after", "expected"),
    [
        ("02:30", "2026-03-29T00:00:00+01:00", "2026-03-29T01:30:00+00:00"),  # there is no 02:30: 03:30 is meant
        ("02:30", "2026-10-25T00:00:00+02:00", "2026-10-25T00:30:00+00:00"),  # there are two: the first
        ("02:30", "2026-10-25T00:30:00+00:00", "2026-10-26T01:30:00+00:00"),  # and not the second
    ],
)
def test_the_nights_when_clocks_are_moved(hours, after, expected):
    assert next_moment(hours, datetime.fromisoformat(after)) == datetime.fromisoformat(expected)
