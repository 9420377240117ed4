"""Batches over HTTP: the same bytes until they are there, booked once, at the hours of their source."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from tests.exchange.remote import errands, pay, read_all

from skarbnik import clock
from skarbnik.exchange import fetching, systems, tasks
from skarbnik.exchange.models import BatchState, BookingBatch, Source
from skarbnik.exchange.systems import spool_of
from skarbnik.outbox import Again
from skarbnik.payments.models import BookingLine
from skarbnik.payments.states import BookingState
from skarbnik.tenancy.plugin_settings import store_settings
from skarbnik_puma.settings import PumaSettings


@pytest.fixture
def paid(tenant, puma, asked, ask):
    """Money came for an instalment of the imported file."""
    puma.export()
    ask()
    read_all(tenant)
    pay(tenant)
    return tenant


def batch_of(tenant):
    with tenant.session() as session:
        return session.scalars(select(BookingBatch)).one()


def bookings(tenant):
    with tenant.session() as session:
        return list(session.scalars(select(BookingLine.state)))


def test_a_batch_goes_there_and_its_answer_comes_back(clean, paid, puma, ask):
    assert tasks.make_batches(paid, uuid4()) is None
    assert tasks.deliver_batch(paid, batch_of(paid).id) is None
    assert batch_of(paid).state is BatchState.DELIVERED
    assert list(spool_of(paid, "puma").outgoing.iterdir()) == []
    ((_key, due_at),) = errands(clean, "exchange.fetch_now")
    assert due_at - clock.now() < timedelta(seconds=6)

    assert ask() is None
    read_all(paid)

    assert batch_of(paid).state is BatchState.ANSWERED
    assert bookings(paid) == [BookingState.BOOKED]


def test_the_answer_to_a_batch_and_its_echo_are_asked_for_often_and_not_for_ever(paid, puma, asked):
    tasks.make_batches(paid, uuid4())
    puma.faulty(never_ack=True)
    tasks.deliver_batch(paid, batch_of(paid).id)
    moment = clock.now()

    def again(after):
        with clock.stopped_at(moment + after):
            return tasks.fetch_now(paid, asked.fetch_key)

    assert again(timedelta(seconds=5)) == Again(moment + timedelta(seconds=35))
    assert again(timedelta(minutes=11)) is None
    with paid.session() as session:
        session.get_one(BookingBatch, batch_of(paid).id).state = BatchState.ANSWERED
        session.get_one(BookingBatch, batch_of(paid).id).answered_at = moment
    assert again(timedelta(minutes=1)) is not None
    assert again(timedelta(minutes=3)) is None


@pytest.mark.parametrize("fault", ["lose_answer", "fail_after_booking", "fail"])
def test_a_batch_whose_answer_was_lost_comes_again_and_is_booked_once(paid, puma, ask, fault):
    tasks.make_batches(paid, uuid4())
    puma.faulty(**{fault: 1})

    again = tasks.deliver_batch(paid, batch_of(paid).id)

    assert isinstance(again, Again)
    assert timedelta(seconds=50) < again.at - clock.now() < timedelta(minutes=2)
    assert batch_of(paid).state is BatchState.MADE
    systems._clients.clear()
    assert tasks.deliver_batch(paid, batch_of(paid).id) is None
    ledger = puma.see("ledger")
    assert len([each for each in ledger["operations"] if each["booking"]]) == 1
    ask()
    read_all(paid)
    assert bookings(paid) == [BookingState.BOOKED]


def test_batches_wait_for_the_hours_of_their_source(clean, paid, puma, connect):
    connect(puma.address, hours="06:00 22:30")
    with paid.session() as session:
        recorded_at = session.scalars(select(BookingLine.recorded_at)).one()
    hour = fetching.next_moment("06:00 22:30", recorded_at)

    assert tasks.make_batches(paid, uuid4()) == Again(hour)
    with paid.session() as session:
        assert session.scalars(select(BookingBatch)).all() == []
    with clock.stopped_at(hour):
        assert tasks.make_batches(paid, uuid4()) is None
        assert tasks.make_batches(paid, uuid4()) is None  # another errand of the same hour
    assert batch_of(paid).number == 1
    tasks.deliver_batch(paid, batch_of(paid).id)
    assert errands(clean, "exchange.fetch_now") == []


def test_a_source_without_hours_does_not_wait_for_one_that_has_them(paid, puma, connect):
    with paid.session() as session:
        store_settings(session, paid, "source:other", PumaSettings(tenant_code="PL-OTHER"))
        session.add(
            Source(id="other", plugin="puma", title="PUMA", tenant_code="PL-OTHER", settings_version=1, hours="03:00")
        )
    assert tasks.make_batches(paid, UUID(int=0)) is None
    assert batch_of(paid).source == "puma"
