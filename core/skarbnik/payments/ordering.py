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
from skarbnik.crypto import new_secret
from skarbnik.db import TenantSession
from skarbnik.errors import Conflict, Invalid
from skarbnik.money import Amounts, Money
from skarbnik.outbox import publish
from skarbnik.payments.models import (
    BookingLine,
    Capture,
    MerchantAccount,
    OrderLine,
    PaymentOrder,
    Transaction,
)
from skarbnik.payments.queries import OPEN_TRANSACTIONS, left_to_pay
from skarbnik.payments.states import (
    PaymentOrderState,
)
from skarbnik.plugin_api import TransactionState
from skarbnik.receivables.models import Instalment, Kind, Receivable
from skarbnik.receivables.parts import NoSuchPart, split_part
from skarbnik.receivables.queries import list_liable

HOLD = timedelta(minutes=15)
# A code is good for two minutes, and then the payer has one more to confirm in the bank's application: so long the
# payment may still come, and nobody begins another.
BLIK_TIME = timedelta(minutes=3)
MOST_LINES = 200
NUMBER_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class BasketChanged(Conflict):
    """An instalment changed between choosing and ordering; the resident must look again."""


class NotLiable(BasketChanged):
    """The payer is not liable today for a chosen instalment: somebody else is now, or it never was theirs."""


class NotPayableOnline(Conflict):
    """A chosen receivable has no account at a gateway; it can only be paid by transfer."""


class NotInParts(BasketChanged):
    """A part that may not be paid: the kind takes no parts, or it is less than the smallest or more than is left."""


@dataclass(frozen=True)
class Chosen:
    """An instalment somebody wants to pay, what they were shown to be left of it, and how much of that they pay."""

    instalment_id: UUID
    amounts: Amounts
    part: Money | None = None  # all of it


def order_payment(
    session: TenantSession,
    *,
    request_key: UUID,
    payer_id: UUID,
    user_id: UUID | None,
    chosen: Sequence[Chosen],
    email: str | None,
    language: str,
    link_id: UUID | None = None,
) -> PaymentOrder:
    """Decide to pay: a snapshot of each line, good today. The same `request_key` gives the same order again.

    `link_id` is the link by which somebody pays for the payer. Invalid when nothing or too much is chosen;
    BasketChanged when the amounts are not those that were shown, NotLiable when somebody else's debt is among them,
    NotInParts when a part of one is wanted that may not be paid.
    """
    wanted = {each.instalment_id: each for each in chosen}
    if not 0 < len(wanted) <= MOST_LINES or len(wanted) != len(chosen):
        raise Invalid(f"an order has 1 to {MOST_LINES} different instalments")
    _lock_key(session, request_key)  # a double click waits here for the first one, and holds nothing yet
    existing = session.scalars(select(PaymentOrder).where(PaymentOrder.request_key == request_key)).one_or_none()
    if existing is not None:
        if (existing.payer_id, existing.link_id) != (payer_id, link_id):
            raise Conflict("this key belongs to another order")
        return existing
    instalments = lock_instalments(session, wanted)
    left = left_to_pay(session, instalments)
    if len(instalments) != len(wanted) or any(left[each.id] != wanted[each.id].amounts for each in instalments):
        raise BasketChanged("the amounts are not those that were shown")
    _check_liable(session, payer_id, instalments)
    paid = {each.id: _paid_of(each, left[each.id], wanted[each.id].part) for each in instalments}
    now = clock.now()
    order = PaymentOrder(
        number=new_number(),
        request_key=request_key,
        payer_id=payer_id,
        user_id=user_id,
        link_id=link_id,
        return_secret=None if link_id is None else new_secret(),
        amount=Amounts.sum(paid.values()).total,
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
        is_part = paid[instalment.id] != left[instalment.id]
        session.add(_snapshot(order, position, instalment, paid[instalment.id], is_part=is_part))
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


def _paid_of(instalment: Instalment, left: Amounts, wanted: Money | None) -> Amounts:
    """What of an instalment is paid: all that is left, or the part somebody wants."""
    if wanted is None or wanted == left.total:
        return left
    kind = instalment.receivable.kind
    if not kind.takes_parts:
        raise NotInParts(f"kind {kind.code} is not paid in parts")
    try:
        return split_part(kind.regime, left, wanted)
    except NoSuchPart as error:
        raise NotInParts(str(error)) from error


def _snapshot(
    order: PaymentOrder, position: int, instalment: Instalment, amounts: Amounts, *, is_part: bool
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
        payer_id=order.payer_id,
        creditor_account_id=kind.creditor_account_id,
        title=_title(order, instalment, is_part=is_part),
        is_part=is_part,
        principal=amounts.principal,
        interest=amounts.interest,
        costs=amounts.costs,
    )


def _title(order: PaymentOrder, instalment: Instalment, *, is_part: bool) -> str:
    """As it stands at the gateway and on the statement of a bank, in Polish.

    A receivable may be called by an address: who pays by a link is told its kind only.
    """
    receivable = instalment.receivable
    what = receivable.title if order.link_id is None else receivable.kind.title
    rest = f", rata {instalment.number}{' (część)' if is_part else ''}"
    return f"{what[: 240 - len(rest)]}{rest}"


def new_number() -> str:
    """Ten random letters a person can read out on the telephone; says nothing about how many orders there are."""
    letters = "".join(secrets.choice(NUMBER_LETTERS) for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def open_transaction(
    session: TenantSession, order: PaymentOrder, account: MerchantAccount, *, is_blik: bool = False
) -> Transaction:
    """Begin one attempt to pay the lines of an order that this merchant account receives, or go on with an open one.

    A second attempt beside an open one could be paid too: whoever asks twice at once is given the same. Our id is
    committed before anybody is called, with the errand that will ask what became of it. `is_blik`: it begins with a
    code on our page, and nobody has to be sent anywhere.
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
    if _has_money(session, order, lines):
        raise BasketChanged("money was put on lines of this order, and what is left of it is another amount")
    wanted = {line.instalment_id: line for line in lines}
    instalments = lock_instalments(session, wanted)
    left = left_to_pay(session, instalments)
    if len(instalments) != len(wanted) or not all(_still_fits(wanted[each.id], each, left) for each in instalments):
        raise BasketChanged("what this order pays for has changed since it was made")
    _check_liable(session, order.payer_id, instalments)  # an import may have given it to another owner since
    transaction = Transaction(
        order_id=order.id,
        merchant_account_id=account.id,
        settings_version=account.settings_version,
        amount=amount,
        is_blik=is_blik,
        created_at=clock.now(),
    )
    session.add(transaction)
    if order.state is not PaymentOrderState.PARTLY_PAID:
        order.move_to(PaymentOrderState.STARTED)
    order.held_until = clock.now() + HOLD
    session.flush()
    publish(session, "payments.ask", transaction.id, due_at=clock.now() + timedelta(minutes=1))
    return transaction


def _has_money(session: Session, order: PaymentOrder, lines: Sequence[OrderLine]) -> bool:
    """Whether any of these lines was paid, whole or not: a part that was paid once may look as if it still fits."""
    found = session.scalar(
        select(BookingLine.id)
        .join(BookingLine.capture)
        .join(Capture.transaction)
        .where(Transaction.order_id == order.id, BookingLine.order_line_id.in_([line.id for line in lines]))
        .where(BookingLine.refund_id.is_(None))
        .limit(1)
    )
    return found is not None


def _still_fits(line: OrderLine, instalment: Instalment, left: Mapping[UUID, Amounts]) -> bool:
    """Whether a line is still what it was: all that is left, or a part that would be divided the same way today."""
    try:
        return line.amounts == _paid_of(instalment, left[instalment.id], line.amounts.total if line.is_part else None)
    except NotInParts:
        return False


def _find_resumable(session: Session, order: PaymentOrder, account: MerchantAccount) -> Transaction | None:
    """An attempt nobody was asked about yet, one whose page at the gateway is known, or one with a BLIK code: that was
    handed to a bank, and until the gateway says what came of it no other begins."""
    return session.scalars(
        select(Transaction)
        .where(
            Transaction.order_id == order.id,
            Transaction.merchant_account_id == account.id,
            (Transaction.state == TransactionState.CREATED)
            | ((Transaction.state == TransactionState.PENDING) & Transaction.redirect_url.is_not(None))
            | (Transaction.is_blik & Transaction.state.in_(OPEN_TRANSACTIONS)),
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
