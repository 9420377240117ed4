"""When a finance system is read, as its administrator says."""

import pytest

from skarbnik import clock
from skarbnik.errors import NotFound
from skarbnik.exchange.batches import send_batch_again
from skarbnik.exchange.fetching import begin_asking
from skarbnik.exchange.hours import next_moment
from skarbnik.exchange.models import BookingBatch, Source
from skarbnik.exchange.sources import set_source


@pytest.fixture
def said(tenant, clean):
    """`said(work)`: what a piece of work answers, and what it leaves to be done."""

    def do(work):
        with tenant.session() as session:
            answer = work(session)
        with clean.as_admin() as connection:
            rows = connection.execute("DELETE FROM work.outbox RETURNING topic").fetchall()
        return answer, sorted(topic for (topic,) in rows)

    return do


def test_other_hours_are_told_to_what_waits_and_the_same_ones_to_nobody(source, said):
    def set_it(session):
        return set_source(session, "puma", hours="03:15", most_closing=30)

    assert said(set_it) == (True, ["exchange.bookings_wait"])
    assert said(set_it) == (False, [])


def test_a_limit_alone_concerns_nothing_that_waits(source, said, rows):
    assert said(lambda session: set_source(session, "puma", hours=None, most_closing=40)) == (True, [])
    assert rows("SELECT hours, most_closing FROM sources") == [(None, 40)]


def test_a_source_that_is_asked_is_asked_at_the_new_hours(source, tenant, said):
    said(lambda session: begin_asking(session, session.get_one(Source, "puma")))

    _, rung = said(lambda session: set_source(session, "puma", hours="03:15", most_closing=30))
    assert rung == ["exchange.bookings_wait", "exchange.fetch"]
    with tenant.session() as session:
        assert session.get_one(Source, "puma").next_fetch_at == next_moment("03:15", clock.now())


def test_there_is_no_other_source(source, tenant):
    with pytest.raises(NotFound), tenant.session() as session:
        set_source(session, "other", hours=None, most_closing=30)


def test_a_batch_goes_out_again_under_its_number(source, said):
    def make(session):
        words = {"number": 1, "file_name": "b.xml", "content": b"<b/>", "sha256": "a" * 64}
        batch = BookingBatch(source="puma", made_at=clock.now(), **words)
        session.add(batch)
        session.flush()
        return batch.id

    batch_id, _ = said(make)
    assert said(lambda session: send_batch_again(session, batch_id)) == (None, ["exchange.batch_made"])
