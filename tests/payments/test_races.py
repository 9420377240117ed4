"""Two things at the same moment: each sees what the other made of it."""

from sqlalchemy import func, select

from skarbnik.money import Money
from skarbnik.payments.models import PaymentOrder
from skarbnik.payments.services import record_report
from skarbnik.payments.states import PaymentOrderState
from skarbnik.plugin_api import GatewayReport, TransactionState
from skarbnik.testing.factories import TransactionFactory, bound_to


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
