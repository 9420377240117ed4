"""Reading payments: what is left to pay, orders and their timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

from sqlalchemy import BigInteger, Select, and_, cast, func, select
from sqlalchemy.orm import Session, selectinload

from skarbnik import clock
from skarbnik.db import TenantSession
from skarbnik.errors import NotFound
from skarbnik.money import Amounts, Money
from skarbnik.payers.models import Payer
from skarbnik.payments.models import (
    BookingLine,
    Capture,
    MerchantAccount,
    OrderLine,
    PaymentOrder,
    Transaction,
)
from skarbnik.payments.states import ON_ITS_WAY, PaymentOrderState
from skarbnik.plugin_api import TransactionState
from skarbnik.receivables.models import Instalment
from skarbnik.receivables.rules import interest_to, rules_of


def on_its_way(session: Session, instalment_ids: Iterable[UUID]) -> dict[UUID, Amounts]:
    """Captured and not echoed yet, for each instalment that has any."""
    rows = session.execute(
        select(
            BookingLine.instalment_id,
            cast(func.sum(BookingLine.principal), BigInteger).label("principal"),
            cast(func.sum(BookingLine.interest), BigInteger).label("interest"),
            cast(func.sum(BookingLine.costs), BigInteger).label("costs"),
        )
        .where(
            BookingLine.instalment_id.in_(list(instalment_ids)),
            BookingLine.seen_at.is_(None),
            BookingLine.state.in_(ON_ITS_WAY),
        )
        .group_by(BookingLine.instalment_id)
    )
    return {row.instalment_id: Amounts(Money(row.principal), Money(row.interest), Money(row.costs)) for row in rows}


def left_to_pay(session: TenantSession, instalments: Sequence[Instalment]) -> dict[UUID, Amounts]:
    """Imported balance less captured money that the finance system has not echoed. Never below zero.

    Interest of kinds whose office wants it computed is that of today, on what is left of the principal.
    """
    coming = on_its_way(session, [each.id for each in instalments])
    left = {
        each.id: (each.balance - coming[each.id]).not_below_zero() if each.id in coming else each.balance
        for each in instalments
    }
    computed = session.read(_COMPUTED, ids=list(left))
    rules = rules_of(session) if computed else None
    for each in computed:
        assert rules is not None
        was = left[each.id]
        interest = interest_to(rules, each.regime, was.principal, was.interest, each.due_on, clock.today())
        left[each.id] = Amounts(was.principal, interest, was.costs)
    return left


_COMPUTED: LiteralString = """
    SELECT i.id, i.due_on, k.regime FROM instalments i JOIN receivables r ON r.id = i.receivable_id
    JOIN kinds k ON k.id = r.kind_id AND k.interest = 'computed' AND k.regime <> 'none' WHERE i.id = ANY (%(ids)s)
"""


def get_order(session: Session, number: str, *, payer_ids: Iterable[UUID] | None = None) -> PaymentOrder:
    """An order with everything its page shows. NotFound also when it is somebody else's."""
    query = (
        select(PaymentOrder)
        .where(PaymentOrder.number == number)
        .options(
            selectinload(PaymentOrder.lines).joinedload(OrderLine.instalment).joinedload(Instalment.receivable),
            selectinload(PaymentOrder.transactions)
            .joinedload(Transaction.merchant_account)
            .joinedload(MerchantAccount.creditor_account),
            selectinload(PaymentOrder.transactions)
            .selectinload(Transaction.captures)
            .selectinload(Capture.booking_lines),
        )
    )
    if payer_ids is not None:
        query = query.where(PaymentOrder.payer_id.in_(_with_merged(payer_ids)))
    order = session.scalars(query).one_or_none()
    if order is None:
        raise NotFound(f"no order {number}")
    return order


def paid_lines(order: PaymentOrder) -> set[UUID]:
    """Lines of an order that money came for."""
    return {
        booking.order_line_id
        for transaction in order.transactions
        for capture in transaction.captures
        for booking in capture.booking_lines
    }


def rest_of(order: PaymentOrder) -> Money:
    """What of an order nothing came for yet."""
    paid = paid_lines(order)
    return Money.total(line.amounts.total for line in order.lines if line.id not in paid)


def _with_merged(payer_ids: Iterable[UUID]) -> Select[tuple[UUID]]:
    """Payers and those who were merged into them: what one ordered is the other's too."""
    return select(func.unnest(func.array_append(Payer.merged_from, Payer.id))).where(Payer.id.in_(list(payer_ids)))


@dataclass(frozen=True)
class OrderRow:
    """A line of a list of orders."""

    id: UUID
    number: str
    state: PaymentOrderState
    amount: Money
    ordered_at: datetime
    ordered_on: date
    paid_at: datetime | None
    title: str  # of its first line
    lines: int


PAGE = 25


def list_orders(
    session: Session,
    *,
    payer_id: UUID | None = None,
    state: PaymentOrderState | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = PAGE,
) -> list[OrderRow]:
    """Newest first; `before` is the place of the last row of the page before. One row more than the page may come."""
    query = select(
        PaymentOrder.id,
        PaymentOrder.number,
        PaymentOrder.state,
        PaymentOrder.amount,
        PaymentOrder.ordered_at,
        PaymentOrder.ordered_on,
        PaymentOrder.paid_at,
        select(OrderLine.title)
        .where(OrderLine.order_id == PaymentOrder.id)
        .order_by(OrderLine.position)
        .limit(1)
        .scalar_subquery(),
        select(func.count()).where(OrderLine.order_id == PaymentOrder.id).scalar_subquery(),
    )
    if payer_id is not None:
        query = query.where(PaymentOrder.payer_id.in_(_with_merged([payer_id])))
    if state is not None:
        query = query.where(PaymentOrder.state == state)
    if before is not None:
        moment, order_id = before
        query = query.where(
            (PaymentOrder.ordered_at < moment) | and_(PaymentOrder.ordered_at == moment, PaymentOrder.id < order_id)
        )
    query = query.order_by(PaymentOrder.ordered_at.desc(), PaymentOrder.id.desc()).limit(limit + 1)
    return [OrderRow(*row) for row in session.execute(query)]


def list_merchant_accounts(session: Session, creditor_account_ids: Iterable[UUID]) -> list[MerchantAccount]:
    """Enabled merchant accounts that pay out to any of these accounts, the oldest first."""
    return list(
        session.scalars(
            select(MerchantAccount)
            .where(
                MerchantAccount.creditor_account_id.in_(list(creditor_account_ids)), MerchantAccount.enabled.is_(True)
            )
            .order_by(MerchantAccount.created_at, MerchantAccount.id)
        )
    )


def list_all_accounts(session: Session) -> list[MerchantAccount]:
    """Those that are switched off too, the oldest first."""
    return list(session.scalars(select(MerchantAccount).order_by(MerchantAccount.created_at, MerchantAccount.id)))


OPEN_TRANSACTIONS = (TransactionState.CREATED, TransactionState.UNKNOWN, TransactionState.PENDING)
