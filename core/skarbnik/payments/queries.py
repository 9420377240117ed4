"""Reading payments: what is left to pay, orders and their timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import LiteralString
from uuid import UUID

from sqlalchemy import BigInteger, Select, and_, cast, func, select
from sqlalchemy.orm import Session, selectinload

from skarbnik import clock
from skarbnik.db import TenantSession, first_id_of
from skarbnik.errors import ExternalSystemError, Misconfigured, Nonsense, NotFound, OutcomeUnknown
from skarbnik.http import BreakerOpen
from skarbnik.money import PLN, ZERO, Amounts, Money
from skarbnik.payers.models import Payer
from skarbnik.payments.models import (
    BookingLine,
    Capture,
    MerchantAccount,
    OrderLine,
    PaymentOrder,
    Transaction,
)
from skarbnik.payments.states import (
    COUNTS_NOWHERE,
    DEAD_REFUNDS,
    ON_ITS_WAY,
    BookingState,
    PaymentOrderState,
    RefundStage,
)
from skarbnik.plugin_api import TransactionState
from skarbnik.receivables.models import Instalment
from skarbnik.receivables.rules import interest_to, rules_of

SILENCE_COUNTS = timedelta(minutes=5)
# What an attempt keeps for an answer when the gateway did not listen to it; "refused" is an answer like any other.
SILENT_ANSWERS = {
    error.__name__ for error in (ExternalSystemError, OutcomeUnknown, Nonsense, Misconfigured, BreakerOpen)
} | {"timeout"}


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
            .options(selectinload(Capture.booking_lines), selectinload(Capture.refunds)),
        )
    )
    if payer_ids is not None:
        query = query.where(PaymentOrder.payer_id.in_(with_merged(payer_ids)))
    order = session.scalars(query).one_or_none()
    if order is None:
        raise NotFound(f"no order {number}")
    return order


def paid_lines(order: PaymentOrder) -> set[UUID]:
    """Lines of an order that money came for, whole."""
    came = _came(order)
    return {line.id for line in order.lines if line.id in came and came[line.id] >= line.amounts.total}


def rest_of(order: PaymentOrder) -> Money:
    """What of an order nothing came for yet."""
    came = _came(order)
    return Money.total(max(line.amounts.total - came.get(line.id, ZERO), ZERO) for line in order.lines)


def _came(order: PaymentOrder) -> dict[UUID, Money]:
    """What came for each line of an order, whether it went back since or not."""
    came: dict[UUID, Money] = {}
    for transaction in order.transactions:
        for capture in transaction.captures:
            for booking in capture.booking_lines:
                if booking.refund_id is None:
                    came[booking.order_line_id] = came.get(booking.order_line_id, ZERO) + booking.amounts.total
    return came


def left_of_lines(capture: Capture) -> dict[UUID, Amounts]:
    """What can still go back of each booking line, by its id: less all refunds that may yet come to something."""
    back: dict[UUID, Amounts] = {}
    for line in capture.booking_lines:
        if line.refund_id is not None and line.state is not BookingState.DROPPED:
            back[line.order_line_id] = back.get(line.order_line_id, Amounts()) + line.amounts
    return {
        line.id: line.amounts + back.get(line.order_line_id, Amounts())
        for line in capture.booking_lines
        if line.refund_id is None
    }


def gone_of(capture: Capture) -> Money:
    """What really went back of a capture, in its currency."""
    return Money.total(each.amount for each in capture.refunds if each.state is RefundStage.COMPLETED)


def sent_back(order: PaymentOrder) -> Money:
    """What really went back of what was paid in złoty."""
    captures = (capture for each in order.transactions for capture in each.captures)
    return Money.total(gone_of(capture) for capture in captures if capture.currency == PLN)


def on_no_line(capture: Capture) -> Money:
    """What of a capture is neither on a line of its order nor gone: it did not fit, or came above it."""
    lined = Money.total(line.amounts.total for line in capture.booking_lines if line.state not in COUNTS_NOWHERE)
    return capture.amount - gone_of(capture) - lined  # lines of refunds are negative: what they take is on lines


def left_on_no_line(capture: Capture) -> Money:
    """What of that can still go back: less what is on its way, or only proposed."""
    going = Money.total(
        each.amount for each in capture.refunds if each.state not in {*DEAD_REFUNDS, RefundStage.COMPLETED}
    )
    lined = Money.total(line.amounts.total for line in capture.booking_lines if line.state is BookingState.PLANNED)
    return on_no_line(capture) - going - lined


def with_merged(payer_ids: Iterable[UUID]) -> Select[tuple[UUID]]:
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
    link_id: UUID | None = None,
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
        query = query.where(PaymentOrder.payer_id.in_(with_merged([payer_id])))
    if link_id is not None:
        query = query.where(PaymentOrder.link_id == link_id)
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


def list_silent(session: TenantSession, now: datetime) -> set[UUID]:
    """Merchant accounts whose gateway could not be asked about the newest attempt of the last minutes.

    A hint for who chooses a gateway, and nothing else: what became of the attempt is found out by asking. It is read
    from what attempts left, so every process knows it, whichever of them met the silence.
    """
    since = now - SILENCE_COUNTS
    newest = session.read(_NEWEST_ANSWERS, first=first_id_of(since), since=since)
    return {row.merchant_account_id for row in newest if row.answer in SILENT_ANSWERS}


# The ids of attempts are sorted by time, so only those of the last minutes are looked at, whatever a gmina has.
_NEWEST_ANSWERS: LiteralString = """
    SELECT DISTINCT ON (merchant_account_id) merchant_account_id, answer FROM transactions
    WHERE id >= %(first)s AND created_at >= %(since)s AND state <> 'created'
    ORDER BY merchant_account_id, id DESC
"""

OPEN_TRANSACTIONS = (TransactionState.CREATED, TransactionState.UNKNOWN, TransactionState.PENDING)
