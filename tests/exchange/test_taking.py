"""The bytes of documents: what is kept is what the export says, whatever lies in the folder and whenever it comes."""

import hashlib
import os
import time
import tracemalloc

import pytest
from sqlalchemy import event, text
from tests.exchange.conftest import CODE, simulate

from skarbnik import scheduler
from skarbnik.exchange import documents
from skarbnik.exchange.spool import open_spool
from skarbnik.exchange.tasks import read_file
from skarbnik.plugin_api import LARGEST_DOCUMENT
from skarbnik.receivables.models import DocumentTrouble
from skarbnik.scheduler import Scheduler

PDF = b"%PDF-1.7\nDecyzja nr FN.3120.1.2026\n%%EOF\n"
NAME = hashlib.sha256(PDF).hexdigest()


def named(words, *wanted, number=1, kind="full"):
    """An export that names documents: pairs of id and bytes, or with a SHA-256 and size of their own."""
    return words.Export(
        receivables=(words.receivable("R-1", words.liability("P-1"), words.instalment("I-1"), *wanted),),
        number=number,
        kind=kind,
    )


def document(words, own, content=PDF, **more):
    return words.document(own, hashlib.sha256(content).hexdigest(), **{"size": len(content), **more})


@pytest.fixture
def put(source):
    """`put(bytes, sha256)`: a PDF lies in the folder of documents."""

    def lay(content=PDF, sha256=None):
        path = source.incoming_documents / f"{sha256 or hashlib.sha256(content).hexdigest()}.pdf"
        path.write_bytes(content)
        return path

    return lay


@pytest.fixture
def bells(clean):
    """`bells()`: how often somebody was asked to look for documents since the last time; nobody comes of it."""

    def ring():
        with clean.as_admin() as connection:
            rows = connection.execute("DELETE FROM work.outbox WHERE topic = 'exchange.documents_wait' RETURNING *")
            found = rows.fetchall()
        return len(found)

    return ring


def test_what_an_export_names_is_kept_under_its_checksum_and_leaves_the_folder(
    receive, words, put, take, source, bells
):
    put()
    receive(named(words, document(words, "D-1")))

    assert bells() == 1
    assert take() == [("D-1", True, None)]
    kept = source.root / "documents" / NAME[:2] / f"{NAME}.pdf"
    assert (kept, kept.read_bytes()) == (documents.place_of(source, NAME), PDF)
    assert list(source.incoming_documents.iterdir()) == []
    assert bells() == 0


def test_an_export_without_documents_rings_for_none(receive, words, bells):
    receive(words.Export())

    assert bells() == 0


def test_one_file_serves_many_receivables_and_need_not_come_again(receive, words, put, take):
    put()
    receive(named(words, document(words, "D-1"), document(words, "D-2")))
    assert take() == [("D-1", True, None), ("D-2", True, None)]

    receive(named(words, *(document(words, f"D-{each}") for each in (1, 2, 3)), number=2))
    assert take()[-1] == ("D-3", True, None)


WRONG = {
    "nothing there": (None, DocumentTrouble.MISSING),
    "other bytes": (PDF + b" ", DocumentTrouble.CHECKSUM),
    "cut": (PDF[:-5], DocumentTrouble.CHECKSUM),
    "empty": (b"", DocumentTrouble.CHECKSUM),
    "a page of a web server": (b"<html>404</html>", DocumentTrouble.NOT_PDF),
    "without an end": (PDF + b"x" * LARGEST_DOCUMENT, DocumentTrouble.SIZE),
}


@pytest.mark.parametrize(("content", "trouble"), WRONG.values(), ids=WRONG)
def test_a_wrong_one_is_not_kept_and_a_right_one_is_taken_later(receive, words, put, take, source, content, trouble):
    if content is not None:
        put(content, NAME)
    receive(named(words, document(words, "D-1")))

    assert take() == [("D-1", False, trouble)]
    assert take() == [("D-1", False, trouble)]  # looking again, when it was put aside, forgets no reason
    assert not documents.place_of(source, NAME).exists()
    assert list((source.root / "documents").rglob("*.pdf")) == []
    assert [each.name for each in (source.root / "refused").iterdir()] == [f"{NAME}.pdf"] * (content is not None)
    put()
    assert take() == [("D-1", True, None)]


def test_a_file_that_only_calls_itself_pdf_is_none_even_with_the_right_checksum(receive, words, put, take):
    page = b"<html>"
    put(page)
    receive(named(words, document(words, "D-1", page)))

    assert take() == [("D-1", False, DocumentTrouble.NOT_PDF)]


def test_another_size_than_the_export_says_is_told_and_mended_by_the_next_export(receive, words, put, take):
    put()
    receive(named(words, document(words, "D-1", size=len(PDF) + 1)))
    assert take() == [("D-1", False, DocumentTrouble.SIZE)]

    receive(named(words, document(words, "D-1"), number=2))
    assert take() == [("D-1", True, None)]


def test_no_link_is_followed(receive, words, take, source, tmp_path):
    secret = tmp_path / "of-the-neighbour.pdf"
    secret.write_bytes(PDF)
    (source.incoming_documents / f"{NAME}.pdf").symlink_to(secret)
    receive(named(words, document(words, "D-1")))

    assert take() == [("D-1", False, DocumentTrouble.NOT_A_FILE)]
    assert secret.read_bytes() == PDF
    assert list(source.incoming_documents.iterdir()) == []


def test_a_folder_that_is_a_link_is_not_entered(receive, words, take, source, tmp_path):
    elsewhere = tmp_path / "documents of the neighbour"
    elsewhere.mkdir()
    (elsewhere / f"{NAME}.pdf").write_bytes(PDF)
    source.incoming_documents.rmdir()
    source.incoming_documents.symlink_to(elsewhere)
    receive(named(words, document(words, "D-1")))

    assert take() == [("D-1", False, DocumentTrouble.NOT_A_FILE)]
    assert [each.name for each in elsewhere.iterdir()] == [f"{NAME}.pdf"]


def test_a_pipe_and_a_folder_are_no_documents_and_keep_nobody_waiting(receive, words, take, source):
    other = hashlib.sha256(b"2").hexdigest()
    os.mkfifo(source.incoming_documents / f"{NAME}.pdf")
    (source.incoming_documents / f"{other}.pdf").mkdir()
    receive(named(words, document(words, "D-1"), words.document("D-2", other)))

    assert {trouble for *_, trouble in take()} == {DocumentTrouble.NOT_A_FILE}


def test_a_second_name_of_the_file_changes_nothing_that_is_kept(receive, words, put, take, source, tmp_path):
    os.link(put(), tmp_path / "mine")
    receive(named(words, document(words, "D-1")))
    take()
    (tmp_path / "mine").write_bytes(b"%PDF-other")

    assert documents.place_of(source, NAME).read_bytes() == PDF


def test_one_that_comes_later_is_found_though_no_import_asks_for_it_again(receive, words, put, take, bells):
    receive(named(words, document(words, "D-1")))
    take(), bells()
    put()
    receive(words.Export(receivables=(), payers=(), kinds=(), number=2, kind="incremental"))

    assert bells() == 0
    assert take() == [("D-1", True, None)]


@pytest.fixture
def looking(clean, monkeypatch):
    """`looking(seconds)`: the scheduler looks into folders after so many seconds more."""
    scheduler, now = Scheduler(clean.instance, None), [1000.0]
    monkeypatch.setattr("skarbnik.scheduler.time.monotonic", lambda: now[0])

    def look(seconds=0.0):
        now[0] += seconds
        scheduler.look_into_folders()

    return look


def test_the_look_into_folders_rings_once_for_what_came_later(receive, words, put, take, bells, looking):
    receive(named(words, document(words, "D-1")))
    take(), bells()
    looking()
    looking(scheduler.QUIET)
    assert bells() == 0

    put()
    looking()
    looking(scheduler.QUIET)
    looking(scheduler.QUIET)
    assert bells() == 1
    assert take() == [("D-1", True, None)]


def test_what_trickles_in_rings_now_and_then_and_once_when_it_has_come_to_rest(put, bells, looking):
    rung = []
    for each in range(100):
        put(b"%d" % each)
        looking(2.0)
        rung.append(bells())
    assert sum(rung) == 200 // (scheduler.PATIENCE + 2) == 3

    looking(scheduler.QUIET)
    looking(scheduler.PATIENCE)
    assert bells() == 1


def test_nobody_is_rung_again_before_the_last_bell_is_answered(clean, put, bells, looking):
    for each in (b"1", b"2"):
        put(each)
        looking()
        looking(scheduler.QUIET)
    assert bells() == 1

    looking()
    assert bells() == 1  # for the second, which may have come too late for it


def test_folders_of_many_gminas_are_rung_for_in_one_statement(clean, tenant, neighbour, looking):
    for each in (tenant, neighbour):
        folder = open_spool(clean.settings.files, each.id, "puma").make().incoming_documents
        (folder / f"{NAME}.pdf").write_bytes(PDF)
    looking()
    seen = []

    def note(connection, cursor, statement, *_):
        seen.append(statement)

    event.listen(clean.instance.engine, "before_cursor_execute", note)
    try:
        looking(scheduler.QUIET)
    finally:
        event.remove(clean.instance.engine, "before_cursor_execute", note)

    assert len([each for each in seen if "work.outbox" in each]) == 1
    assert not [each for each in seen if "sources" in each]
    with clean.as_admin() as connection:
        assert {row[0] for row in connection.execute("SELECT tenant_id FROM work.outbox")} == {tenant.id, neighbour.id}


def test_what_waits_costs_nothing_when_another_one_comes(receive, words, put, take, bells, monkeypatch):
    """100,000 decisions that trickle in: each look is at what came, not at what is still missing."""
    receive(
        named(words, document(words, "D-1"), *(words.document(f"D-{each}", f"{each:064x}") for each in range(2, 500)))
    )
    take()
    looked, look = [], documents.take
    monkeypatch.setattr(
        documents, "take", lambda spool, sha256, size: looked.append(sha256) or look(spool, sha256, size)
    )
    put()

    assert take()[0] == ("D-1", True, None)
    assert looked == [NAME]


def test_so_much_is_looked_at_that_others_have_their_turn(receive, words, put, take, bells, tenant, monkeypatch):
    many = [b"%%PDF-%d" % each for each in range(5)]
    receive(named(words, *(document(words, f"D-{each}", content) for each, content in enumerate(many))))
    take()
    for each in many:
        put(each)
    monkeypatch.setattr(documents, "AT_ONCE", 2)

    assert documents.take_all(tenant, "puma", most=2)
    assert [arrived for _, arrived, _ in take()] == [True] * 5
    assert not documents.take_all(tenant, "puma", most=2)


def test_what_nobody_named_stays_where_it_is(receive, words, put, take, source):
    stranger = put(b"%PDF-of nobody")
    receive(named(words, words.document("D-1")))
    take()

    assert list(source.incoming_documents.iterdir()) == [stranger]


def test_a_worker_killed_between_keeping_and_saying_so_is_followed_by_one_that_says_it(
    receive, words, put, take, source, monkeypatch
):
    put()
    receive(named(words, document(words, "D-1")))
    with monkeypatch.context() as patched:
        patched.setattr(documents, "mark", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            take()
    assert documents.place_of(source, NAME).exists()
    assert len(list(source.incoming_documents.iterdir())) == 1

    assert take() == [("D-1", True, None)]
    assert list(source.incoming_documents.iterdir()) == []


@pytest.mark.parametrize("step", ["_copy", "sync_folder", "drop_kept"])
def test_a_worker_killed_at_any_step_loses_nothing(receive, words, put, take, source, monkeypatch, step):
    put()
    receive(named(words, document(words, "D-1")))
    with monkeypatch.context() as patched:
        patched.setattr(documents, step, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            take()

    assert take() == [("D-1", True, None)]
    assert documents.place_of(source, NAME).read_bytes() == PDF
    assert [each.name for each in source.root.glob("documents/part/*")] == []


def test_a_half_that_a_killed_worker_left_goes_after_an_hour(receive, words, put, take, source):
    folder = source.root / "documents" / "part"
    folder.mkdir(parents=True)
    for name, age in (("old", 7200), ("new", 60)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age, time.time() - age))
    put()
    receive(named(words, document(words, "D-1")))
    take()

    assert [each.name for each in folder.iterdir()] == ["new"]


def test_another_file_that_came_meanwhile_is_not_called_arrived(receive, words, put, take, rows, tenant, monkeypatch):
    put()
    receive(named(words, document(words, "D-1")))
    look = documents.take

    def changing(*words_):
        trouble = look(*words_)
        with tenant.session() as session:
            session.execute(text("UPDATE documents SET sha256 = repeat('b', 64)"))
        return trouble

    with monkeypatch.context() as patched:
        patched.setattr(documents, "take", changing)
        assert take() == [("D-1", False, DocumentTrouble.MISSING)]


def test_the_largest_one_is_taken_in_flat_memory(receive, words, put, take):
    large = PDF + b"x" * (LARGEST_DOCUMENT - len(PDF))
    receive(named(words, document(words, "D-1", large)))
    put(large)
    del large
    tracemalloc.start()
    try:
        assert take() == [("D-1", True, None)]
        assert tracemalloc.get_traced_memory()[1] < 5 * 1024**2
    finally:
        tracemalloc.stop()


def test_what_a_finance_system_prints_is_read_in_the_portal(tenant, source, lay, report, take, bells, rows):
    """The simulator, from its books to the shelf: exports and documents as they come."""
    ledger = ("--ledger", str(source.root / "books.sqlite"))
    simulate("seed", *ledger, "--gmina", CODE, "--name", "Gmina Lipowo", "--payers", "2", "--today", "2026-11-23")
    simulate("export", *ledger, "--gmina", f"{CODE}={source.root}", "--kind", "full")
    (file,) = source.incoming.glob("*.xml")
    run_id = lay(file.read_bytes(), file.name)
    read_file(tenant, run_id)

    named = report(run_id).counts["documents"]["new"]
    assert (named, report(run_id).totals["documents"]) == (7, 7)
    assert bells() == 1
    assert [(arrived, trouble) for _, arrived, trouble in take()] == [(True, None)] * named
    ((sha256,),) = rows(
        "SELECT sha256 FROM documents d JOIN receivables r ON r.id = d.receivable_id WHERE r.external_id = 'N-000001'"
    )
    assert documents.place_of(source, sha256).read_bytes().startswith(b"%PDF-1.4")
