"""When a source is asked: by one errand for ever, at its hours, and later and later while it does not answer."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.exchange.remote import errands, relay, runs, source_of
from tests.exchange.test_fetching import FAULTS

from skarbnik import clock
from skarbnik.exchange import fetching
from skarbnik.exchange.models import Source


def test_a_source_that_is_connected_is_asked_every_ten_minutes_by_one_errand(clean, tenant, puma, asked):
    moment = datetime.now(UTC)
    puma.export()
    for turn in range(3):
        with clock.stopped_at(moment + timedelta(minutes=11) * turn):
            assert relay(clean, "exchange.fetch") == 1
            ((key, due_at),) = errands(clean)
            assert (key, due_at - clock.now()) == (asked.fetch_key, timedelta(minutes=10))
            assert relay(clean, "exchange.fetch") == 0  # no hot loop
            assert source_of(tenant).next_fetch_at == due_at
    assert puma.served()["lists"] == 3
    assert source_of(tenant).fetch_error is None


def test_after_errors_it_is_asked_sooner_and_later_and_later(clean, tenant, puma, asked):
    puma.faulty(refuse_token=99)
    waits, moment = [], datetime.now(UTC)
    for _ in range(6):
        with clock.stopped_at(moment):
            assert relay(clean, "exchange.fetch") == 1
            ((_key, due_at),) = errands(clean)
            waits.append((due_at - moment) / timedelta(minutes=1))
            moment = due_at
    assert waits == [1, 5, 15, 60, 60, 60]
    assert source_of(tenant).fetch_error == FAULTS["refuse_token"]
    assert source_of(tenant).fetched_at is None

    puma.faulty(refuse_token=0)
    with clock.stopped_at(moment):
        relay(clean, "exchange.fetch")
    assert (source_of(tenant).fetch_error, source_of(tenant).fetch_failures) == (None, 0)


def test_at_the_hours_of_the_source_and_not_before(clean, tenant, puma, connect):
    with clock.stopped_at(datetime(2026, 11, 28, 10, tzinfo=UTC)):
        connect(puma.address, hours="06:00 22:30")  # asked at once, by the clock of the gmina
        relay(clean, "exchange.fetch")
        ((_key, due_at),) = errands(clean)
    assert due_at == datetime(2026, 11, 28, 21, 30, tzinfo=UTC)

    puma.faulty(fail=1)
    with clock.stopped_at(due_at):
        relay(clean, "exchange.fetch")
        ((_key, retried),) = errands(clean)
    assert retried - due_at == timedelta(minutes=1)


def test_a_chain_that_was_replaced_ends_and_the_new_one_goes_on(clean, tenant, puma, connect):
    keys = {connect(puma.address).fetch_key for _ in range(3)}
    assert {each for each, _due in errands(clean)} == keys

    assert relay(clean, "exchange.fetch") == 3

    ((key, _due),) = errands(clean)
    assert key == source_of(tenant).fetch_key
    assert puma.served()["lists"] == 1


def test_an_errand_that_comes_early_goes_back_without_asking(clean, tenant, puma, asked):
    relay(clean, "exchange.fetch")
    with clean.as_admin() as connection:  # the worker died after it had asked, before the errand was put off
        connection.execute("UPDATE work.outbox SET due_at = now() - interval '1 hour' WHERE topic = 'exchange.fetch'")

    assert relay(clean, "exchange.fetch") == 1

    ((_key, due_at),) = errands(clean)
    assert due_at == source_of(tenant).next_fetch_at
    assert puma.served()["lists"] == 1


def test_an_error_of_ours_does_not_break_the_chain(clean, tenant, puma, asked, monkeypatch):
    def stumble(*_args):
        raise RuntimeError("a plugin's own mistake")

    monkeypatch.setattr(fetching, "_check", stumble)
    relay(clean, "exchange.fetch")

    assert "Wtyczka systemu zawiodła" in source_of(tenant).fetch_error
    assert len(errands(clean)) == 1


def test_a_source_without_an_address_is_not_asked_any_more(clean, tenant, puma, connect):
    connect(puma.address)
    connect("")

    relay(clean, "exchange.fetch")

    assert errands(clean) == []
    assert source_of(tenant).next_fetch_at is None
    with tenant.session() as session, pytest.raises(fetching.NoRemote):
        fetching.ask_now(session, session.get_one(Source, "puma"))


def test_asking_now_moves_nothing_of_the_chain(clean, tenant, puma, asked):
    relay(clean, "exchange.fetch")
    before = errands(clean)
    puma.export()
    with tenant.session() as session:
        fetching.ask_now(session, session.get_one(Source, "puma"))

    assert relay(clean, "exchange.fetch_now") == 1

    assert (errands(clean), errands(clean, "exchange.fetch_now")) == (before, [])
    assert len(runs(tenant)) == 1
