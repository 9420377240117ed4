"""Errands may run twice and workers may die between two steps: a file is read once, and none is kept waiting."""

from datetime import timedelta

from sqlalchemy import text

from skarbnik import clock
from skarbnik.exchange import imports
from skarbnik.exchange.models import ImportRun, RunState
from skarbnik.exchange.spool import Spool
from skarbnik.testing.factories import SourceFactory, bound_to


def open_source(tenant, *, finished_at=None, names=("puma-export-000001.xml",)):
    """A source whose files have runs."""
    with tenant.session() as session, bound_to(session):
        source = SourceFactory()
        state = RunState.APPLIED if finished_at else RunState.WAITING
        runs = [
            ImportRun(source=source.id, file_name=name, state=state, registered_at=clock.now(), finished_at=finished_at)
            for name in names
        ]
        session.add_all(runs)
    return source, runs


def test_a_file_that_was_applied_is_not_refused_by_whoever_reads_it_once_more(tenant):
    _source, (run,) = open_source(tenant, finished_at=clock.now())

    state = imports.refuse(tenant, run.id, None, "Plik zniknął z folderu, zanim został wczytany.", [])

    with tenant.session() as session:
        assert state is session.get_one(ImportRun, run.id).state is RunState.APPLIED


def test_a_file_read_by_a_worker_that_died_before_putting_it_away_is_not_registered_again(tenant, tmp_path):
    spool = Spool(tmp_path).make()
    (spool.incoming / "puma-export-000001.xml").touch()
    source, _runs = open_source(tenant, finished_at=clock.now())

    with tenant.session() as session:
        assert imports.list_fresh(session, source, spool, ["puma-export-000001.xml", "gone.xml"]) == []


def test_a_corrected_file_under_the_same_name_is_fresh_at_once(tenant, tmp_path):
    spool = Spool(tmp_path).make()
    source, _runs = open_source(tenant, finished_at=clock.now())
    (spool.incoming / "puma-export-000001.xml").touch()
    earlier = clock.now() - timedelta(hours=1)
    with tenant.session() as session:
        session.execute(text("UPDATE import_runs SET registered_at = :earlier"), {"earlier": earlier})

    with tenant.session() as session:
        assert imports.list_fresh(session, source, spool, ["puma-export-000001.xml"]) == ["puma-export-000001.xml"]


def test_when_a_file_is_done_the_next_one_is_rung_for_at_once(clean, tenant):
    source, runs = open_source(tenant, names=("puma-export-000001.xml", "puma-export-000002.xml"))

    with tenant.session() as session:
        session.get_one(ImportRun, runs[0].id).finished_at = clock.now()
        imports.ring_next(session, source.id)

    with clean.as_admin() as connection:
        rung = connection.execute("SELECT topic, subject_id FROM work.outbox").fetchall()
    assert rung == [("exchange.file_arrived", runs[1].id)]
