"""Files over HTTP: fetched once, continued where they were cut, never read when something is wrong with them."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from tests.exchange.remote import CODE, TOKEN, Puma

from skarbnik import clock, http, outbox
from skarbnik.errands import Runner
from skarbnik.exchange import fetching, spool, systems, tasks
from skarbnik.exchange.models import BatchState, BookingBatch, ImportRun, Origin, Source
from skarbnik.exchange.sources import connect_source
from skarbnik.exchange.states import RunState
from skarbnik.exchange.systems import spool_of
from skarbnik.outbox import Again
from skarbnik.payers.models import Payer
from skarbnik.payments.models import BookingLine
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, PaymentOrderState
from skarbnik.receivables.models import Instalment
from skarbnik.tenancy.plugin_settings import store_settings
from skarbnik.testing.factories import (
    OrderLineFactory,
    PaymentOrderFactory,
    TransactionFactory,
    bound_to,
    report_on,
)
from skarbnik_puma.settings import PumaSettings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def puma(tmp_path):
    puma = Puma(tmp_path)
    yield puma
    puma.stop()


@pytest.fixture
def connect(tenant, monkeypatch):
    """`connect(address)`: PUMA is asked there by Lipowo."""
    monkeypatch.setattr(systems, "_clients", {})
    monkeypatch.setattr(http, "READ_SECONDS", 1.0)

    def go(address, token=TOKEN, **changed):
        settings = PumaSettings(tenant_code=CODE, address=address, token=token)
        with tenant.session() as session:
            version = store_settings(session, tenant, "source:puma", settings)
            made = connect_source(
                session, "puma", plugin="puma", title="PUMA", tenant_code=CODE, settings_version=version,
                remote=bool(address),
            )  # fmt: skip
            for name, value in changed.items():
                setattr(made, name, value)
        return made

    return go


@pytest.fixture
def asked(tenant, puma, connect):
    """The source that is asked at the simulator."""
    return connect(puma.address)


@pytest.fixture
def ask(tenant):
    """Ask the source once. What a clerk is told when it goes wrong."""

    def go():
        with tenant.session() as session:
            source = session.get_one(Source, "puma")
        systems._clients.clear()  # a breaker that opened in the line before is not what is tested
        return fetching.fetch(tenant, source)

    return go


def runs(tenant):
    with tenant.session() as session:
        return list(session.scalars(select(ImportRun).order_by(ImportRun.id)))


def source_of(tenant):
    with tenant.session() as session:
        return session.get_one(Source, "puma")


def read_all(tenant):
    for run in runs(tenant):
        if run.finished_at is None:
            assert tasks.read_file(tenant, run.id) is None
    return [run.state for run in runs(tenant)]


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
    start, ends = threading.Barrier(2), []
    real = fetching._fetch_file

    def slowly(*args):
        time.sleep(0.5)
        real(*args)

    monkeypatch.setattr(fetching, "_fetch_file", slowly)

    def work():
        start.wait()
        try:
            ends.append(fetching.fetch(tenant, asked))
        except spool.Busy:
            ends.append("busy")

    workers = [threading.Thread(target=work) for _ in range(2)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()

    assert sorted(map(str, ends)) == ["None", "busy"]
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


def test_files_are_registered_while_an_import_holds_the_source(tenant, puma, asked, ask):
    puma.export()
    with tenant.session() as other:
        other.scalars(select(Source).with_for_update(key_share=True)).one()
        assert ask() is None
        assert tasks.fetch(tenant, asked.fetch_key).at > clock.now()
    assert len(runs(tenant)) == 1


# The chain


def errands(lab, topic="exchange.fetch"):
    with lab.as_admin() as connection:
        return connection.execute(
            "SELECT subject_id, due_at FROM work.outbox WHERE topic = %s ORDER BY id", (topic,)
        ).fetchall()


def relay(lab, topic):
    """Run what is due, of that topic only."""
    with lab.instance.engine.begin() as connection:
        due = [each for each in outbox.claim(connection) if each.topic == topic]
    Runner(lab.instance).run([each.id for each in due])
    with lab.as_admin() as connection:
        connection.execute("UPDATE work.outbox SET lease_until = NULL")
    return len(due)


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
    connect(puma.address, hours="06:00 22:30")
    moment = datetime(2026, 11, 28, 10, tzinfo=UTC)
    with clock.stopped_at(moment):
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


# Batches


@pytest.fixture
def paid(tenant, puma, asked, ask):
    """Money came for an instalment of the imported file."""
    puma.export()
    ask()
    read_all(tenant)
    pay(tenant)
    return tenant


def pay(tenant):
    with tenant.session() as session, bound_to(session):
        instalment = session.scalars(select(Instalment).where(Instalment.external_id == "N-000002-3")).one()
        payer = session.scalars(select(Payer).where(Payer.external_id == "P-000001")).one()
        amount = instalment.principal + instalment.interest + instalment.costs
        order = PaymentOrderFactory(payer_id=payer.id, amount=amount, state=PaymentOrderState.STARTED)
        parts = {name: getattr(instalment, name) for name in ("principal", "interest", "costs")}
        account = instalment.receivable.kind.creditor_account_id
        OrderLineFactory(
            order=order, instalment=instalment, payer_id=payer.id, creditor_account_id=account, **parts
        )  # fmt: skip
        transaction = TransactionFactory(started=True, instalment=instalment, amount=amount, order=order)
        record_report(session, transaction.id, report_on(transaction, f"E-{uuid4()}"))


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


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)
