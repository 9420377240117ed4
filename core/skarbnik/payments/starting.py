"""Sending somebody to a gateway: our id first, then the call, then what came of it. Three steps, no overlap."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy.orm import Session, joinedload, selectinload

from skarbnik import clock
from skarbnik.errors import ExternalSystemError, OutcomeUnknown
from skarbnik.payments import ordering, services
from skarbnik.payments.gateways import ask_gateway, open_gateway
from skarbnik.payments.models import MerchantAccount, PaymentOrder, Transaction
from skarbnik.payments.queries import OPEN_TRANSACTIONS
from skarbnik.plugin_api import (
    BlikRefused,
    Capability,
    GatewayReport,
    PaymentGateway,
    PaymentItem,
    PaymentRequest,
    TransactionKey,
    TransactionState,
)
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()


@dataclass(frozen=True)
class Caller:
    """Who pays, as far as a gateway asks for it."""

    ip: str = "127.0.0.1"
    agent: str | None = None
    blik_code: str | None = field(default=None, repr=False)  # kept nowhere


def payment_request(
    tenant: Tenant, session: Session, transaction: Transaction, *, caller: Caller | None = None
) -> PaymentRequest:
    """What the gateway is told. No personal data but the e-mail the payer gave for the confirmation."""
    caller = caller or Caller()
    order = session.get_one(PaymentOrder, transaction.order_id, options=[selectinload(PaymentOrder.lines)])
    account: MerchantAccount = transaction.merchant_account
    gateway_type = tenant.instance.plugins.gateways[account.gateway]
    return PaymentRequest(
        transaction_id=transaction.id,
        amount=transaction.amount,
        currency="PLN",
        title=f"{tenant.name}, {order.number}"[:140],
        items=tuple(
            PaymentItem(name=line.title[:140], amount=line.amounts.total) for line in ordering.lines_of(order, account)
        ),
        payer_email=order.email,
        payer_ip=caller.ip,
        language=order.language,
        notify_url=notify_url(tenant, account),
        return_url=tenant.url(return_path(order)),
        valid_for=gateway_type.time_limit,
        payer_agent=caller.agent,
        blik_code=caller.blik_code,
    )


def notify_url(tenant: Tenant, account: MerchantAccount) -> str:
    """Where the gateway tells of payments and refunds of a merchant account."""
    return tenant.url(f"/hooks/payments/{account.gateway}/{account.hook_secret}")


def return_path(order: PaymentOrder) -> str:
    """Where a gateway sends whoever paid. It is told this address and keeps it: the secret of a link is never in it."""
    if order.return_secret is None:
        return f"/payments/{order.number}"
    return f"/pay/back/{order.number}/{order.return_secret}"


def settle_open(tenant: Tenant, order: PaymentOrder) -> None:
    """Before another attempt: ask what became of attempts whose time is over, and give up those nobody paid.

    A second attempt while the first can still be paid is how a debt is paid twice.
    """
    for transaction in order.transactions:
        gateway_type = tenant.instance.plugins.gateways.get(transaction.merchant_account.gateway)
        if transaction.state not in OPEN_TRANSACTIONS or transaction.external_id is None or gateway_type is None:
            continue
        if transaction.redirect_url is not None and clock.now() < transaction.created_at + gateway_type.time_limit:
            continue
        if transaction.is_blik and clock.now() < transaction.created_at + ordering.BLIK_TIME:
            continue
        try:
            report = _give_up(tenant, transaction, gateway_type)
        except ExternalSystemError as error:
            log.info("gateway.silent", transaction=str(transaction.id), error=type(error).__name__)
            continue
        with tenant.session() as session:
            services.record_report(session, transaction.id, report)
            if Capability.CANCEL not in gateway_type.capabilities:
                services.mark_run_out(session, transaction.id, report)


def _give_up(tenant: Tenant, transaction: Transaction, gateway_type: type[PaymentGateway]) -> GatewayReport:
    key = TransactionKey(transaction.id, transaction.external_id, transaction.amount, "PLN")
    if Capability.CANCEL in gateway_type.capabilities:
        return ask_gateway(tenant, transaction, lambda gateway: gateway.cancel(key))
    return ask_gateway(tenant, transaction, lambda gateway: gateway.fetch(key))


def start(tenant: Tenant, transaction_id: UUID, *, caller: Caller) -> Transaction:
    """Register a committed transaction with its gateway and keep the answer. The state says what came of it."""
    with tenant.session() as session:
        transaction = session.get_one(Transaction, transaction_id, options=[joinedload(Transaction.merchant_account)])
        if transaction.is_blik and not _is_first(session, transaction):
            return transaction
        request = payment_request(tenant, session, transaction, caller=caller)
    try:
        gateway = open_gateway(tenant, transaction.merchant_account, transaction.settings_version)
        started = gateway.start(request)
    except BlikRefused as error:
        log.info("blik.refused", transaction=str(transaction_id), problem=error.problem)
        with tenant.session() as session:
            services.mark_not_started(
                session, transaction_id, answer=f"blik {error.problem}", external_id=error.external_id
            )
    except OutcomeUnknown as error:
        log.warning("gateway.unknown", transaction=str(transaction_id), error=type(error).__name__)
        with tenant.session() as session:
            services.mark_unknown(session, transaction_id, answer="timeout")
    except ExternalSystemError as error:
        log.warning("gateway.refused", transaction=str(transaction_id), error=type(error).__name__)
        with tenant.session() as session:
            services.mark_not_started(session, transaction_id, answer=type(error).__name__)
    else:
        with tenant.session() as session:
            services.mark_started(
                session, transaction_id, external_id=started.external_id, redirect_url=started.redirect_url
            )
    with tenant.session() as session:
        return session.get_one(Transaction, transaction_id, options=[joinedload(Transaction.order)])


def _is_first(session: Session, transaction: Transaction) -> bool:
    """A code pays once: of two who send the same form only the first calls the gateway. From here on the outcome is
    unknown, whatever becomes of us."""
    locked = services.lock_transaction(session, transaction.id)
    if locked.state is not TransactionState.CREATED:
        return False
    locked.move_to(TransactionState.UNKNOWN)
    return True
