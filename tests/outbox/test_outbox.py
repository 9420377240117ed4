"""What must happen later is a row: each is taken by one worker at a time, and none is ever lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from sqlalchemy import text

from skarbnik import clock, outbox
from skarbnik.outbox import MOST_ATTEMPTS


@pytest.fixture
def engine(clean):
    return clean.instance.engine


@pytest.fixture
def publish(tenant):
    def put(topic="payments.ask", subject=None, due_at=None, count=1):
        with tenant.session() as session:
            for _ in range(count):
                outbox.publish(session, topic, subject or uuid4(), due_at=due_at)

    return put


@pytest.fixture
def row(clean):
    def read():
        with clean.as_admin() as connection:
            cursor = connection.execute(
                "SELECT attempts, parked_at IS NOT NULL AS parked, last_error, lease_until IS NOT NULL AS leased,"
                " extract(epoch FROM due_at - %s)::float AS wait FROM work.outbox",
                (clock.now(),),
            )
            (one,) = cursor.fetchall()
            return dict(zip([column.name for column in cursor.description], one, strict=True))

    return read


def claim(engine, **words):
    with engine.begin() as connection:
        return outbox.claim(connection, **words)


def begin(engine, errand_id):
    with engine.begin() as connection:
        return outbox.begin(connection, errand_id)


def end_leases(clean):
    with clean.as_admin() as connection:
        connection.execute("UPDATE work.outbox SET lease_until = clock_timestamp() - interval '1 second'")


def test_what_was_rolled_back_is_not_rung_for(tenant, engine):
    session = tenant.open_session()
    outbox.publish(session, "payments.ask", uuid4())
    session.rollback()
    session.close()

    assert claim(engine) == []


def test_a_row_is_not_claimed_before_its_time(publish, engine):
    publish(due_at=clock.now() + timedelta(minutes=1))

    assert claim(engine) == []
    with clock.stopped_at(clock.now() + timedelta(minutes=2)):
        assert len(claim(engine)) == 1


def test_claimers_at_the_same_moment_get_each_row_once(publish, engine):
    publish(count=120)
    start = Barrier(4)

    def take(_):
        start.wait()
        taken = []
        while more := claim(engine, most=7):
            taken += more
        return taken

    with ThreadPoolExecutor(4) as pool:
        ids = [errand.id for taken in pool.map(take, range(4)) for errand in taken]

    assert len(ids) == len(set(ids)) == 120


def test_a_row_that_somebody_is_just_claiming_is_passed_over(publish, engine):
    publish(count=2)
    with engine.begin() as first:
        taken = outbox.claim(first, most=1)
        with engine.begin() as second:
            others = outbox.claim(second)
    assert {errand.id for errand in taken} & {errand.id for errand in others} == set()
    assert len(others) == 1


def test_a_row_whose_lease_ran_out_is_claimed_again(publish, engine, clean):
    publish()
    (first,) = claim(engine)
    assert claim(engine) == []

    end_leases(clean)
    (again,) = claim(engine)

    assert again.id == first.id


def test_a_row_that_only_lay_in_a_queue_while_no_worker_lived_was_not_tried(publish, engine, clean, row):
    publish()
    for _ in range(MOST_ATTEMPTS + 5):
        (errand,) = claim(engine)
        end_leases(clean)

    assert begin(engine, errand.id).attempts == 1
    with engine.begin() as connection:
        assert not outbox.give_back(connection, errand, reason="the first failure")
    assert row()["wait"] <= 2


def test_a_row_that_was_put_off_or_parked_is_not_begun_by_an_old_ring(publish, engine, clean):
    publish(count=2)
    waiting, parked = claim(engine)
    with engine.begin() as connection:
        outbox.put_off(connection, waiting, until=clock.now() + timedelta(hours=1))
    with clean.as_admin() as connection:
        connection.execute("UPDATE work.outbox SET parked_at = clock_timestamp() WHERE id = %s", (parked.id,))

    assert begin(engine, waiting.id) is begin(engine, parked.id) is None


def test_who_is_still_at_it_keeps_the_lease(publish, engine, clean):
    publish()
    (errand,) = claim(engine)
    end_leases(clean)
    with engine.begin() as connection:
        outbox.keep(connection, [errand.id])

    assert claim(engine) == []


def test_what_is_done_is_gone(publish, engine):
    publish()
    (errand,) = claim(engine)
    with engine.begin() as connection:
        outbox.take_off(connection, errand)
    assert begin(engine, errand.id) is None


def test_a_failure_is_tried_again_later_and_later_and_at_last_parked(publish, engine, clean, row):
    publish()
    waits = []
    for attempt in range(1, MOST_ATTEMPTS + 1):
        with clock.stopped_at(clock.now() + timedelta(days=2)):
            (claimed,) = claim(engine)
            errand = begin(engine, claimed.id)
            assert errand.attempts == attempt
            with engine.begin() as connection:
                parked = outbox.give_back(connection, errand, reason="OutcomeUnknown: nobody answers " + "x" * 600)
            assert parked == (attempt == MOST_ATTEMPTS)
            waits.append(row()["wait"])
        with clean.as_admin() as connection:
            connection.execute("UPDATE work.outbox SET due_at = clock_timestamp()")

    assert waits == pytest.approx([min(2**attempt, 3600) for attempt in range(1, MOST_ATTEMPTS + 1)], abs=1)
    assert row()["parked"]
    assert row()["last_error"].startswith("OutcomeUnknown")
    with clock.stopped_at(clock.now() + timedelta(days=30)):
        assert claim(engine) == []


def test_waiting_for_somebody_else_is_no_failure(publish, engine, row):
    publish()
    errand = begin(engine, claim(engine)[0].id)
    with engine.begin() as connection:
        outbox.put_off(connection, errand, until=clock.now() + timedelta(hours=1))

    assert row()["attempts"] == 0
    assert not row()["parked"]
    assert row()["wait"] == pytest.approx(3600, abs=5)


def test_the_oldest_due_row_comes_first(publish, engine):
    for minutes in (1, 3, 2):
        publish(topic=f"tested.{minutes}", due_at=clock.now() - timedelta(minutes=minutes))

    assert [claim(engine, most=1)[0].topic for _ in range(3)] == ["tested.3", "tested.2", "tested.1"]


def test_a_gmina_cannot_ring_in_anothers_name(tenant, neighbour, clean):
    with tenant.session() as session:
        session.execute(text("SELECT set_config('search_path', :other, true)"), {"other": neighbour.schema})
        outbox.publish(session, "payments.ask", uuid4())

    with clean.as_admin() as connection:
        assert connection.execute("SELECT tenant_id FROM work.outbox").fetchall() == [(tenant.id,)]


def test_no_more_rows_are_claimed_than_were_asked_for_whatever_postgresql_plans(publish, engine, clean):
    publish(due_at=clock.now() + timedelta(days=9))
    with clean.as_admin() as connection:
        connection.execute("VACUUM FULL work.outbox")
        connection.execute("ANALYZE work.outbox")  # it believes that there is one row, and plans accordingly
    publish(count=5)

    assert len(claim(engine, most=2)) == 2
    assert len(claim(engine)) == 3
