"""Sending money back through gateways, and asking what became of it. No transaction is open while we talk to them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.orm import joinedload

from skarbnik import clock
from skarbnik.errors import ExternalSystemError, Misconfigured, NotFound, NotKnown, Refused
from skarbnik.outbox import Again
from skarbnik.payments import refunds
from skarbnik.payments.gateways import ask_gateway
from skarbnik.payments.models import Capture, MerchantAccount, Refund, Transaction
from skarbnik.payments.starting import notify_url
from skarbnik.payments.states import AT_THE_GATEWAY, RefundStage
from skarbnik.plugin_api import PaymentGateway, RefundKey, RefundReport, RefundRequest, TransactionKey
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

ASKED_AT_ONCE = 5  # times after a notification, which the gateway's own answer may lag behind


def refund(tenant: Tenant, refund_id: UUID) -> Again | None:
    """Send an approved refund to its gateway and ask until it is done or refused; after a month a person is told."""
    found = _ask_once(tenant, refund_id)
    again_at = refunds.next_refund_question(found)
    if again_at is not None:
        return Again(again_at)
    if found.state in AT_THE_GATEWAY:
        with tenant.session() as session:
            refunds.mark_refund_unanswered(session, refund_id)
    return None


def refund_notified(tenant: Tenant, refund_id: UUID) -> Again | None:
    """News of a refund came, or a person wants to know: ask now, and a few times more."""
    found = _ask_once(tenant, refund_id)
    if found.state not in AT_THE_GATEWAY or found.asked_times > ASKED_AT_ONCE:
        return None
    return Again(clock.now() + timedelta(seconds=5 * found.asked_times))


def _ask_once(tenant: Tenant, refund_id: UUID) -> Refund:
    with tenant.session() as session:
        account = joinedload(Refund.capture).joinedload(Capture.transaction).joinedload(Transaction.merchant_account)
        found = session.get_one(
            Refund,
            refund_id,
            options=[
                account.joinedload(MerchantAccount.creditor_account),
                joinedload(Refund.capture).joinedload(Capture.transaction).joinedload(Transaction.order),
            ],
        )
    if found.state not in {*AT_THE_GATEWAY, RefundStage.REJECTED}:
        return found
    transaction = found.capture.transaction
    request = _request(tenant, found)
    try:
        report = ask_gateway(tenant, transaction, lambda gateway: _find_out(gateway, found, request))
    except Refused as error:
        log.warning("refund.refused", refund=str(refund_id), error=type(error).__name__)
        with tenant.session() as session:
            return refunds.mark_refund_refused(session, refund_id, answer=str(error))
    except (ExternalSystemError, NotFound) as error:
        log.info("gateway.silent", refund=str(refund_id), error=type(error).__name__)
        with tenant.session() as session:
            return refunds.note_refund_silence(session, refund_id, answer=type(error).__name__)
    with tenant.session() as session:
        return refunds.record_refund_report(session, refund_id, report)


def _request(tenant: Tenant, found: Refund) -> RefundRequest:
    """What the gateway is told, which the payer may read on a statement: the number of the order, and no reason."""
    transaction = found.capture.transaction
    key = TransactionKey(transaction.id, found.capture.external_id, transaction.amount, found.capture.currency)
    return RefundRequest(
        refund_id=found.id,
        transaction=key,
        amount=found.amount,
        reason=f"Zwrot {transaction.order.number}",
        notify_url=notify_url(tenant, transaction.merchant_account),
    )


def _find_out(gateway: PaymentGateway, found: Refund, request: RefundRequest) -> RefundReport:
    """Send it, and send it again with the same id where it is not known whether the gateway has it.

    A refusal is believed only when the gateway says that it does not have it: an earlier call may have arrived, and
    used up what could go back. Whoever is silent about it is asked again.
    """
    key = RefundKey(found.id, found.external_id, request.transaction)
    if found.state is not RefundStage.APPROVED:  # the gateway has it, or had its last word
        return _fetch(gateway, key)
    if found.asked_times:
        try:
            return _fetch(gateway, key)
        except Misconfigured:
            raise
        except ExternalSystemError as error:
            log.info("refund.not_found", refund=str(found.id), error=type(error).__name__)
    try:
        return gateway.refund(request)
    except Refused as refusal:
        try:
            return _fetch(gateway, key)
        except NotKnown:
            raise refusal from None


def _fetch(gateway: PaymentGateway, key: RefundKey) -> RefundReport:
    """A gateway that will not say what became of a refund has not refused the refund."""
    try:
        return gateway.fetch_refund(key)
    except Refused as error:
        raise ExternalSystemError(f"asked about a refund it said {error}") from error
