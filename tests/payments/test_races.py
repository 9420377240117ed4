"""Two things at the same moment: each sees what the other made of it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text

from skarbnik.errors import Conflict
from skarbnik.money import Money
from skarbnik.payments.models import MerchantAccount, Notification, PaymentOrder, Transaction
from skarbnik.payments.notifications import keep_notification
from skarbnik.payments.ordering import Chosen, open_transaction, order_payment
from skarbnik.payments.services import mark_started, record_report
from skarbnik.payments.states import PaymentOrderState
from skarbnik.plugin_api import NotificationHint, RawNotification, TransactionState
from skarbnik.testing.factories import (
    InstalmentFactory,
    LiabilityFactory,
    MerchantAccountFactory,
    PayerFactory,
    TransactionFactory,
    bound_to,
    report_on,
)


def test_an_attempt_that_fails_does_not_undo_what_another_paid_at_the_same_moment(tenant):
    with tenant.session() as session, bound_to(session):
        paid = TransactionFactory(started=True)
        failed = TransactionFactory(
            started=True, order=paid.order, merchant_account=paid.merchant_account, amount=paid.amount
        )
    report = report_on(paid)
    refusal = report_on(failed, "EXT-2", Money(0), state=TransactionState.REJECTED)

    with tenant.session() as slow:
        slow.get_one(PaymentOrder, paid.order_id)  # read before the money came
        with tenant.session() as quick:
            record_report(quick, paid.id, report)
        record_report(slow, failed.id, refusal)

    with tenant.session() as session:
        assert session.get_one(PaymentOrder, paid.order_id).state is PaymentOrderState.PAID
        assert session.scalar(select(func.count()).select_from(PaymentOrder)) == 1


def test_a_second_attempt_sees_the_part_that_was_paid_while_it_was_prepared(tenant):
    with tenant.session() as session, bound_to(session):
        instalment = InstalmentFactory()
        order = TransactionFactory(instalment=instalment).order
        order.state = PaymentOrderState.ABANDONED
        LiabilityFactory(receivable_id=instalment.receivable_id, payer_id=order.payer_id)
        account = MerchantAccountFactory(creditor_account=instalment.receivable.kind.creditor_account)

    with tenant.session() as slow:
        seen = slow.get_one(PaymentOrder, order.id)
        with tenant.session() as quick:
            quick.get_one(PaymentOrder, order.id).state = PaymentOrderState.PARTLY_PAID
        open_transaction(slow, seen, slow.get_one(MerchantAccount, account.id))

    with tenant.session() as session:
        assert session.get_one(PaymentOrder, order.id).state is PaymentOrderState.PARTLY_PAID


def test_a_form_sent_again_while_the_money_comes_in_waits_without_holding_what_the_money_needs(tenant):
    with tenant.session() as session, bound_to(session):
        instalment = InstalmentFactory(payer=PayerFactory())
        transaction = TransactionFactory(started=True, instalment=instalment)
        LiabilityFactory(receivable_id=instalment.receivable_id, payer_id=transaction.order.payer_id)
    ordered, captured = Event(), Event()

    def send_again():
        with tenant.session() as session:
            made = order_payment(
                session,
                request_key=transaction.order.request_key,
                payer_id=transaction.order.payer_id,
                user_id=None,
                chosen=[Chosen(instalment.id, instalment.balance)],
                email=None,
                language="pl",
            )
            ordered.set()
            assert captured.wait(10)
            account = session.get_one(MerchantAccount, transaction.merchant_account_id)
            with pytest.raises(Conflict, match="paid"):
                open_transaction(session, made, account)

    with ThreadPoolExecutor(1) as pool, tenant.session() as session:
        again = pool.submit(send_again)
        assert ordered.wait(10)
        session.execute(text("SET LOCAL lock_timeout = '2s'"))
        record_report(session, transaction.id, report_on(transaction))
        session.commit()
        captured.set()
        again.result(10)


def test_two_first_clicks_at_once_make_one_order(tenant):
    with tenant.session() as session, bound_to(session):
        payer = PayerFactory()
        instalment = InstalmentFactory(payer=payer)
    key, both = uuid4(), Barrier(2)

    def click(_):
        with tenant.session() as session:
            both.wait(10)
            return order_payment(
                session,
                request_key=key,
                payer_id=payer.id,
                user_id=None,
                chosen=[Chosen(instalment.id, instalment.balance)],
                email=None,
                language="pl",
            ).id

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(click, range(2))
    assert first == second


def test_two_notifications_that_bring_the_gateways_number_at_once_do_not_block_each_other(tenant):
    with tenant.session() as session, bound_to(session):
        transactions = [TransactionFactory() for _ in range(20)]
    both = Barrier(2, timeout=10)

    def keep(key):
        told = []
        for number, transaction in enumerate(transactions):
            hint = NotificationHint(key, transaction.id, f"EXT-{number}")
            both.wait()
            with tenant.session() as session:
                told.append(
                    keep_notification(session, transaction.merchant_account_id, hint, RawNotification({}, b"{}"))
                )
        return told

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(keep, ("pending", "completed"))) == [[True] * 20] * 2
    with tenant.session() as session:
        assert session.scalar(select(func.count()).select_from(Notification)) == 40


def test_two_who_pay_again_at_once_are_given_one_attempt(tenant):
    """Each looked before the other had made its own; two attempts could both be paid."""
    with tenant.session() as session, bound_to(session):
        instalment = InstalmentFactory()
        first = TransactionFactory(started=True, instalment=instalment)
        first.state = TransactionState.REJECTED
        first.order.state = PaymentOrderState.ABANDONED
        LiabilityFactory(receivable_id=instalment.receivable_id, payer_id=first.order.payer_id)
    barrier = Barrier(2, timeout=10)

    def again():
        with tenant.session() as session:
            order = session.get_one(PaymentOrder, first.order_id)
            account = session.get_one(MerchantAccount, first.merchant_account_id)
            barrier.wait()
            return open_transaction(session, order, account).id

    with ThreadPoolExecutor(2) as pool:
        one, other = (each.result() for each in [pool.submit(again), pool.submit(again)])

    assert one == other != first.id


def test_an_attempt_that_got_its_page_while_another_was_asked_for_is_gone_on_with_as_it_is(tenant):
    with tenant.session() as session, bound_to(session):
        first = TransactionFactory()
    with tenant.session() as slow:
        seen = slow.get_one(Transaction, first.id)
        order, account = seen.order, slow.get_one(MerchantAccount, first.merchant_account_id)
        with tenant.session() as quick:
            mark_started(quick, first.id, external_id="EXT-9", redirect_url="https://payu.example/?orderId=9")

        again = open_transaction(slow, order, account)

        assert (again.id, again.state) == (first.id, TransactionState.PENDING)
        assert again.redirect_url == "https://payu.example/?orderId=9"
