"""A system that keeps no list of operations says up to which batch its balances hold our bookings."""

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import event, select, update

from skarbnik.exchange.batches import apply_acknowledgement, make_batch
from skarbnik.exchange.included import check_included, mark_included
from skarbnik.money import Money
from skarbnik.payments.bookings import release_booking
from skarbnik.payments.models import BookingLine
from skarbnik.payments.queries import left_to_pay
from skarbnik.payments.services import record_report
from skarbnik.plugin_api import AcknowledgedLine, Acknowledgement
from skarbnik.testing.factories import OfficialFactory, SourceFactory, TransactionFactory, report_on
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

CODE = "PL-LIPOWO"
SYSTEM = PumaFinanceSystem(PumaSettings(tenant_code=CODE))


@pytest.fixture
def source(session):
    return SourceFactory(tenant_code=CODE)


@pytest.fixture
def send(session, source):
    """`send(2)`: money came for so many instalments and went out in one batch."""

    def make(number):
        for _ in range(number):
            transaction = TransactionFactory(started=True)
            record_report(session, transaction.id, report_on(transaction, f"EXT-{uuid4()}"))
        return make_batch(session, source.id, SYSTEM)

    return make


@pytest.fixture
def answer(session, source):
    """`answer(batch, refused=1)`: the first lines are refused, the others booked."""

    def take(batch, refused=0):
        ids = session.scalars(
            select(BookingLine.id).where(BookingLine.sent_at == batch.made_at).order_by(BookingLine.id)
        ).all()
        lines = [
            AcknowledgedLine(each, None, None, "Rata rozliczona w kasie")
            if place < refused
            else AcknowledgedLine(each, f"WB {place}", date(2026, 11, 23), None)
            for place, each in enumerate(ids)
        ]
        apply_acknowledgement(session, source, Acknowledgement(batch.number, CODE, None, tuple(lines)))
        return ids

    return take


def seen(session):
    session.flush()
    session.expire_all()
    return set(session.scalars(select(BookingLine.id).where(BookingLine.seen_at.is_not(None))))


def codes(problems):
    return [problem.code for problem in problems]


def test_booked_lines_of_the_batches_named_are_in_the_balance_and_no_others(session, source, send, answer):
    first = answer(send(2))
    second = answer(send(1))

    assert check_included(session, source, 1) == []
    assert mark_included(session, source, 1) == 2
    assert seen(session) == set(first)
    assert mark_included(session, source, 1) == 0
    assert mark_included(session, source, 2) == 1
    assert seen(session) == {*first, *second}


def test_what_is_in_the_balance_is_no_longer_taken_from_it(session, source, send, answer):
    (booking_id,) = answer(send(1))
    line = session.get_one(BookingLine, booking_id)
    instalment = line.order_line.instalment
    instalment.principal -= line.principal
    assert left_to_pay(session, [instalment])[instalment.id].total == Money(0)
    instalment.principal = Money(4_000)

    mark_included(session, source, 1)

    assert left_to_pay(session, [instalment])[instalment.id].principal == Money(4_000)


def test_a_batch_without_an_answer_cannot_be_in_the_balance(session, source, send, answer):
    answer(send(1))
    send(1)

    assert check_included(session, source, 0) == check_included(session, source, 1) == []
    assert codes(check_included(session, source, 2)) == ["batch-not-answered"]


def test_a_batch_nobody_sent_cannot_be_in_the_balance(session, source):
    (problem,) = check_included(session, source, 1)

    assert problem.code == "batch-not-answered"
    assert "paczka nr 1" in problem.message


def test_a_batch_that_was_in_the_balance_does_not_go_out_of_it(session, source, send, answer):
    answer(send(1))
    answer(send(1))
    mark_included(session, source, 2)

    assert codes(check_included(session, source, 1)) == ["batches-taken-back"]
    assert check_included(session, source, 2) == []


def test_a_refused_line_is_in_the_balance_with_the_batch_that_booked_it(session, source, send, answer):
    refused, booked = answer(send(2), refused=1)
    release_booking(session, refused, user_id=OfficialFactory().id)
    answer(make_batch(session, source.id, SYSTEM))

    mark_included(session, source, 1)
    assert seen(session) == {booked}
    mark_included(session, source, 2)
    assert seen(session) == {booked, refused}


def test_a_line_that_was_booked_after_all_is_in_the_balance_of_the_next_file(session, source, send, answer):
    batch = send(2)
    mended, booked = answer(batch, refused=1)
    answer(send(1))
    mark_included(session, source, 2)
    assert mended not in seen(session)

    answer(batch)
    assert codes(check_included(session, source, 1)) == ["batches-taken-back"]
    assert mark_included(session, source, 2) == 1
    assert {mended, booked} <= seen(session)


def test_a_batch_of_which_everything_was_refused_is_included_too(session, source, send, answer):
    answer(send(1), refused=1)
    mark_included(session, source, 1)

    assert codes(check_included(session, source, 0)) == ["batches-taken-back"]


def test_what_was_included_before_is_not_looked_at_again(session, source, send, answer):
    """Years of batches cost a file nothing: their lines are not read."""
    for _ in range(3):
        answer(send(1))
        mark_included(session, source, source.last_batch)
    answer(send(1))
    session.execute(update(BookingLine).values(seen_at=None))  # to see which ones it asks for

    assert check_included(session, source, 4) == []
    assert mark_included(session, source, 4) == 1


def test_an_answer_that_mends_locks_its_source_before_bookings_and_once(session, source, send, answer):
    """As who makes batches does: a line it mends may be on its way into the next one."""
    batch = send(3)
    answer(batch, refused=3)
    locks = []

    @event.listens_for(session.connection(), "before_cursor_execute")
    def look(connection, cursor, statement, *words):
        if "FOR " in statement and "UPDATE" in statement.rpartition("FOR ")[2]:
            locks.append(statement.partition("FROM ")[2].split()[0])

    answer(batch)
    assert locks == ["booking_batches", "sources", "booking_lines"]
