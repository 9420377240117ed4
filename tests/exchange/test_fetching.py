"""Files over HTTP: fetched once, continued where they were cut, never read when something is wrong with them."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.exchange.remote import TOKEN, read_all, runs

from skarbnik import clock
from skarbnik.exchange import fetching, spool, tasks
from skarbnik.exchange.models import ImportProblem, ImportRun, Origin, Source
from skarbnik.exchange.states import RunState
from skarbnik.exchange.systems import spool_of
from skarbnik.testing.together import together

ROOT = Path(__file__).parents[2]


def test_what_is_offered_is_fetched_and_read_in_its_order_and_only_once(tenant, puma, asked, ask):
    files = [puma.export(), puma.export("full")]

    assert ask() is None
    assert [(run.origin, run.sha256, run.due_at) for run in runs(tenant)] == [
        (Origin.FETCH, hashlib.sha256(each).hexdigest(), None) for each in files
    ]
    assert read_all(tenant) == [RunState.APPLIED] * 2
    assert ask() is None
    assert len(runs(tenant)) == 2
    assert puma.served()["bytes"] == sum(map(len, files))
    left = {path.name for path in (spool_of(tenant, "puma").root / "fetching").iterdir()}
    assert left == {"lock"}


def test_a_refused_file_is_not_fetched_again_and_a_tried_one_is_fetched(tenant, puma, asked, ask):
    puma.faulty(wrong_totals=1)
    puma.export()
    ask()
    assert read_all(tenant) == [RunState.REFUSED]

    ask()
    assert len(runs(tenant)) == 1
    with tenant.session() as session:
        session.get_one(ImportRun, runs(tenant)[0].id).dry = True
        session.get_one(ImportRun, runs(tenant)[0].id).origin = Origin.UPLOAD
    ask()
    assert len(runs(tenant)) == 2


def test_a_file_before_which_one_was_missing_is_fetched_again_when_that_one_has_come(tenant, puma, asked, ask):
    puma.export("full")
    puma.export("full")
    ask()
    assert read_all(tenant) == [RunState.APPLIED] * 2
    with tenant.session() as session:  # as if the second had come while the first was on its way by hand
        second = session.get_one(ImportRun, runs(tenant)[1].id)
        second.state = RunState.REFUSED
        session.add(ImportProblem(run_id=second.id, position=0, code="missing-number", message="Brakuje pliku."))
        session.get_one(Source, "puma").last_import = 0
    ask()
    assert len(runs(tenant)) == 2  # the file before it has not come yet

    with tenant.session() as session:
        session.get_one(Source, "puma").last_import = 1
    ask()
    assert len(runs(tenant)) == 3


@pytest.mark.parametrize("place", [1, 20_000, -1])
def test_a_cut_file_is_continued_and_only_the_rest_comes_again(tenant, puma, asked, ask, place):
    content = puma.export()
    place = place if place > 0 else len(content) - 1
    puma.faulty(cut_at=place)

    assert ask() == "System nie odpowiada albo połączenie zostało przerwane."
    assert runs(tenant) == []
    assert ask() is None

    assert puma.served()["bytes"] == len(content)
    assert puma.served()["downloads"] == 2
    assert read_all(tenant) == [RunState.APPLIED]


def test_three_cuts_of_one_file_cost_no_byte_twice(tenant, puma, asked, ask):
    content = puma.export()
    for _ in range(3):
        puma.faulty(cut_at=len(content) // 4)
        assert ask() is not None
    assert ask() is None

    assert puma.served()["bytes"] == len(content)
    assert read_all(tenant) == [RunState.APPLIED]


def test_a_worker_killed_in_the_middle_leaves_a_part_that_is_continued(clean, tenant, puma, asked, ask, connect):
    content = puma.export()
    puma.faulty(drip=1)
    program = (
        "import sys\nfrom skarbnik.settings import read_settings\nfrom skarbnik.tenancy.instance import Instance\n"
        "from skarbnik.exchange.models import Source\nfrom skarbnik.exchange import fetching\n"
        "tenant = Instance(read_settings(), pool=2).registry.get_by_slug('lipowo')\n"
        "with tenant.session() as session:\n    source = session.get_one(Source, 'puma')\n"
        "fetching.fetch(tenant, source)\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=os.environ | clean.environment)
    part = spool_of(tenant, "puma").part_of(hashlib.sha256(content).hexdigest())
    wait_for(lambda: part.exists() and puma.served()["bytes"] >= 40)
    worker.send_signal(signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    had = part.stat().st_size
    puma.stop()  # it drips on for nobody

    assert runs(tenant) == []
    assert part.read_bytes() == content[:had]
    puma.serve()
    connect(puma.address)
    assert ask() is None
    assert puma.served()["bytes"] == len(content) - had
    assert read_all(tenant) == [RunState.APPLIED]


FAULTS = {
    "refuse_token": "System nie przyjmuje klucza dostępu (tokenu). Operator portalu musi sprawdzić ustawienia.",
    "fail": "System nie odpowiada albo połączenie zostało przerwane.",
    "redirect": "System odpowiada niezrozumiale. Trzeba powiadomić jego dostawcę.",
    "nonsense": "System odpowiada niezrozumiale. Trzeba powiadomić jego dostawcę.",
    "huge_list": "System odpowiada niezrozumiale. Trzeba powiadomić jego dostawcę.",
    "evil_name": "System odpowiada niezrozumiale. Trzeba powiadomić jego dostawcę.",
    "wrong_sha": "Plik puma-export-000001.xml został uszkodzony w drodze. Portal pobierze go od nowa.",
    "damage": "Plik puma-export-000001.xml został uszkodzony w drodze. Portal pobierze go od nowa.",
    "drip": "System nie odpowiada albo połączenie zostało przerwane.",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_day_is_told_to_a_clerk_and_the_next_one_is_good(tenant, puma, asked, ask, fault, capfd):
    content = puma.export()
    puma.faulty(**{fault: 1})

    told = ask()

    assert told == FAULTS[fault]
    assert len(told) <= 160
    assert runs(tenant) == []
    assert ask() is None
    assert read_all(tenant) == [RunState.APPLIED]
    assert [run.sha256 for run in runs(tenant)] == [hashlib.sha256(content).hexdigest()]
    shown = "".join(capfd.readouterr())
    assert TOKEN not in shown
    assert not list(spool_of(tenant, "puma").root.parent.glob("*.xml"))


@pytest.mark.parametrize(("fault", "told"), [("ignore_range", None), ("wrong_offset", FAULTS["nonsense"])])
def test_a_system_that_continues_wrongly_gives_the_file_anew(tenant, puma, asked, ask, fault, told):
    content = puma.export()
    puma.faulty(cut_at=9000)
    ask()
    puma.faulty(**{fault: 1})

    assert ask() == told
    assert ask() is None

    assert puma.served()["bytes"] >= 9000 + len(content)
    assert read_all(tenant) == [RunState.APPLIED]


def test_a_damaged_file_keeps_those_behind_it_for_the_next_time(tenant, puma, asked, ask):
    puma.export()
    puma.export("full")
    puma.faulty(damage=1)

    assert "puma-export-000001" in ask()
    assert runs(tenant) == []
    assert ask() is None
    assert read_all(tenant) == [RunState.APPLIED] * 2


def test_parts_of_what_is_not_offered_any_more_are_thrown_away(tenant, puma, asked, ask):
    part = spool_of(tenant, "puma").make().part_of("a" * 64)
    part.write_bytes(b"x")

    assert ask() is None
    assert not part.exists()


def test_a_disk_that_is_nearly_full_stops_before_the_download(tenant, puma, asked, ask, monkeypatch):
    puma.export()
    monkeypatch.setattr(spool, "RESERVE", 2**62)

    assert "miejsca na dysku" in ask()
    assert puma.served()["downloads"] == 0


def test_two_workers_at_once_do_not_fetch_twice(tenant, puma, asked, monkeypatch):
    content = puma.export()
    real = fetching._fetch_file

    def slowly(*args):
        time.sleep(0.5)
        real(*args)

    monkeypatch.setattr(fetching, "_fetch_file", slowly)

    def work():
        try:
            return fetching.fetch(tenant, asked)
        except spool.Busy:
            return "busy"

    assert sorted(map(str, together(work, work))) == ["None", "busy"]
    assert puma.served()["bytes"] == len(content)
    assert len(runs(tenant)) == 1


def test_a_wrong_address_or_token_is_told_and_nothing_shows_the_token(tenant, connect, ask, capfd, puma):
    connect("http://127.0.0.1:9/nobody")
    assert ask() == FAULTS["fail"]
    connect(puma.address, token="another-token-that-is-wrong")
    assert ask() == FAULTS["refuse_token"]
    connect(puma.address, token="")
    assert ask() == FAULTS["refuse_token"]
    shown = "".join(capfd.readouterr())
    assert TOKEN not in shown
    assert "another-token" not in shown


def test_files_are_registered_while_somebody_holds_the_row_of_the_source(tenant, puma, asked, ask):
    puma.export()
    with tenant.session() as other:
        other.scalars(select(Source).with_for_update(key_share=True)).one()
        assert ask() is None
        assert tasks.fetch(tenant, asked.fetch_key).at > clock.now()
    assert len(runs(tenant)) == 1


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)
