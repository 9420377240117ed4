"""The rules of money: captured once, never refused, never lost between two payers."""

import pytest
from sqlalchemy import func, select

from skarbnik import clock
from skarbnik.money import Money
from skarbnik.payments.models import BookingLine, Capture, Difference
from skarbnik.payments.queries import left_to_pay
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, CaptureState, PaymentOrderState
from skarbnik.testing.factories import InstalmentFactory, TransactionFactory, report_on


def test_a_repeated_answer_of_the_gateway_is_captured_once(session):
    transaction = TransactionFactory(started=True, amount=Money(10_000))

    record_report(session, transaction.id, report_on(transaction))
    record_report(session, transaction.id, report_on(transaction))

    assert session.scalar(select(func.count()).select_from(Capture)) == 1
    assert session.scalar(select(func.count()).select_from(BookingLine)) == 1
    assert transaction.order.state is PaymentOrderState.PAID


def test_captured_money_lowers_what_is_left_before_the_finance_system_knows(session):
    instalment = InstalmentFactory()
    transaction = TransactionFactory(started=True, instalment=instalment)

    record_report(session, transaction.id, report_on(transaction))

    assert left_to_pay(session, [instalment])[instalment.id].total == Money(0)


def test_two_co_owners_paying_at_once_leave_the_second_payment_in_suspense(session):
    instalment = InstalmentFactory()
    first = TransactionFactory(started=True, instalment=instalment)
    second = TransactionFactory(started=True, instalment=instalment)

    record_report(session, first.id, report_on(first, "EXT-1"))
    record_report(session, second.id, report_on(second, "EXT-2"))

    states = session.scalars(select(BookingLine.state).order_by(BookingLine.recorded_at)).all()
    assert states == [BookingState.WAITING, BookingState.IN_SUSPENSE]
    assert session.scalars(select(Difference.kind)).all() == ["overpaid"]


def test_money_of_another_amount_is_kept_in_suspense_and_shown(session):
    transaction = TransactionFactory(started=True)

    record_report(session, transaction.id, report_on(transaction, amount=Money(9_999)))

    capture = session.scalars(select(Capture)).one()
    assert (capture.state, capture.reason, capture.amount) == (CaptureState.IN_SUSPENSE, "amount", Money(9_999))
    assert session.scalars(select(Difference.kind)).all() == ["capture_in_suspense"]


@pytest.mark.parametrize("merchant", ["", "999999"])
def test_money_that_does_not_say_it_came_to_this_merchant_account_waits_for_a_person(session, merchant):
    transaction = TransactionFactory(started=True)

    record_report(session, transaction.id, report_on(transaction, merchant=merchant))

    capture = session.scalars(select(Capture)).one()
    assert (capture.state, capture.reason, capture.amount) == (CaptureState.IN_SUSPENSE, "merchant", Money(10_000))


def test_money_for_an_instalment_that_was_closed_meanwhile_waits_for_a_person(session):
    instalment = InstalmentFactory()
    transaction = TransactionFactory(started=True, instalment=instalment)
    instalment.closed_at = clock.now()

    record_report(session, transaction.id, report_on(transaction))

    booking = session.scalars(select(BookingLine)).one()
    assert (booking.state, booking.reason) == (BookingState.IN_SUSPENSE, "closed")
    assert session.scalars(select(Difference.kind)).all() == ["closed"]


def test_money_is_kept_however_long_the_gateways_words_are(session):
    transaction = TransactionFactory(started=True)

    record_report(session, transaction.id, report_on(transaction, method="M" * 300, payment_id="9" * 300))

    assert session.scalars(select(Capture.method)).one() == "M" * 40
