"""What nobody needs any more goes at night, and what a run still needs stays, whatever its age."""

import os
from datetime import timedelta
from uuid import uuid4

import pytest

from skarbnik import clock
from skarbnik.db import new_id
from skarbnik.exchange import imports, sweeping, tasks, uploads
from skarbnik.exchange.models import ImportRun, Origin, Source
from skarbnik.exchange.states import RunState
from skarbnik.exchange.sweeping import NOBODYS_FOR, PARTS_FOR, TRIED_FOR

NOBODY = "0193a000-0000-7000-8000-000000000000"  # a run that never was
A_LITTLE = timedelta(minutes=1)


@pytest.fixture
def sweep(tenant):
    """`sweep(age)`: the night that comes so much later."""

    def go(after=timedelta(0)):
        with clock.stopped_at(clock.now() + after):
            return sweeping.sweep(tenant, "puma")

    return go


@pytest.fixture
def tried(tenant, source, words):
    """The run of a file that was only tried, and kept for whoever wants it applied."""
    run_id, name = new_id(), "puma-export-000001.xml"
    (source.root / "reading" / f"{run_id} {name}").write_bytes(words.Export().body())
    with tenant.session() as session:
        found = session.get_one(Source, "puma")
        imports.register_run(session, found, name, run_id=run_id, origin=Origin.UPLOAD, dry=True)
    tasks.read_file(tenant, run_id)
    return run_id


def kept(source, way):
    return [path.name for path in (source.root / way).iterdir()]


def test_a_tried_file_is_kept_for_a_week_to_be_applied_and_no_longer(tenant, source, tried, sweep):
    assert sweep(TRIED_FOR - A_LITTLE) == 0
    assert len(kept(source, "tried")) == 1

    assert sweep(TRIED_FOR + A_LITTLE) == 1
    assert kept(source, "tried") == []
    with pytest.raises(uploads.NotFound), tenant.session() as session:
        uploads.apply_tried(session, source, tried, user_id=uuid4())


def test_a_tried_file_that_is_being_applied_goes_and_its_second_name_is_read(tenant, source, tried, sweep, report):
    with tenant.session() as session:
        again = uploads.apply_tried(session, source, tried, user_id=uuid4())
    sweep(3 * TRIED_FOR)

    assert kept(source, "tried") == []
    tasks.read_file(tenant, again.id)
    assert report(again.id).state is RunState.APPLIED


@pytest.mark.parametrize("state", [RunState.WAITING, RunState.RUNNING, RunState.HELD])
def test_what_a_run_still_needs_is_never_touched(tenant, source, lay, words, sweep, report, state):
    run_id = lay(words.Export().body())
    source.take(report(run_id).file_name, str(run_id))
    with tenant.session() as session:
        session.get_one(ImportRun, run_id).state = state

    assert sweep(timedelta(days=400)) == 0
    assert len(kept(source, "reading")) == 1


@pytest.mark.parametrize("name", [f"{NOBODY} puma-export-000009.xml", f"{NOBODY}.part", "of nobody"])
def test_what_was_laid_for_nobody_goes_after_a_day(source, sweep, name):
    (source.root / "reading" / name).write_bytes(b"<export>")

    assert sweep(NOBODYS_FOR - A_LITTLE) == 0
    assert sweep(NOBODYS_FOR + A_LITTLE) == 1
    assert kept(source, "reading") == []


def test_no_sender_makes_a_file_look_older_than_it_is(source, sweep):
    path = source.root / "reading" / f"{uuid4()} puma-export-000009.xml"
    path.write_bytes(b"<export>")
    os.utime(path, (0, 0))

    assert sweep() == 0


def test_a_read_file_whose_worker_was_killed_before_it_put_it_away_is_put_away(tenant, source, lay, words, sweep):
    run_id = lay(words.Export().body())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(imports, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            tasks.read_file(tenant, run_id)
    assert len(kept(source, "reading")) == 1

    assert sweep() == 0
    assert (len(kept(source, "reading")), len(kept(source, "done"))) == (0, 1)


def test_the_part_of_a_file_that_is_not_fetched_any_more_goes_and_the_lock_stays(source, sweep):
    (source.root / "fetching" / "lock").touch()
    source.part_of("a" * 64).write_bytes(b"<export>")

    assert sweep(PARTS_FOR - A_LITTLE) == 0
    assert sweep(PARTS_FOR + A_LITTLE) == 1
    assert kept(source, "fetching") == ["lock"]


def test_a_night_that_was_cut_short_is_finished_by_the_next(source, sweep, monkeypatch):
    for _ in range(3):
        (source.root / "reading" / f"{uuid4()} a.xml").touch()
    unlink = sweeping._drop
    with monkeypatch.context() as patched:
        patched.setattr(sweeping, "_drop", lambda *words: unlink(*words) and (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sweep(2 * NOBODYS_FOR)

    assert sweep(2 * NOBODYS_FOR) == 2
    assert kept(source, "reading") == []


def test_half_of_a_document_that_nobody_continues_goes_too(source, sweep):
    folder = source.root / "documents" / "part"
    folder.mkdir(parents=True)
    (folder / f"{'a' * 64}.fetched").touch()
    os.utime(folder / f"{'a' * 64}.fetched", (0, 0))

    sweep()
    assert list(folder.iterdir()) == []
