"""The day that counts is the day in Warsaw, whatever the clock does there."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik import clock

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-22T22:59:59+00:00", date(2026, 11, 22)),
        ("2026-11-22T23:00:00+00:00", date(2026, 11, 23)),
        ("2026-07-01T21:59:59+00:00", date(2026, 7, 1)),
        ("2026-07-01T22:00:00+00:00", date(2026, 7, 2)),
        ("2027-03-27T22:59:59+00:00", date(2027, 3, 27)),  # the night the clock goes forward: the day begins at 23 UTC
        ("2027-03-27T23:00:00+00:00", date(2027, 3, 28)),
        ("2027-03-28T21:59:59+00:00", date(2027, 3, 28)),  # and ends at 22 UTC
        ("2027-03-28T22:00:00+00:00", date(2027, 3, 29)),
        ("2027-10-30T22:00:00+00:00", date(2027, 10, 31)),  # the night it goes back: from 22 UTC
        ("2027-10-31T22:59:59+00:00", date(2027, 10, 31)),  # to 23 UTC
        ("2027-10-31T23:00:00+00:00", date(2027, 11, 1)),
        ("2026-12-31T23:00:00+00:00", date(2027, 1, 1)),
    ],
)
def test_a_payment_counts_for_the_day_it_was_in_warsaw(moment, day):
    with clock.stopped_at(datetime.fromisoformat(moment)):
        assert clock.today() == day


@given(MOMENTS)
def test_every_zone_agrees_on_the_day_in_warsaw(moment):
    day = clock.local_day(moment)

    assert clock.local_day(moment.astimezone(clock.WARSAW)) == day
    assert day - moment.date() in (timedelta(0), timedelta(days=1))


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_days_never_run_backwards(moment, later):
    assert clock.local_day(moment) <= clock.local_day(moment + later)


def test_a_moment_without_a_zone_has_no_day():
    with pytest.raises(ValueError, match="zone"):
        clock.local_day(datetime(2026, 11, 23))
    with pytest.raises(ValueError, match="zone"), clock.stopped_at(datetime(2026, 11, 23)):
        pass


def test_the_clock_goes_on_after_it_was_stopped():
    with clock.stopped_at(datetime(2001, 1, 1, tzinfo=UTC)):
        assert clock.now().year == 2001
    assert clock.now().tzinfo is UTC
    assert datetime.now(UTC) - clock.now() < timedelta(minutes=1)
