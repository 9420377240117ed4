"""An attempt at a gateway that can neither cancel nor say that time is over, and money it holds unconfirmed."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from skarbnik import clock
from skarbnik.money import Money
from skarbnik.payments import queries, starting
from skarbnik.payments.models import Capture, Difference, Transaction
from skarbnik.payments.services import mark_run_out, record_report
from skarbnik.payments.states import PaymentOrderState
from skarbnik.plugin_api import TransactionState
from skarbnik.testing.factories import MerchantAccountFactory, TransactionFactory, bound_to, report_on

PENDING = {"state": TransactionState.PENDING}


def differences(session):
    return session.execute(select(Difference.kind, Difference.amount)).all()


@pytest.mark.parametrize("other", [{"amount": Money(9_999)}, {"amount": Money(10_001)}, {"currency": "EUR"}])
def test_money_a_gateway_holds_and_nobody_confirmed_is_shown_once_and_not_captured(session, other):
    transaction = TransactionFactory(started=True)

    for _ in range(2):
        record_report(session, transaction.id, report_on(transaction, **PENDING, **other))

    assert differences(session) == [("payment_held", other.get("amount", Money(10_000)))]
    assert session.scalar(select(func.count()).select_from(Capture)) == 0
    assert transaction.state is TransactionState.PENDING


@pytest.mark.parametrize(
    ("report", "left"),
    [
        ({"state": TransactionState.REJECTED}, []),
        ({"state": TransactionState.COMPLETED, "amount": Money(9_999)}, ["capture_in_suspense"]),
        ({"state": TransactionState.UNKNOWN, "amount": Money(0)}, ["payment_held"]),
        ({"state": TransactionState.PENDING, "amount": Money(9_998)}, ["payment_held"]),
    ],
)
def test_what_was_decided_at_the_gateway_is_no_longer_to_be_decided_here(session, report, left):
    transaction = TransactionFactory(started=True)
    record_report(session, transaction.id, report_on(transaction, amount=Money(9_999), **PENDING))

    record_report(session, transaction.id, report_on(transaction, **report))

    assert session.scalars(select(Difference.kind).where(Difference.closed_at.is_(None))).all() == left


@pytest.mark.parametrize("amount", [Money(10_000), Money(0)])
def test_a_payment_nobody_paid_yet_is_nothing_to_decide(session, amount):
    transaction = TransactionFactory(started=True)

    record_report(session, transaction.id, report_on(transaction, amount=amount, **PENDING))

    assert differences(session) == []


def test_an_attempt_that_ran_out_ends_and_late_money_is_still_captured(session):
    transaction = TransactionFactory(started=True)

    mark_run_out(session, transaction.id, report_on(transaction, **PENDING))
    assert transaction.state is TransactionState.REJECTED
    assert transaction.order.state is PaymentOrderState.ABANDONED

    record_report(session, transaction.id, report_on(transaction))
    assert transaction.state is TransactionState.COMPLETED
    assert transaction.order.state is PaymentOrderState.PAID


def test_an_attempt_with_money_that_waits_for_a_person_does_not_end(session):
    transaction = TransactionFactory(started=True)

    mark_run_out(session, transaction.id, report_on(transaction, amount=Money(9_999), **PENDING))

    assert transaction.state is TransactionState.PENDING


def test_money_that_came_while_time_ran_out_is_not_undone(session):
    transaction = TransactionFactory(started=True)
    record_report(session, transaction.id, report_on(transaction))

    mark_run_out(session, transaction.id, report_on(transaction, **PENDING))

    assert transaction.state is TransactionState.COMPLETED


@pytest.fixture
def attempt(tenant, monkeypatch):
    """`attempt(gateway)`: an attempt there that nobody paid; its gateway only says that it has it."""

    def make(gateway):
        with tenant.session() as session, bound_to(session):
            account = MerchantAccountFactory(gateway=gateway)
            made = TransactionFactory(started=True, redirect_url="https://pay.example/", merchant_account=account)
            report = report_on(made, **PENDING)
        monkeypatch.setattr(starting, "ask_gateway", lambda tenant, transaction, question: report)
        return made

    return make


@pytest.mark.parametrize(
    ("gateway", "minutes", "state"),
    [
        ("przelewy24", 14, TransactionState.PENDING),
        ("przelewy24", 16, TransactionState.REJECTED),
        ("payu", 16, TransactionState.PENDING),
    ],
)
def test_before_another_attempt_the_old_one_ends_where_the_gateway_cannot_end_it(
    tenant, attempt, gateway, minutes, state
):
    made = attempt(gateway)
    with tenant.session() as session:
        order = queries.get_order(session, session.get_one(Transaction, made.id).order.number)

    with clock.stopped_at(clock.now() + timedelta(minutes=minutes)):
        starting.settle_open(tenant, order)

    with tenant.session() as session:
        assert session.get_one(Transaction, made.id).state is state
