"""Two things at the same moment: each sees what the other made of it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

from sqlalchemy import event, func, select

from skarbnik.money import Money
from skarbnik.payments.models import MerchantAccount, PaymentOrder
from skarbnik.payments.services import keep_notification, open_transaction, record_report
from skarbnik.payments.states import PaymentOrderState
from skarbnik.plugin_api import GatewayReport, NotificationHint, RawNotification, TransactionState
from skarbnik.testing.factories import InstalmentFactory, MerchantAccountFactory, TransactionFactory, bound_to


def test_an_attempt_that_fails_does_not_undo_what_another_paid_at_the_same_moment(tenant):
    with tenant.session() as session, bound_to(session):
        paid = TransactionFactory(started=True)
        failed = TransactionFactory(
            started=True, order=paid.order, merchant_account=paid.merchant_account, amount=paid.amount
        )
    report = GatewayReport(paid.id, "EXT-1", paid.amount, "PLN")
    refusal = GatewayReport(failed.id, "EXT-2", Money(0), "PLN", TransactionState.REJECTED)

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
        account = MerchantAccountFactory(creditor_account=instalment.receivable.kind.creditor_account)

    with tenant.session() as slow:
        seen = slow.get_one(PaymentOrder, order.id)
        with tenant.session() as quick:
            quick.get_one(PaymentOrder, order.id).state = PaymentOrderState.PARTLY_PAID
        open_transaction(slow, seen, slow.get_one(MerchantAccount, account.id))

    with tenant.session() as session:
        assert session.get_one(PaymentOrder, order.id).state is PaymentOrderState.PARTLY_PAID


def test_two_notifications_that_bring_the_gateways_number_at_once_do_not_block_each_other(tenant, clean):
    with tenant.session() as session, bound_to(session):
        transaction = TransactionFactory()
    both = Barrier(2)

    def meet(connection, cursor, statement, *_rest):
        if statement.startswith("INSERT INTO notifications"):
            with suppress(BrokenBarrierError):  # one that waits for the other never comes here
                both.wait(0.5)

    def keep(key):
        with tenant.session() as session:
            account = session.get_one(MerchantAccount, transaction.merchant_account_id)
            return keep_notification(
                session, account, NotificationHint(key, transaction.id, "EXT-1"), RawNotification({}, b"{}")
            )

    event.listen(clean.instance.engine, "after_cursor_execute", meet)
    try:
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(keep, ("pending", "completed"))) == [True, True]
    finally:
        event.remove(clean.instance.engine, "after_cursor_execute", meet)
