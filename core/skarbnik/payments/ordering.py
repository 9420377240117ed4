"""Deciding to pay: an order with a snapshot of each line, and an attempt to pay it at a gateway."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload

from skarbnik import clock
from skarbnik.audit.services import record_act
from skarbnik.db import TenantSession
from skarbnik.errors import Conflict, Invalid
from skarbnik.money import Amounts
from skarbnik.outbox import publish
from skarbnik.payments.models import (
    MerchantAccount,
    OrderLine,
    PaymentOrder,
    Transaction,
)
from skarbnik.payments.queries import left_to_pay
from skarbnik.payments.states import (
    PaymentOrderState,
)
from skarbnik.plugin_api import TransactionState
from skarbnik.receivables.models import Instalment, Kind, Receivable
from skarbnik.receivables.queries import list_liable

HOLD = timedelta(minutes=15)
MOST_LINES = 200
NUMBER_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class BasketChanged(Conflict):
    """An instalment changed between choosing and ordering; the resident must look again."""


class NotLiable(BasketChanged):
    """The payer is not liable today for a chosen instalment: somebody else is now, or it never was theirs."""


class NotPayableOnline(Conflict):
    """A chosen receivable has no account at a gateway; it can only be paid by transfer."""


@dataclass(frozen=True)
class Chosen:
    """An instalment somebody wants to pay, and the amounts they were shown."""

    instalment_id: UUID
    amounts: Amounts


def order_payment(
    session: TenantSession,
    *,
    request_key: UUID,
    payer_id: UUID,
    user_id: UUID | None,
    chosen: Sequence[Chosen],
    email: str | None,
    language: str,
) -> PaymentOrder:
    """Decide to pay: a snapshot of each line, good today. The same `request_key` gives the same order again.

    Invalid when nothing or too much is chosen; BasketChanged when the amounts are not those that were shown, NotLiable
    when somebody else's debt is among them.
    """
    wanted = {each.instalment_id: each.amounts for each in chosen}
    if not 0 < len(wanted) <= MOST_LINES or len(wanted) != len(chosen):
        raise Invalid(f"an order has 1 to {MOST_LINES} different instalments")
    _lock_key(session, request_key)  # a double click waits here for the first one, and holds nothing yet
    existing = session.scalars(select(PaymentOrder).where(PaymentOrder.request_key == request_key)).one_or_none()
    if existing is not None:
        if existing.payer_id != payer_id:
            raise Conflict("this key belongs to another payer's order")
        return existing
    instalments = lock_instalments(session, wanted)
    left = left_to_pay(session, instalments)
    if len(instalments) != len(wanted) or any(left[each.id] != wanted[each.id] for each in instalments):
        raise BasketChanged("the amounts are not those that were shown")
    _check_liable(session, payer_id, instalments)
    now = clock.now()
    order = PaymentOrder(
        number=new_number(),
        request_key=request_key,
        payer_id=payer_id,
        user_id=user_id,
        amount=Amounts.sum(wanted.values()).total,
        email=email,
        language=language,
        ordered_on=clock.local_day(now),
        ordered_at=now,
        held_until=now + HOLD,
    )
    session.add(order)
    session.flush()
    in_order = sorted(instalments, key=lambda each: (each.due_on, each.external_id))
    for position, instalment in enumerate(in_order, start=1):
        session.add(_snapshot(order, position, instalment, left[instalment.id], payer_id))
    session.flush()
    record_act(session, "payment.ordered", subject="payment_order", subject_id=order.id, actor="user", actor_id=user_id)
    return order


def _check_liable(session: TenantSession, payer_id: UUID, instalments: Sequence[Instalment]) -> None:
    receivables = {each.receivable_id for each in instalments}
    if receivables != list_liable(session, receivables, payer_id=payer_id, today=clock.today()):
        raise NotLiable(f"payer {payer_id} is not liable today for each chosen instalment")


def _lock_key(session: Session, request_key: UUID) -> None:
    """Forms sent twice with one key come one after another, also before the first has made its order."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": str(request_key)})


def lock_instalments(session: Session, wanted: Mapping[UUID, object]) -> list[Instalment]:
    return list(
        session.scalars(
            select(Instalment)
            .where(Instalment.id.in_(list(wanted)), Instalment.closed_at.is_(None))
            .where(Instalment.receivable.has(Receivable.closed_at.is_(None)))
            .options(joinedload(Instalment.receivable).joinedload(Receivable.kind))
            .order_by(Instalment.id)
            .with_for_update(of=Instalment)
            .execution_options(populate_existing=True)
        )
    )


def _snapshot(
    order: PaymentOrder, position: int, instalment: Instalment, amounts: Amounts, payer_id: UUID
) -> OrderLine:
    receivable: Receivable = instalment.receivable
    kind: Kind = receivable.kind
    if not amounts.total:
        raise BasketChanged("nothing is left to pay for a chosen instalment")
    if not kind.online or kind.creditor_account_id is None:
        raise NotPayableOnline(f"kind {kind.code} is not paid online")
    return OrderLine(
        order_id=order.id,
        position=position,
        instalment_id=instalment.id,
        instalment_digest=instalment.digest,
        payer_id=payer_id,
        creditor_account_id=kind.creditor_account_id,
        title=f"{receivable.title}, rata {instalment.number}"[:240],  # as it stands on the statement of a bank
        principal=amounts.principal,
        interest=amounts.interest,
        costs=amounts.costs,
    )


def new_number() -> str:
    """Ten random letters a person can read out on the telephone; says nothing about how many orders there are."""
    letters = "".join(secrets.choice(NUMBER_LETTERS) for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def open_transaction(session: TenantSession, order: PaymentOrder, account: MerchantAccount) -> Transaction:
    """Begin one attempt to pay the lines of an order that this merchant account receives, or go on with an open one.

    A second attempt beside an open one could be paid too: whoever asks twice at once is given the same. Our id is
    committed before anybody is called, with the errand that will ask what became of it.
    Conflict when the order is paid, or its amounts held only for a day that has passed.
    """
    lock_order(session, order.id)  # what was read before may be old: money may have come since
    if order.state in {PaymentOrderState.PAID, PaymentOrderState.REFUNDED}:
        raise Conflict(f"order {order.number} is {order.state}")
    if order.ordered_on != clock.today():
        raise BasketChanged("the amounts of this order were good for the day it was made")
    resumable = _find_resumable(session, order, account)
    if resumable is not None:
        return resumable
    lines = lines_of(order, account)
    amount = Amounts.sum(line.amounts for line in lines).total
    if not amount:
        raise NotPayableOnline("this merchant account receives no line of the order")
    wanted = {line.instalment_id: line.amounts for line in lines}
    instalments = lock_instalments(session, wanted)
    left = left_to_pay(session, instalments)
    if len(instalments) != len(wanted) or any(left[each.id] != wanted[each.id] for each in instalments):
        raise BasketChanged("what this order pays for has changed since it was made")
    _check_liable(session, order.payer_id, instalments)  # an import may have given it to another owner since
    transaction = Transaction(
        order_id=order.id,
        merchant_account_id=account.id,
        settings_version=account.settings_version,
        amount=amount,
        created_at=clock.now(),
    )
    session.add(transaction)
    if order.state is not PaymentOrderState.PARTLY_PAID:
        order.move_to(PaymentOrderState.STARTED)
    order.held_until = clock.now() + HOLD
    session.flush()
    publish(session, "payments.ask", transaction.id, due_at=clock.now() + timedelta(minutes=1))
    return transaction


def _find_resumable(session: Session, order: PaymentOrder, account: MerchantAccount) -> Transaction | None:
    """An attempt nobody was asked about yet, or one whose page at the gateway is known."""
    return session.scalars(
        select(Transaction)
        .where(
            Transaction.order_id == order.id,
            Transaction.merchant_account_id == account.id,
            (Transaction.state == TransactionState.CREATED)
            | ((Transaction.state == TransactionState.PENDING) & Transaction.redirect_url.is_not(None)),
        )
        .order_by(Transaction.created_at)
        .limit(1)
        .execution_options(populate_existing=True)  # what was read before the lock may be old
    ).one_or_none()


def lines_of(order: PaymentOrder, account: MerchantAccount) -> list[OrderLine]:
    return [line for line in order.lines if line.creditor_account_id == account.creditor_account_id]


def lock_order(session: Session, order_id: UUID) -> PaymentOrder:
    """Two transactions of one order may end at the same moment: each must see what the other made of it."""
    return session.scalars(
        select(PaymentOrder)
        .where(PaymentOrder.id == order_id)
        .with_for_update(of=PaymentOrder)
        .execution_options(populate_existing=True)
    ).one()
