"""Paying a part of an instalment: ordered, captured, booked; and the rest after it."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.money import ZERO, Amounts, Money
from skarbnik.payments.models import BookingLine, Capture, PaymentOrder
from skarbnik.payments.ordering import (
    BasketChanged,
    Chosen,
    NotInParts,
    open_transaction,
    order_payment,
)
from skarbnik.payments.queries import get_order, left_to_pay, rest_of
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, PaymentOrderState
from skarbnik.payments.suspense import book_capture
from skarbnik.plugin_api import Regime, TransactionState
from skarbnik.receivables.models import InterestMode
from skarbnik.testing.factories import (
    InstalmentFactory,
    KindFactory,
    MerchantAccountFactory,
    OfficialFactory,
    PayerFactory,
    ReceivableFactory,
    report_on,
)


@pytest.fixture
def payer(session):
    return PayerFactory()


@pytest.fixture
def owed(session, payer):
    """1 000,00 of principal and 90,00 of interest of a tax that may be paid in parts."""

    def make(regime=Regime.TAX, *, in_parts=True, **words):
        kind = KindFactory(regime=regime, in_parts=in_parts)
        amounts = {"principal": Money(100_000), "interest": Money(9_000)} | words
        return InstalmentFactory(receivable=ReceivableFactory(kind=kind), payer=payer, **amounts)

    return make


@pytest.fixture
def order(session, payer):
    def make(instalment, part, **words):
        left = left_to_pay(session, [instalment])[instalment.id]
        words = {"request_key": uuid4(), "payer_id": payer.id, "user_id": None, "email": None, "language": "pl"} | words
        made = order_payment(session, chosen=[Chosen(instalment.id, left, part)], **words)
        session.refresh(made)
        return made

    return make


@pytest.fixture
def pay(session):
    """Pay an order, or say what else the gateway answered."""

    def make(order, instalment, **more):
        account = MerchantAccountFactory(creditor_account=instalment.receivable.kind.creditor_account)
        transaction = open_transaction(session, order, account)
        record_report(session, transaction.id, report_on(transaction, uuid4().hex, **more))
        session.refresh(order)
        return transaction

    return make


def left(session, instalment):
    return left_to_pay(session, [instalment])[instalment.id]


def test_a_part_of_a_tax_is_ordered_as_the_law_divides_it(session, order, owed):
    made = order(owed(), Money(10_900))

    (line,) = made.lines
    assert made.amount == Money(10_900)
    assert line.amounts == Amounts(Money(10_000), Money(900))
    assert line.is_part
    assert "(część)" in line.title


def test_all_of_it_is_no_part(session, order, owed):
    (line,) = order(owed(), Money(109_000)).lines

    assert (line.is_part, line.amounts.total) == (False, Money(109_000))
    assert "część" not in line.title


@pytest.mark.parametrize("part", [0, -1, 99, 109_001])
def test_less_than_a_zloty_or_more_than_is_left_is_not_ordered(session, order, owed, part):
    with pytest.raises(NotInParts):
        order(owed(), Money(part))
    assert session.scalars(select(PaymentOrder)).all() == []


def test_a_kind_that_takes_no_parts_is_paid_whole(session, order, owed):
    with pytest.raises(NotInParts):
        order(owed(in_parts=False), Money(10_000))


def test_civil_interest_that_is_computed_here_is_not_paid_in_parts(session, order, owed):
    """It is paid before the principal, and the portal would ask for it again the next day."""
    instalment = owed(Regime.CIVIL)
    assert order(instalment, Money(10_000)).lines[0].amounts == Amounts(Money(1_000), Money(9_000))
    instalment.receivable.kind.interest = InterestMode.COMPUTED
    session.flush()

    with pytest.raises(NotInParts):
        order(instalment, Money(10_000))


def test_what_was_shown_to_be_left_must_still_be_left_also_for_a_part(session, owed, payer):
    instalment = owed()
    shown = replace(instalment.balance, principal=Money(99_999))
    words = {"request_key": uuid4(), "payer_id": payer.id, "user_id": None, "email": None, "language": "pl"}

    with pytest.raises(BasketChanged):
        order_payment(session, chosen=[Chosen(instalment.id, shown, Money(10_000))], **words)


def test_a_captured_part_is_one_booking_of_that_part_and_the_rest_is_left(session, order, owed, pay):
    instalment = owed()
    made = order(instalment, Money(10_900))
    pay(made, instalment)

    assert made.state is PaymentOrderState.PAID
    (booking,) = session.scalars(select(BookingLine))
    assert (booking.amounts, booking.state) == (Amounts(Money(10_000), Money(900)), BookingState.WAITING)
    assert left(session, instalment) == Amounts(Money(90_000), Money(8_100))


def test_the_rest_is_ordered_and_paid_to_the_last_grosz(session, order, owed, pay):
    instalment = owed()
    for part in (Money(33_333), Money(100), Money(44_444), None):
        pay(order(instalment, part), instalment)

    assert left(session, instalment) == Amounts()
    bookings = session.scalars(select(BookingLine)).all()
    assert Amounts.sum(each.amounts for each in bookings) == Amounts(Money(100_000), Money(9_000))
    assert {each.state for each in bookings} == {BookingState.WAITING}


def test_a_part_after_which_nothing_changed_is_paid_again_when_the_first_attempt_failed(session, order, owed, pay):
    instalment = owed()
    made = order(instalment, Money(10_900))
    pay(made, instalment, state=TransactionState.REJECTED)
    assert made.state is PaymentOrderState.ABANDONED

    pay(made, instalment)
    assert made.state is PaymentOrderState.PAID


def test_no_attempt_begins_for_a_part_that_would_be_divided_otherwise_now(session, order, owed, pay):
    """A co-owner paid meanwhile, and the proportion is another one by a grosz."""
    instalment = owed(principal=Money(100_003), interest=Money(9_001))
    mine, theirs = order(instalment, Money(10_900)), order(instalment, Money(33_337))
    pay(theirs, instalment)
    instalment.interest = Money(5_000)
    session.flush()

    with pytest.raises(BasketChanged):
        open_transaction(
            session, mine, MerchantAccountFactory(creditor_account=instalment.receivable.kind.creditor_account)
        )


def test_no_attempt_begins_for_a_part_of_a_kind_that_takes_none_since(session, order, owed):
    instalment = owed()
    made = order(instalment, Money(10_900))
    instalment.receivable.kind.in_parts = False
    session.flush()

    with pytest.raises(BasketChanged):
        open_transaction(
            session, made, MerchantAccountFactory(creditor_account=instalment.receivable.kind.creditor_account)
        )


def test_two_parts_of_co_owners_that_fit_together_are_both_booked(session, order, owed):
    instalment = owed()
    account = MerchantAccountFactory(creditor_account=instalment.receivable.kind.creditor_account)
    attempts = [open_transaction(session, order(instalment, part), account) for part in (Money(50_000), Money(59_000))]
    for transaction in attempts:
        record_report(session, transaction.id, report_on(transaction, uuid4().hex))

    assert {each.state for each in session.scalars(select(BookingLine))} == {BookingState.WAITING}
    assert left(session, instalment).total == ZERO


def test_two_parts_that_do_not_fit_together_leave_the_second_to_a_person(session, order, owed):
    instalment = owed()
    account = MerchantAccountFactory(creditor_account=instalment.receivable.kind.creditor_account)
    attempts = [open_transaction(session, order(instalment, part), account) for part in (Money(80_000), Money(80_000))]
    for transaction in attempts:
        record_report(session, transaction.id, report_on(transaction, uuid4().hex))

    states = session.scalars(select(BookingLine.state).order_by(BookingLine.recorded_at)).all()
    assert states == [BookingState.WAITING, BookingState.IN_SUSPENSE]
    assert left(session, instalment).total == Money(29_000)


def test_two_civil_parts_at_once_do_not_pay_the_interest_twice(session, order, owed):
    """Interest comes first (art. 451 § 1 Kodeksu cywilnego); once it is paid, the other part pays the principal."""
    instalment = owed(Regime.CIVIL)
    account = MerchantAccountFactory(creditor_account=instalment.receivable.kind.creditor_account)
    attempts = [open_transaction(session, order(instalment, part), account) for part in (Money(50_000), Money(40_000))]
    for transaction in attempts:
        record_report(session, transaction.id, report_on(transaction, uuid4().hex))

    bookings = session.scalars(select(BookingLine)).all()
    assert Amounts.sum(each.amounts for each in bookings) == Amounts(Money(81_000), Money(9_000))
    assert {each.state for each in bookings} == {BookingState.WAITING}
    assert left(session, instalment) == Amounts(Money(19_000))


def test_a_part_that_was_paid_twice_is_left_to_a_person(session, order, owed):
    """Whoever wanted to pay a part once did not want to pay the next one."""
    instalment = owed()
    made = order(instalment, Money(10_900))
    account = MerchantAccountFactory(creditor_account=instalment.receivable.kind.creditor_account)
    first = open_transaction(session, made, account)
    record_report(session, first.id, report_on(first, uuid4().hex, state=TransactionState.REJECTED))
    second = open_transaction(session, made, account)
    for transaction in (second, first):
        record_report(session, transaction.id, report_on(transaction, uuid4().hex))

    states = session.scalars(select(BookingLine.state).order_by(BookingLine.recorded_at)).all()
    assert states == [BookingState.WAITING, BookingState.IN_SUSPENSE]
    assert left(session, instalment).total == Money(98_100)


def test_no_attempt_begins_for_a_part_that_money_was_put_on_already(session, owed, payer):
    """An official put too little money on the lines as far as it went: the part is paid, and the rest is another's."""
    first = owed(principal=Money(20_000), interest=ZERO)
    second = InstalmentFactory(receivable=first.receivable, principal=Money(20_000), number=2)
    words = {"request_key": uuid4(), "payer_id": payer.id, "user_id": None, "email": None, "language": "pl"}
    chosen = [Chosen(each.id, each.balance, Money(10_000)) for each in (first, second)]
    made = order_payment(session, chosen=chosen, **words)
    session.refresh(made)
    account = MerchantAccountFactory(creditor_account=first.receivable.kind.creditor_account)
    transaction = open_transaction(session, made, account)
    record_report(session, transaction.id, report_on(transaction, uuid4().hex, Money(12_000)))
    book_capture(session, session.scalars(select(Capture.id)).one(), user_id=OfficialFactory().id)
    session.refresh(made)
    assert rest_of(get_order(session, made.number)) == Money(8_000)

    with pytest.raises(BasketChanged):
        open_transaction(session, made, account)


def test_computed_tax_interest_of_the_rest_is_that_of_the_rest_of_the_principal(session, order, owed, pay):
    """Nothing of the interest that was paid in proportion is asked for again."""
    instalment = owed(due_on=clock.today() - timedelta(days=365), interest=ZERO)
    instalment.receivable.kind.interest = InterestMode.COMPUTED
    session.flush()
    before = left(session, instalment)
    pay(order(instalment, Money(before.total.grosze // 2)), instalment)

    after = left(session, instalment)
    assert after.principal == Money(100_000) - session.scalars(select(BookingLine)).one().principal
    assert abs(after.interest.grosze - before.interest.grosze // 2) <= 100  # in whole złote, art. 63 § 1


def test_the_same_form_orders_a_part_once(session, order, owed):
    instalment, key = owed(), uuid4()

    assert order(instalment, Money(10_900), request_key=key).id == order(instalment, Money(10_900), request_key=key).id
