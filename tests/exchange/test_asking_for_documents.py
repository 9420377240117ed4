"""PDFs over HTTP: asked for when a row waits for one, a few at a time, and kept only when they are what was named."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.exchange.remote import errands, read_all, source_of

from skarbnik import clock
from skarbnik.exchange import asking, documents, tasks
from skarbnik.exchange.systems import _clients, spool_of
from skarbnik.plugin_api import Refused
from skarbnik_puma.remote import PumaFiles

ROWS = "SELECT arrived_at IS NOT NULL, trouble, asks FROM documents ORDER BY arrived_at IS NULL, sha256"
DAY = timedelta(days=1)


@pytest.fixture
def named(tenant, puma, asked, ask, rows):
    """`named(fault=1)`: an export was fetched and read, and nobody has asked for its documents yet. How many."""

    def go(**faults):
        puma.faulty(**faults)
        puma.export()
        assert ask() is None
        read_all(tenant)
        tasks.take_documents(tenant, asked.fetch_key)
        return len(rows("SELECT 1 FROM documents"))

    return go


@pytest.fixture
def fetch(tenant):
    """Do what the errand does, after so long. The moment it comes again."""

    def go(after=timedelta(0)):
        _clients.clear()
        with clock.stopped_at(clock.now() + after):
            return asking.fetch_documents(tenant, source_of(tenant))

    return go


def kept(tenant):
    return sorted(path.stem for path in spool_of(tenant, "puma").root.glob("documents/??/*.pdf"))


def left(tenant):
    return [path.name for path in spool_of(tenant, "puma").root.glob("documents/part/*")]


def test_what_an_export_names_is_asked_for_and_read_in_the_portal(clean, tenant, puma, named, rows):
    count = named()
    assert rows("SELECT DISTINCT trouble FROM documents") == [("missing",)]

    key = source_of(tenant).documents_key
    assert errands(clean, asking.TOPIC)[-1][0] == key
    puma.served()
    assert tasks.fetch_documents(tenant, key) is None  # nothing waits any more

    assert rows(ROWS) == [(True, None, 0)] * count
    assert kept(tenant) == sorted(sha256 for (sha256,) in rows("SELECT DISTINCT sha256 FROM documents"))
    assert documents.place_of(spool_of(tenant, "puma"), kept(tenant)[0]).read_bytes().startswith(b"%PDF-")
    assert left(tenant) == []


def test_one_that_came_is_not_asked_for_again(tenant, puma, named, fetch):
    named()
    fetch()
    before = puma.served()["downloads"]

    assert fetch(30 * DAY) is None
    assert puma.served()["downloads"] == before


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [("missing_document", "not_given"), ("wrong_document", "checksum"), ("no_pdf", "not_given"),
     ("huge_document", "not_given")],
)  # fmt: skip
def test_a_wrong_one_keeps_nobody_waiting_and_is_asked_for_later_and_later(
    tenant, puma, named, fetch, rows, fault, trouble
):
    count = named(**{fault: 1})
    began = clock.now()

    moment = fetch()
    assert rows(ROWS) == [(True, None, 0)] * (count - 1) + [(False, trouble, 1)]
    assert timedelta(minutes=9) < moment - began < timedelta(minutes=11)
    waits = [fetch(DAY * each) - clock.now() - DAY * each for each in (1, 2, 3, 4)]
    assert [round(wait / timedelta(hours=1)) for wait in waits] == [1, 6, 24, 24]
    assert left(tenant) == []

    puma.export()  # with the right one beside it
    assert fetch(6 * DAY) is None
    assert rows(ROWS)[-1][:2] == (True, None)


@pytest.mark.parametrize("place", [1, 300])
def test_a_cut_one_is_continued(tenant, puma, named, fetch, rows, place):
    count = named()
    before = puma.served()["bytes"]
    puma.faulty(cut_at=place)

    again = fetch()
    assert again is not None
    assert [len(left(tenant)), rows("SELECT max(asks) FROM documents")] == [1, [(1,)]]
    fetch()
    assert fetch(timedelta(minutes=11)) is None
    assert rows("SELECT count(*) FROM documents WHERE arrived_at IS NOT NULL") == [(count,)]
    sizes = "SELECT sum(size) FROM (SELECT DISTINCT sha256, size FROM documents) AS one"
    assert rows(sizes) == [(puma.served()["bytes"] - before,)]


NASTY = ["damage", "ignore_range", "wrong_offset", "redirect", "nonsense", "fail", "refuse_token", "drip"]


@pytest.mark.parametrize("fault", NASTY)
def test_a_bad_day_keeps_nothing_wrong_and_the_next_one_is_good(tenant, puma, named, fetch, rows, fault):
    named()
    puma.faulty(cut_at=10)
    fetch()  # so that there is something to continue
    puma.faulty(**{fault: 1})
    fetch(timedelta(minutes=11))
    for sha256 in kept(tenant):
        assert documents.take(spool_of(tenant, "puma"), sha256, 0) is not None  # kept, and of another size than 0
    for each in (1, 2, 3):
        fetch(DAY * each)

    assert rows("SELECT DISTINCT arrived_at IS NOT NULL, trouble FROM documents") == [(True, None)]
    assert left(tenant) == []


def test_a_few_at_a_time_and_who_waits_longest_first(tenant, puma, named, fetch, rows, monkeypatch):
    named()
    monkeypatch.setattr(asking, "AT_ONCE", 3)
    before = puma.served()["downloads"]

    moment = fetch()
    assert puma.served()["downloads"] - before == 3
    assert moment <= clock.now()


def test_a_plugin_that_stumbles_over_one_comes_to_the_others_all_the_same(tenant, named, fetch, rows, monkeypatch):
    count, ask, stumbled = named(), PumaFiles.download_document, []

    def download(self, file, into, offset):
        stumbled[:] = stumbled or [file.sha256]
        if file.sha256 == stumbled[0]:
            raise KeyError("of the plugin")
        ask(self, file, into, offset)

    monkeypatch.setattr(PumaFiles, "download_document", download)

    assert fetch() - clock.now() > timedelta(minutes=9)
    fetch()
    assert rows(ROWS) == [(True, None, 0)] * (count - 1) + [(False, "missing", 1)]


def test_what_many_rows_name_is_asked_for_once_at_a_time(tenant, named, fetch, rows, monkeypatch):
    named()
    with tenant.session() as session:
        session.execute(text("UPDATE documents SET (sha256, size) = (SELECT sha256, size FROM documents LIMIT 1)"))
    asked_for = []

    def download(self, file, into, offset):
        asked_for.append(file.sha256)
        raise Refused("not yet")

    monkeypatch.setattr(PumaFiles, "download_document", download)

    fetch()
    assert len(asked_for) == 1
    assert rows("SELECT DISTINCT asks, trouble FROM documents") == [(1, "not_given")]


def test_a_system_that_does_not_answer_is_left_alone_until_its_files_are_asked_for(tenant, puma, named, fetch):
    named()
    later = clock.now() + timedelta(minutes=5)
    with tenant.session() as session:
        session.execute(text("UPDATE sources SET fetch_error = 'x', next_fetch_at = :later"), {"later": later})
    puma.stop()

    assert fetch() == later + asking.IN_A_MOMENT


def test_no_transaction_is_open_while_a_document_comes(tenant, clean, puma, named, fetch, monkeypatch):
    named()
    open_ones, complete = set(), asking._complete

    def look(*words):
        with clean.as_admin() as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
            open_ones.add(connection.execute(query).fetchone()[0])
        return complete(*words)

    monkeypatch.setattr(asking, "_complete", look)
    fetch()
    assert open_ones == {0}


def test_an_errand_that_was_replaced_ends_and_one_for_a_folder_asks_nobody(clean, tenant, named, connect, rows):
    named()
    old = source_of(tenant).documents_key
    with tenant.session() as session:
        asking.begin_asking_for_documents(session, session.get_one(type(source_of(tenant)), "puma"))
    assert tasks.fetch_documents(tenant, old) is None

    connect("")
    assert source_of(tenant).documents_key is None
    assert rows("SELECT DISTINCT arrived_at FROM documents") == [(None,)]
