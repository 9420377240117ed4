"""A settled day of the demo: payments of yesterday as two gateways tell them, with a little of what goes wrong.

Through the product's own services, at a clock that stands at yesterday. The simulators know nothing of these payments.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from skarbnik import clock
from skarbnik.db import TenantSession, new_id
from skarbnik.money import Money
from skarbnik.payers.models import Payer
from skarbnik.payments import differences, settlements
from skarbnik.payments.models import BookingLine, Capture, MerchantAccount, SettlementLine, SettlementOrigin
from skarbnik.payments.ordering import Chosen, open_transaction, order_payment
from skarbnik.payments.queries import left_to_pay
from skarbnik.payments.services import mark_started, record_report
from skarbnik.plugin_api import GatewayReport, SettlementKind
from skarbnik.plugin_api import SettlementLine as Told
from skarbnik.receivables.models import Instalment, Kind, Liability, Receivable
from skarbnik.tenancy.registry import Tenant

PAID = 5  # of each gateway
CAST = "P-000010"  # those before are who signs in: what they owe is theirs to pay


def seed_settled_day(tenant: Tenant) -> None:
    """Once: whoever seeds again finds it done."""
    with tenant.session() as session:
        if session.scalar(select(SettlementLine.id).limit(1)) is not None:
            return
        found = session.scalars(select(MerchantAccount).order_by(MerchantAccount.merchant.desc()))
        accounts = {each.gateway: each for each in found}  # the office's own, not its company's
        office = {name: accounts[name] for name in ("przelewy24", "payu") if name in accounts}
        noon = clock.start_of(clock.today() - timedelta(days=1)) + timedelta(hours=11)
        with clock.stopped_at(noon):
            paid = {name: _pay(session, account, noon) for name, account in office.items()}
        for name, account in office.items():
            if paid[name]:
                _tell(session, account, paid[name], noon)


def _pay(session: TenantSession, account: MerchantAccount, noon: datetime) -> list[Capture]:
    """Some people who owe one thing to this account pay it."""
    rows = session.execute(
        select(Instalment, Liability.payer_id)
        .join(Receivable, Receivable.id == Instalment.receivable_id)
        .join(Kind, Kind.id == Receivable.kind_id)
        .join(Liability, Liability.receivable_id == Receivable.id)
        .join(Payer, Payer.id == Liability.payer_id)
        .where(
            Kind.creditor_account_id == account.creditor_account_id,
            Kind.online.is_(True),
            Payer.external_id > CAST,
            Instalment.due_on > clock.today(),
            Instalment.principal > Money(0),
            Instalment.interest == Money(0),
            Instalment.closed_at.is_(None),
            Instalment.id.not_in(select(BookingLine.instalment_id)),
        )
        .distinct(Payer.external_id)
        .order_by(Payer.external_id, Instalment.id)
        .limit(3 * PAID)
    ).all()
    owed = {each.id: (each, payer_id) for each, payer_id in rows}  # co-owners owe the same thing
    return [_pay_one(session, account, each, payer_id, noon) for each, payer_id in list(owed.values())[:PAID]]


def _pay_one(
    session: TenantSession, account: MerchantAccount, owed: Instalment, payer: UUID, noon: datetime
) -> Capture:
    chosen = [Chosen(owed.id, left_to_pay(session, [owed])[owed.id])]
    order = order_payment(
        session, request_key=new_id(), payer_id=payer, user_id=None, chosen=chosen, email=None, language="pl"
    )
    session.refresh(order)
    transaction = open_transaction(session, order, account)
    number = transaction.id.hex
    mark_started(session, transaction.id, external_id=number, redirect_url=None)
    merchant = account.merchant
    said = GatewayReport(transaction.id, number, transaction.amount, "PLN", merchant=merchant, happened_at=noon)
    record_report(session, transaction.id, said)
    return session.scalars(select(Capture).where(Capture.transaction_id == transaction.id)).one()


def _tell(session: TenantSession, account: MerchantAccount, paid: list[Capture], noon: datetime) -> None:
    """Przelewy24 has a report: a payout, one wrong amount, a payment and a refund nobody knows here. PayU was asked."""
    kinds, has_report = SettlementKind, account.gateway == "przelewy24"
    lines = [
        Told(kinds.PAYMENT, each.external_id, each.amount, "PLN", noon, _fee(each.amount) if has_report else Money(0))
        for each in paid
    ]
    if has_report:
        first, second, *others = lines
        payout = Told(kinds.PAYOUT, "90017", Money.total(each.amount - each.fee for each in others), "PLN", noon)
        lines = [
            first,
            replace(second, amount=second.amount + Money(100)),
            *(replace(each, payout=payout.external_id) for each in others),
            payout,
            Told(kinds.PAYMENT, "4300000777", Money(15_000), "PLN", noon, Money(150)),
            Told(kinds.REFUND, "51", Money(-2_000), "PLN", noon, payment=first.external_id),
        ]
    origin = SettlementOrigin.REPORT if has_report else SettlementOrigin.ASKED
    settlements.keep(session, account.id, lines, origin)
    settlements.note_told(session, account.id, clock.local_day(noon), origin)
    settlements.match(session, account.id)
    differences.look(session, account.id, heal=False)


def _fee(amount: Money) -> Money:
    """One per cent, rounded down."""
    return Money(amount.grosze // 100)
