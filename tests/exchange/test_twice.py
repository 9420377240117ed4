"""Errands may run twice and workers may die between two steps: a file is read once, and none is kept waiting."""

from skarbnik import clock
from skarbnik.crypto import KeyRing
from skarbnik.exchange import imports
from skarbnik.exchange.models import ImportRun
from skarbnik.exchange.spool import Spool
from skarbnik.exchange.states import RunState
from skarbnik.exchange.tasks import read_file
from skarbnik.tenancy.plugin_settings import parse_settings, store_settings
from skarbnik.testing.factories import SourceFactory, bound_to
from skarbnik_puma.settings import PumaSettings


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


def test_a_corrected_file_of_the_same_name_is_not_put_away_instead_of_the_one_that_was_read(tmp_path):
    spool = Spool(tmp_path).make()
    (spool.incoming / "puma-export-000001.xml").write_text("damaged")
    taken = spool.take("puma-export-000001.xml", "the first run")
    (spool.incoming / "puma-export-000001.xml").write_text("corrected")

    assert spool.take("puma-export-000001.xml", "the first run").read_text() == "damaged" == taken.read_text()
    spool.put_away("puma-export-000001.xml", "the first run", "refused")

    assert (tmp_path / "refused" / "puma-export-000001.xml").read_text() == "damaged"
    assert (spool.incoming / "puma-export-000001.xml").read_text() == "corrected"


def test_a_file_whose_worker_died_before_putting_it_away_does_not_arrive_again(tmp_path):
    spool = Spool(tmp_path).make()
    (spool.incoming / "puma-export-000001.xml").touch()

    spool.take("puma-export-000001.xml", "its run")

    assert spool.list_arrived("puma-*.xml") == []


def test_a_file_that_has_gone_is_refused_and_says_so(tenant):
    _source, (run,) = open_source(tenant)
    with tenant.session() as session:
        settings = parse_settings(PumaSettings, {"tenant_code": "PL-LIPOWO"})
        store_settings(session, tenant, "source:puma", settings)

    assert read_file(tenant, run.id) is None

    with tenant.session() as session:
        assert "zniknął" in session.get_one(ImportRun, run.id).message


def test_when_a_file_is_done_the_next_one_is_rung_for_at_once(clean, tenant):
    source, runs = open_source(tenant, names=("puma-export-000001.xml", "puma-export-000002.xml"))

    with tenant.session() as session:
        session.get_one(ImportRun, runs[0].id).finished_at = clock.now()
        imports.ring_next(session, source.id)

    with clean.as_admin() as connection:
        rung = connection.execute("SELECT topic, subject_id FROM work.outbox").fetchall()
    assert rung == [("exchange.file_arrived", runs[1].id)]


def test_the_first_full_file_after_a_new_key_rewrites_every_row_with_it_and_the_next_one_none(
    receive, words, rows, tenant, monkeypatch
):
    export = words.Export(payers=(words.payer("P-1", pesel="44051401359"),))
    receive(export)
    keys = tenant.instance.keys
    monkeypatch.setattr(tenant.instance, "keys", KeyRing(((2, b"n" * 32), *keys._keys.items())))
    export.number = 2
    changed = receive(export).counts
    export.number = 3

    assert changed == {table: {"changed": 1} for table in ("payers", "receivables", "liabilities", "instalments")}
    assert rows("SELECT pesel_key FROM payers") == [(2,)]
    assert receive(export).counts == {}
