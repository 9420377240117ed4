"""Asking gateways. No transaction is open while we talk to them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.orm import joinedload

from skarbnik import clock
from skarbnik.errors import ExternalSystemError
from skarbnik.outbox import Again
from skarbnik.payments import services
from skarbnik.payments.gateways import ask_gateway
from skarbnik.payments.models import MerchantAccount, Transaction
from skarbnik.payments.starting import payment_request
from skarbnik.plugin_api import GatewayReport, PaymentGateway, PaymentRequest, TransactionKey, TransactionState
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()


def ask(tenant: Tenant, transaction_id: UUID) -> Again | None:
    """The poller: ask what became of a transaction, until it is captured or nobody will pay it any more."""
    transaction = _ask_once(tenant, transaction_id)
    again_at = services.next_question(transaction)
    return Again(again_at) if again_at is not None else None


def notified(tenant: Tenant, transaction_id: UUID) -> Again | None:
    """A notification came: ask now, and a few times more, since the gateway's answer may lag behind it."""
    transaction = _ask_once(tenant, transaction_id)
    if transaction.state is TransactionState.COMPLETED:
        return None
    if transaction.asked_times < 5 and transaction.state is not TransactionState.REJECTED:
        return Again(clock.now() + timedelta(seconds=5 * transaction.asked_times))
    return None


def _ask_once(tenant: Tenant, transaction_id: UUID) -> Transaction:
    with tenant.session() as session:
        transaction = session.get_one(
            Transaction,
            transaction_id,
            options=[joinedload(Transaction.merchant_account).joinedload(MerchantAccount.creditor_account)],
        )
        request = payment_request(tenant, session, transaction)
    if transaction.state is TransactionState.COMPLETED:
        return transaction
    try:
        report = ask_gateway(tenant, transaction, lambda gateway: _find_out(gateway, transaction, request))
    except ExternalSystemError as error:
        log.info("gateway.silent", transaction=str(transaction_id), error=type(error).__name__)
        with tenant.session() as session:
            services.note_silence(session, transaction_id, answer=type(error).__name__)
        return transaction
    with tenant.session() as session:
        return services.record_report(session, transaction_id, report)


def _find_out(gateway: PaymentGateway, transaction: Transaction, request: PaymentRequest) -> GatewayReport:
    """Ask by the gateway's id. Where the answer to `start` was lost, starting again with our id tells the gateway's:
    it either names what it already has, or makes what the first call did not, which nobody is sent to."""
    external_id = transaction.external_id
    key = TransactionKey(transaction.id, external_id, transaction.amount, "PLN")
    report = gateway.fetch(key)
    if external_id is None and report.state is TransactionState.UNKNOWN:
        started = gateway.start(request)
        report = gateway.fetch(TransactionKey(transaction.id, started.external_id, transaction.amount, "PLN"))
    return report
