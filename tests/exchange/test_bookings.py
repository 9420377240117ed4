"""Money that came is handed over once, in bytes that never change, and what is answered is kept line by line."""

import hashlib
from dataclasses import replace
from io import BytesIO
from uuid import uuid4

import pytest
from lxml import etree
from sqlalchemy import select
from tests.exchange.corpus import good
from tests.exchange.corpus.good import Portal

from skarbnik import clock
from skarbnik.errors import BrokenFile
from skarbnik.exchange import batches, tasks, uploads
from skarbnik.exchange.models import BatchLine, BatchState, BookingBatch, ImportRun, Origin, Source
from skarbnik.exchange.states import RunState
from skarbnik.money import Money
from skarbnik.payments.bookings import mark_seen
from skarbnik.payments.models import BookingLine, Difference
from skarbnik.payments.queries import left_to_pay
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState
from skarbnik.plugin_api import AcknowledgedLine, Acknowledgement, OperationKind, Role
from skarbnik.receivables.models import Instalment, Operation
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    OfficialFactory,
    TransactionFactory,
    bound_to,
    report_on,
)
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

CODE = "PL-LIPOWO"
PUMA = PumaFinanceSystem(PumaSettings(tenant_code=CODE))


@pytest.fixture
def paid(source, tenant):
    """Money came for three instalments."""
    with tenant.session() as session, bound_to(session):
        for number in range(3):
            transaction = TransactionFactory(started=True, instalment=InstalmentFactory())
            report = report_on(transaction, f"E-{number}")
            record_report(session, transaction.id, report)


@pytest.fixture
def batch(paid, tenant):
    with tenant.session() as session:
        return batches.make_batch(session, "puma", PUMA)


def lines_in(tenant):
    with tenant.session() as session:
        return session.scalars(select(BookingLine).order_by(BookingLine.id)).all()


def answer(batch, lines, *, refuse=(), **changes):
    said = tuple(
        AcknowledgedLine(line.id, None, None, "Rata jest zamknięta")
        if line.id in refuse
        else AcknowledgedLine(line.id, f"WB {number}/2026", clock.today(), None)
        for number, line in enumerate(lines)
    )
    return replace(Acknowledgement(batch.number, CODE, batch.sha256, said), **changes)


def apply(tenant, said):
    with tenant.session() as session:
        return batches.apply_acknowledgement(session, session.get_one(Source, "puma"), said)


def test_a_trial_of_an_answer_counts_its_lines_and_books_none(batch, tenant, source):
    portal = Portal(batch=batch.number, sha256=batch.sha256)
    body = good.answer(portal, *(good.booked(str(line.id)) for line in lines_in(tenant)))
    laid = uploads.lay(source, "puma-ack-000001.xml", BytesIO(body))
    with tenant.session() as session:
        found = session.get_one(Source, "puma")
        run = uploads.register(session, source, found, laid, origin=Origin.UPLOAD, dry=True)

    tasks.read_file(tenant, run.id)

    with tenant.session() as session:
        tried = session.get_one(ImportRun, run.id)
    assert (tried.state, tried.counts) == (
        RunState.TRIED,
        {"bookings": {"booked": len(lines_in(tenant)), "refused": 0}},
    )
    assert {line.state for line in lines_in(tenant)} == {BookingState.SENT}
    with tenant.session() as session:
        uploads.apply_tried(session, source, run.id, user_id=uuid4())
        again = session.scalars(select(ImportRun.id).where(ImportRun.finished_at.is_(None))).one()
    tasks.read_file(tenant, again)
    assert {line.state for line in lines_in(tenant)} == {BookingState.BOOKED}


def test_each_waiting_line_is_in_exactly_one_batch(paid, tenant):
    tasks.make_batches(tenant, uuid4())
    tasks.make_batches(tenant, uuid4())

    with tenant.session() as session:
        assert session.scalars(select(BookingBatch.number)).all() == [1]
        assert sorted(session.scalars(select(BatchLine.booking_line_id))) == [line.id for line in lines_in(tenant)]
    assert {line.state for line in lines_in(tenant)} == {BookingState.SENT}


def test_more_than_a_batch_holds_goes_into_the_next(paid, tenant, monkeypatch):
    monkeypatch.setattr(batches, "LARGEST_BATCH", 2)
    tasks.make_batches(tenant, uuid4())

    with tenant.session() as session:
        found = session.execute(
            select(BookingBatch.number, BatchLine.booking_line_id).join(
                BatchLine, BatchLine.batch_id == BookingBatch.id
            )
        ).all()
    assert sorted(number for number, _line in found) == [1, 1, 2]
    assert len({line for _number, line in found}) == 3


def test_a_batch_names_every_booking_with_its_parts(batch, tenant):
    document = etree.fromstring(batch.content)
    named = {node.get("id") or node.get("booking") for node in document.iter() if node.get("id") or node.get("booking")}

    assert {str(line.id) for line in lines_in(tenant)} <= named
    assert hashlib.sha256(batch.content).hexdigest() == batch.sha256


def test_a_batch_delivered_again_is_the_same_file_with_the_same_bytes(batch, tenant, source):
    delivered = []
    for _ in range(3):
        tasks.deliver_batch(tenant, batch.id)
        (path,) = source.outgoing.iterdir()
        delivered.append((path.name, path.read_bytes()))
        path.unlink()

    assert set(delivered) == {(batch.file_name, batch.content)}
    with tenant.session() as session:
        assert session.get_one(BookingBatch, batch.id).state is BatchState.DELIVERED


def test_money_in_suspense_is_not_handed_over(paid, tenant):
    with tenant.session() as session, bound_to(session):
        instalment = session.scalars(select(Instalment).limit(1)).one()
        late = TransactionFactory(started=True, instalment=instalment)
        record_report(session, late.id, report_on(late, "E-9"))
    tasks.make_batches(tenant, uuid4())

    assert sorted(line.state for line in lines_in(tenant)) == ["in_suspense", "sent", "sent", "sent"]


def test_an_answer_books_each_line_with_its_reference(batch, tenant):
    lines = lines_in(tenant)

    assert apply(tenant, answer(batch, lines)) == {"booked": 3, "refused": 0}
    assert [(line.state, line.reference) for line in lines_in(tenant)] == [
        (BookingState.BOOKED, f"WB {number}/2026") for number in range(3)
    ]


def test_an_answer_of_who_cannot_compute_a_digest_is_judged_by_the_bookings_it_names(batch, tenant):
    lines = lines_in(tenant)
    with pytest.raises(BrokenFile):
        apply(tenant, answer(batch, lines[1:], sha256=None))

    assert apply(tenant, answer(batch, lines, sha256=None)) == {"booked": 3, "refused": 0}


def test_an_answer_that_comes_again_changes_nothing(batch, tenant, checksum):
    said = answer(batch, lines_in(tenant), refuse={lines_in(tenant)[0].id})
    apply(tenant, said)
    before = {name: found for name, found in checksum().items() if name != "audit_entries"}
    apply(tenant, said)

    assert {name: found for name, found in checksum().items() if name != "audit_entries"} == before


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "0" * 64},
        {"batch_number": 2},
        {"tenant_code": "PL-DEBINA"},
        {"lines": ()},
        "one line less",
        "a stranger",
    ],
)
def test_an_answer_to_something_else_is_refused(batch, tenant, checksum, changes):
    lines = lines_in(tenant)
    said = answer(batch, lines)
    if changes == "one line less":
        changes = {"lines": said.lines[1:]}
    elif changes == "a stranger":
        changes = {"lines": (*said.lines, AcknowledgedLine(uuid4(), "WB 9", clock.today(), None))}
    before = checksum()
    with pytest.raises(BrokenFile):
        apply(tenant, replace(said, **changes))

    assert checksum() == before


def test_a_refused_line_becomes_a_difference_and_an_accountant_sends_it_again(batch, tenant, browse):
    lines = lines_in(tenant)
    apply(tenant, answer(batch, lines, refuse={lines[1].id}))
    with tenant.session() as session, bound_to(session):
        (difference,) = session.scalars(select(Difference))
        assert (difference.kind, difference.subject_id) == ("booking_refused", lines[1].id)
        clerk = OfficialFactory(has_roles=[Role.ACCOUNTANT])
        auditor = OfficialFactory(has_roles=[Role.AUDITOR])
    looking = browse("lipowo")
    looking.sign_in(auditor.email, PASSWORD, office=True)
    assert "Rata jest zamknięta" in looking.get("/office/differences").text
    assert looking.post(f"/office/differences/{lines[1].id}/book").status_code == 404

    browser = browse("lipowo")
    browser.sign_in(clerk.email, PASSWORD, office=True)
    browser.get("/office/differences")
    assert browser.post(f"/office/differences/{lines[1].id}/book").status_code == 303
    tasks.make_batches(tenant, uuid4())

    with tenant.session() as session:
        (closed,) = session.scalars(select(Difference))
        assert (closed.closed_by, closed.resolution) == (clerk.id, "released")
        assert session.scalars(select(BookingBatch.number).order_by(BookingBatch.number)).all() == [1, 2]
        assert session.get_one(BookingLine, lines[1].id).state is BookingState.SENT


def test_a_decision_about_nothing_is_not_found_and_a_second_one_is_a_conflict(batch, tenant, browse):
    with tenant.session() as session, bound_to(session):
        clerk = OfficialFactory(has_roles=[Role.ACCOUNTANT])
    browser = browse("lipowo")
    browser.sign_in(clerk.email, PASSWORD, office=True)
    browser.get("/office/differences")

    assert browser.post(f"/office/differences/{uuid4()}/book").status_code == 404
    assert browser.post(f"/office/differences/{lines_in(tenant)[0].id}/book").status_code == 409


@pytest.fixture
def echo(tenant):
    """An operation of an import: `echo(line)` names our booking, `echo(line, named=False)` only looks like it."""

    def put(line, *, named=True):
        run_id = uuid4()
        with tenant.session() as session:
            instalment = session.get_one(Instalment, line.instalment_id)
            session.add(
                Operation(
                    source="puma", external_id=f"O-{uuid4()}", receivable_id=instalment.receivable_id,
                    instalment_id=instalment.id, kind=OperationKind.PAYMENT, booked_on=clock.today(),
                    happened_on=clock.today(), document="WB 7/2026", principal=-line.principal, interest=Money(0),
                    costs=Money(0), booking_id=line.id if named else None, digest=uuid4(), run_id=run_id,
                )
            )  # fmt: skip
            instalment.principal = max(instalment.principal - line.principal, Money(0))
            session.flush()
            return mark_seen(session, run_id)

    return put


def left(tenant, line):
    with tenant.session() as session:
        instalment = session.get_one(Instalment, line.instalment_id)
        return left_to_pay(session, [instalment])[instalment.id].total


def test_the_echo_of_our_id_closes_a_booking_and_nothing_else_does(batch, tenant, echo):
    line = lines_in(tenant)[0]
    assert echo(line, named=False) == 0
    assert lines_in(tenant)[0].seen_at is None

    assert echo(line) == 1
    assert [each.seen_at is not None for each in lines_in(tenant)] == [True, False, False]
    assert (lines_in(tenant)[0].state, lines_in(tenant)[0].reference) == (BookingState.BOOKED, "WB 7/2026")


def test_money_is_subtracted_once_before_and_after_its_echo(batch, tenant, echo):
    line = lines_in(tenant)[0]
    assert left(tenant, line) == Money(0)
    echo(line)
    assert left(tenant, line) == Money(0)


def test_an_echo_that_comes_before_the_answer_is_not_undone_by_it(batch, tenant, echo):
    lines = lines_in(tenant)
    echo(lines[0])
    apply(tenant, answer(batch, lines, refuse={lines[0].id}))

    assert lines_in(tenant)[0].state is BookingState.BOOKED
    with tenant.session() as session:
        assert session.scalars(select(Difference)).all() == []
