"""Two things at once: one import waits for another, a payer waits for an import, and both are served."""

import threading
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from skarbnik.exchange import imports, tasks
from skarbnik.exchange.models import Source
from skarbnik.exchange.sources import set_source
from skarbnik.exchange.states import RunState
from skarbnik.money import Amounts, Money
from skarbnik.outbox import Again
from skarbnik.payments.ordering import BasketChanged, Chosen, order_payment
from skarbnik.receivables.models import Instalment


@pytest.fixture
def filled(receive, words, tenant):
    receive(words.Export(receivables=(words.receivable("R-1", words.liability("P-1"), words.instalment("I-1")),)))
    with tenant.session() as session:
        return session.scalars(select(Instalment)).one()


def test_files_are_read_in_the_order_they_came(filled, lay, words, tenant, report):
    second, third = (lay(words.Export(number=number, kind="incremental").body()) for number in (2, 3))

    assert isinstance(tasks.read_file(tenant, third), Again)
    assert report(third).finished_at is None
    assert tasks.read_file(tenant, second) is None
    assert tasks.read_file(tenant, third) is None
    assert [report(each).state for each in (second, third)] == [RunState.APPLIED, RunState.APPLIED]


def test_an_import_that_finds_another_at_work_comes_back_later(filled, lay, words, tenant, report, checksum):
    run_id, before = lay(words.Export(number=2, payers=(words.payer("P-1", "Nowa"),)).body()), checksum()
    with tenant.session() as other:
        imports._lock_source(other, "puma")
        answer = tasks.read_file(tenant, run_id)

    assert isinstance(answer, Again)
    assert report(run_id).finished_at is None
    assert {name: sum_ for name, sum_ in checksum().items() if before[name] != sum_} == {}
    assert tasks.read_file(tenant, run_id) is None
    assert report(run_id).state is RunState.APPLIED


def test_the_same_file_read_by_two_workers_is_applied_once(filled, lay, words, tenant, report, rows):
    run_id = lay(words.Export(number=2, overpayments=(words.overpayment("NP-1", "P-1", "5.00"),)).body())
    start = threading.Barrier(2)

    def read():
        start.wait()
        tasks.read_file(tenant, run_id)

    workers = [threading.Thread(target=read) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert report(run_id).state is RunState.APPLIED
    assert rows("SELECT count(*) FROM overpayments") == [(1,)]
    assert rows("SELECT last_import FROM sources") == [(2,)]


def order(tenant, instalment, principal=10_000):
    with tenant.session() as session:
        payer_id = session.scalar(text("SELECT id FROM payers"))
        return order_payment(
            session,
            request_key=uuid4(),
            payer_id=payer_id,
            user_id=None,
            chosen=[Chosen(instalment.id, Amounts(Money(principal)))],
            email=None,
            language="pl",
        )


@pytest.fixture
def paused(monkeypatch):
    """An import stops when it has written everything and before it commits, until it is told to go on."""
    reached, go_on = threading.Event(), threading.Event()
    real = imports.mark_seen

    def pause(session, run_id):
        reached.set()
        assert go_on.wait(20)
        return real(session, run_id)

    monkeypatch.setattr(imports, "mark_seen", pause)
    return reached, go_on


@pytest.mark.parametrize(("principal", "succeeds"), [("100.00", True), ("70.00", False)])
def test_who_orders_during_an_import_waits_and_gets_what_is_true_then(
    filled, lay, words, tenant, paused, report, principal, succeeds
):
    reached, go_on = paused
    changed = words.instalment("I-1", principal, number=2)  # the row changes in any case, its amount perhaps
    receivable = words.receivable("R-1", words.liability("P-1"), changed)
    run_id = lay(words.Export(number=2, receivables=(receivable,)).body())
    reading = threading.Thread(target=tasks.read_file, args=(tenant, run_id))
    reading.start()
    assert reached.wait(20)
    outcome = []

    def click():
        try:
            outcome.append(order(tenant, filled).amount)
        except BasketChanged as changed:
            outcome.append(changed)

    payer = threading.Thread(target=click)
    payer.start()
    payer.join(0.5)
    assert payer.is_alive()  # it waits
    go_on.set()
    reading.join()
    payer.join(20)

    assert report(run_id).state is RunState.APPLIED
    if succeeds:
        assert outcome == [Money(10_000)]
    else:
        assert isinstance(outcome[0], BasketChanged)
        assert order(tenant, filled, 7_000).amount == Money(7_000)


@pytest.mark.parametrize("kind", ["full", "incremental"])
def test_an_import_closes_instalments_in_the_order_payments_lock_them(receive, lay, words, tenant, report, kind):
    """The row with the lower id lies behind the other, in the table and its indexes: as they lie is the wrong order."""
    owner, parts = words.liability("P-1"), (words.instalment("I-2", number=2), words.instalment("I-1"))
    receive(words.Export(receivables=(words.receivable("R-1", owner, *parts), words.receivable("R-2", owner))))
    with tenant.session() as session:
        low, high = session.scalars(select(Instalment).order_by(Instalment.id))
        for name in ("R-2", "R-1"):
            moved = "UPDATE instalments SET receivable_id = (SELECT id FROM receivables WHERE external_id = :name)"
            session.execute(text(f"{moved} WHERE id = :id"), {"name": name, "id": low.id})
    empty = words.receivable("R-1", owner), words.receivable("R-2", owner)
    run_id = lay(words.Export(number=2, kind=kind, receivables=empty).body())
    reading = threading.Thread(target=tasks.read_file, args=(tenant, run_id))

    with tenant.session() as payer:
        lock = select(Instalment.id).with_for_update()
        payer.execute(lock.where(Instalment.id == low.id))
        reading.start()
        reading.join(1)
        payer.execute(text("SET LOCAL lock_timeout = '2s'"))
        payer.execute(lock.where(Instalment.id == high.id))
    reading.join(20)

    assert report(run_id).state is RunState.APPLIED
    assert report(run_id).counts["instalments"] == {"closed": 2}


def test_a_page_is_read_during_an_import_without_waiting(filled, lay, words, tenant, paused, rows):
    reached, go_on = paused
    run_id = lay(words.Export(number=2, receivables=()).body())
    reading = threading.Thread(target=tasks.read_file, args=(tenant, run_id))
    reading.start()
    assert reached.wait(20)

    assert rows("SELECT count(*) FROM instalments WHERE closed_at IS NULL") == [(1,)]
    go_on.set()
    reading.join()
    assert rows("SELECT count(*) FROM instalments WHERE closed_at IS NULL") == [(0,)]


def test_an_import_locks_its_source_before_bookings_as_who_makes_batches_does(filled, lay, words, tenant, paused, rows):
    """Else each could wait for the other, and a whole file would be read once more."""
    reached, go_on = paused
    run_id = lay(words.Export(number=2).body())
    reading = threading.Thread(target=tasks.read_file, args=(tenant, run_id))
    reading.start()
    assert reached.wait(20)

    free = rows("SELECT id FROM sources FOR NO KEY UPDATE SKIP LOCKED")
    go_on.set()
    reading.join()
    assert free == []
    assert rows("SELECT id FROM sources FOR NO KEY UPDATE SKIP LOCKED") == [("puma",)]


def test_whoever_sets_hours_or_makes_a_batch_does_not_wait_for_an_import(filled, lay, words, tenant, rows, monkeypatch):
    run_id, done = lay(words.Export(number=2).body()), []

    def meanwhile():
        with tenant.session() as session:
            done.append(set_source(session, "puma", hours="03:15", most_closing=40))
            session.scalars(select(Source).with_for_update(key_share=True)).one().last_batch += 1

    def others_work(*_):
        if not done:
            other = threading.Thread(target=meanwhile, daemon=True)
            other.start()
            other.join(timeout=5)

    monkeypatch.setattr(imports, "_find_too_much", others_work)
    assert tasks.read_file(tenant, run_id) is None

    assert done == [True]
    assert rows("SELECT hours, most_closing, last_import, last_batch FROM sources") == [("03:15", 40, 2, 1)]
