"""One errand that fails, hangs or names nobody does not keep the others from being done."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import text

from skarbnik import clock, errands, outbox
from skarbnik.errands import QUEUES, SUBSCRIBERS, Runner
from skarbnik.exchange.imports import register_arrivals
from skarbnik.exchange.spool import open_spool
from skarbnik.outbox import Again
from skarbnik.scheduler import CHUNK, Scheduler
from skarbnik.testing.factories import SourceFactory, bound_to


@pytest.fixture
def done():
    return []


@pytest.fixture
def runner(clean, done):
    def does(tenant, subject):
        done.append((tenant.slug, subject))

    def fails(tenant, subject):
        raise ValueError("the gateway answers nonsense")

    def waits(tenant, subject):
        return Again(clock.now() + timedelta(minutes=5))

    return Runner(clean.instance, {"payments.does": does, "payments.fails": fails, "payments.waits": waits})


@pytest.fixture
def put(clean):
    """Puts a row for any gmina, also one that does not exist, and claims it."""

    def make(tenant_id, topic, subject=None):
        with clean.as_admin() as connection:
            connection.execute(
                "INSERT INTO work.outbox (tenant_id, topic, subject_id, due_at) VALUES (%s, %s, %s, %s)",
                (tenant_id, topic, subject or uuid4(), clock.now()),
            )
        with clean.instance.engine.begin() as connection:
            return outbox.claim(connection)[0].id

    return make


@pytest.fixture
def rows(clean):
    def read():
        with clean.as_admin() as connection:
            return {
                row[0]: row[1:]
                for row in connection.execute(
                    "SELECT id, attempts, parked_at IS NOT NULL, last_error FROM work.outbox"
                ).fetchall()
            }

    return read


def test_an_errand_is_done_for_its_gmina_and_taken_off(runner, put, rows, done, tenant, neighbour):
    subject = uuid4()
    runner.run([put(tenant.id, "payments.does", subject), put(neighbour.id, "payments.does", subject)])

    assert done == [("lipowo", subject), ("debina", subject)]
    assert rows() == {}


def test_an_errand_that_fails_goes_back_with_its_reason_and_the_others_are_done(runner, put, rows, done, tenant):
    bad, good = put(tenant.id, "payments.fails"), put(tenant.id, "payments.does")
    runner.run([bad, good])

    assert len(done) == 1
    assert rows() == {bad: (1, False, "ValueError: the gateway answers nonsense")}


def test_an_errand_for_an_unknown_gmina_is_parked_in_the_end_with_a_clear_reason(
    runner, put, rows, done, tenant, clean
):
    lost = put("nobody12", "payments.does")
    for _ in range(outbox.MOST_ATTEMPTS):
        runner.run([lost, put(tenant.id, "payments.does")])
        with clean.as_admin() as connection:
            connection.execute("UPDATE work.outbox SET due_at = clock_timestamp() WHERE parked_at IS NULL")
        with clean.instance.engine.begin() as connection:
            outbox.claim(connection)

    assert len(done) == outbox.MOST_ATTEMPTS
    assert rows() == {lost: (outbox.MOST_ATTEMPTS, True, "NotFound: no tenant 'nobody12'")}


def test_an_errand_that_kills_its_worker_each_time_is_parked_in_the_end(runner, put, rows, done, clean, tenant):
    killer = put(tenant.id, "payments.does")
    for _ in range(outbox.MOST_ATTEMPTS):
        with clean.instance.engine.begin() as connection:
            outbox.begin(connection, killer)

    runner.run([killer])

    assert done == []
    ((_attempts, parked, reason),) = rows().values()
    assert parked
    assert "its worker died each time" in reason


def test_what_is_kept_of_a_failure_holds_no_data_of_people(clean, put, rows, tenant):
    def stumbles(tenant, subject):
        with tenant.session() as session:
            session.execute(text("SELECT CAST('Kowalska Anna' AS integer)"))

    errand = put(tenant.id, "payments.stumbles")
    Runner(clean.instance, {"payments.stumbles": stumbles}).run([errand])

    assert rows()[errand][2] == "InvalidTextRepresentation: 22P02"


def test_an_errand_nobody_subscribed_is_named(runner, put, rows, tenant):
    stray = put(tenant.id, "payments.nonsense")
    runner.run([stray])

    assert rows()[stray][2] == "NotFound: nobody subscribed payments.nonsense"


def test_an_errand_that_has_to_wait_comes_back_without_blame(runner, put, rows, tenant):
    waiting = put(tenant.id, "payments.waits")
    runner.run([waiting])

    assert rows() == {waiting: (0, False, None)}


def test_an_errand_that_was_done_meanwhile_is_not_done_again(runner, put, done, tenant):
    errand = put(tenant.id, "payments.does")
    runner.run([errand])
    runner.run([errand])

    assert len(done) == 1


def test_the_same_errand_rung_for_twice_in_one_process_is_run_once_at_a_time(clean, put, tenant):
    runs = []

    def rings_itself(tenant, subject):
        runs.append(subject)
        runner.keep_leases()
        runner.run([errand])

    runner = Runner(clean.instance, {"payments.does": rings_itself})
    errand = put(tenant.id, "payments.does")
    runner.run([errand])

    assert len(runs) == 1


def test_every_topic_waits_in_a_queue_somebody_works_off():
    assert {topic.partition(".")[0] for topic in SUBSCRIBERS} <= set(QUEUES)


def test_every_topic_that_is_published_has_a_subscriber():
    sources = Path(errands.__file__).parent.rglob("*.py")
    published = {
        topic for path in sources for topic in re.findall(r'\bpublish\(\s*\w+,\s*"([a-z_.]+)"', path.read_text())
    }

    assert len(published) > 5
    assert published <= set(SUBSCRIBERS)


class Bells(StubBroker):
    """A broker that only remembers who was rung for."""

    def __init__(self):
        super().__init__()
        self.rung = []

    def enqueue(self, message, *, delay=None):
        self.rung.append((message.queue_name, message.actor_name, list(message.args[0])))
        return message


@pytest.fixture
def scheduler(clean, monkeypatch):
    made = Scheduler(clean.instance, Bells())
    monkeypatch.setattr(made, "waiting", lambda: 0)
    return made


def test_the_relay_rings_each_queue_in_chunks_and_leaves_the_row(scheduler, tenant, clean, rows):
    with tenant.session() as session:
        for _ in range(CHUNK + 1):
            outbox.publish(session, "payments.ask", uuid4())
        for _ in range(2):
            outbox.publish(session, "exchange.file_arrived", uuid4())

    scheduler.relay()

    sizes = sorted((queue, actor, len(ids)) for queue, actor, ids in scheduler.broker.rung)
    assert sizes == [
        ("exchange", "run_exchange", 1),
        ("exchange", "run_exchange", 1),
        ("payments", "run_payments", 1),
        ("payments", "run_payments", CHUNK),
    ]
    assert len(rows()) == CHUNK + 3


def test_when_all_of_redis_is_lost_the_sweep_rings_again(scheduler, tenant, clean):
    with tenant.session() as session:
        outbox.publish(session, "payments.ask", uuid4())
    scheduler.relay()
    scheduler.relay()
    assert len(scheduler.broker.rung) == 1
    with clean.as_admin() as connection:
        connection.execute("UPDATE work.outbox SET lease_until = clock_timestamp() - interval '1 second'")

    scheduler.relay()

    first, again = scheduler.broker.rung
    assert first == again


def test_nothing_is_claimed_while_the_queue_is_full(scheduler, tenant, monkeypatch, rows):
    with tenant.session() as session:
        outbox.publish(session, "payments.ask", uuid4())
    monkeypatch.setattr(scheduler, "waiting", lambda: 10_000)

    assert scheduler.relay() is False
    assert [attempts for attempts, *_rest in rows().values()] == [0]


def test_what_goes_wrong_in_one_gminas_folder_does_not_stop_the_others(
    scheduler, clean, tenant, neighbour, monkeypatch
):
    for each in (tenant, neighbour):
        with each.session() as session, bound_to(session):
            SourceFactory()
        spool = open_spool(clean.settings.files, each.id, "puma").make()
        (spool.incoming / "puma-export-000001.xml").write_text("<x/>")

    def register(session, source, names):
        if session.tenant_id == tenant.id:
            raise ValueError("something nobody thought of")
        return register_arrivals(session, source, names)

    monkeypatch.setattr("skarbnik.scheduler.register_arrivals", register)
    scheduler.look_into_folders()

    with clean.as_admin() as connection:
        assert connection.execute("SELECT tenant_id FROM work.outbox").fetchall() == [(neighbour.id,)]


def test_a_folder_of_nobody_does_not_stop_the_others(scheduler, clean, tenant, rows):
    with tenant.session() as session, bound_to(session):
        SourceFactory()
    for tenant_id in ("nobody12", tenant.id):
        spool = open_spool(clean.settings.files, tenant_id, "puma").make()
        (spool.incoming / "puma-export-000001.xml").write_text("<x/>")

    scheduler.look_into_folders()

    with clean.as_admin() as connection:
        rung = connection.execute("SELECT tenant_id, topic FROM work.outbox").fetchall()
    assert rung == [(tenant.id, "exchange.file_arrived")]


def test_a_folder_of_nobody_is_told_of_once_until_it_changes(scheduler, clean):
    folder = clean.settings.files / "exchange" / "nobodyatall" / "puma" / "in"
    folder.mkdir(parents=True)

    def looks():
        with structlog.testing.capture_logs() as logged:
            for _ in range(3):
                scheduler.look_into_folders()
        return [entry["event"] for entry in logged]

    (folder / "a.xml").write_bytes(b"<x/>")
    assert looks() == ["folder.of_nobody"]
    assert looks() == []
    (folder / "b.xml").write_bytes(b"<x/>")
    assert looks() == ["folder.of_nobody"]


def test_the_night_is_rung_in_once_where_there_are_folders_and_again_the_next_night(clean, tenant, rows):
    for tenant_id in ("nobody12", tenant.id):
        open_spool(clean.settings.files, tenant_id, "puma").make()

    def rung(hours):
        with clock.stopped_at(datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hours)):
            for scheduler in (Scheduler(clean.instance, None), Scheduler(clean.instance, None)):
                scheduler.ring_for_sweep()
                scheduler.ring_for_sweep()
        with clean.as_admin() as connection:
            return connection.execute("DELETE FROM work.outbox RETURNING tenant_id, topic").fetchall()

    assert rung(2) == [(tenant.id, "exchange.sweep")]  # at three in Poland
    assert rung(20) == []
    assert rung(25) == []
    assert rung(26) == [(tenant.id, "exchange.sweep")]
