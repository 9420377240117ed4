"""What became of an attempt: started, captured, booked.

Money that came is kept whatever else is wrong; it is never refused.

Locks are taken in one order everywhere: the key of a form, transaction, its order, instalments by id, booking lines,
differences. Imports begin at the instalments. Whoever needs an earlier one must not hold a later one. Who matches
settlements holds the merchant account, and of these takes only differences.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.audit.services import record_act
from skarbnik.db import TenantSession
from skarbnik.errors import ExternalSystemError
from skarbnik.money import Amounts, Money
from skarbnik.outbox import publish
from skarbnik.payments.models import (
    BookingLine,
    Capture,
    Difference,
    Notification,
    OrderLine,
    PaymentOrder,
    Transaction,
)
from skarbnik.payments.ordering import lines_of, lock_order
from skarbnik.payments.queries import OPEN_TRANSACTIONS, left_to_pay
from skarbnik.payments.states import (
    COUNTS_NOWHERE,
    TRANSACTION_NEXT,
    BookingState,
    CaptureState,
    PaymentOrderState,
)
from skarbnik.plugin_api import GatewayReport, TransactionState
from skarbnik.receivables.models import Instalment
from skarbnik.receivables.parts import divide

# Kinds of differences that end with a decision about money: about what is on a line of an order, and what is on none.
OF_A_LINE = ("overpaid", "closed", "booking_refused")
MISFIT = "capture_in_suspense"


def mark_started(session: Session, transaction_id: UUID, *, external_id: str, redirect_url: str | None) -> Transaction:
    """The gateway has it. Whatever became of it meanwhile is not undone: a notification may have been faster."""
    transaction = lock_transaction(session, transaction_id)
    transaction.external_id = transaction.external_id or external_id
    transaction.redirect_url = redirect_url or transaction.redirect_url
    transaction.started_at = transaction.started_at or clock.now()
    _advance(transaction, TransactionState.PENDING)
    return transaction


def mark_unknown(session: Session, transaction_id: UUID, *, answer: str) -> None:
    """The call timed out: it may have arrived. The errand goes on asking."""
    transaction = lock_transaction(session, transaction_id)
    transaction.answer = answer[:200]
    _advance(transaction, TransactionState.UNKNOWN)


def mark_not_started(session: Session, transaction_id: UUID, *, answer: str, external_id: str | None = None) -> None:
    """The gateway surely did not take it."""
    transaction = lock_transaction(session, transaction_id)
    transaction.answer = answer[:200]
    transaction.external_id = transaction.external_id or external_id
    _reject(session, transaction)


def lock_transaction(session: Session, transaction_id: UUID) -> Transaction:
    return session.scalars(
        select(Transaction)
        .where(Transaction.id == transaction_id)
        .with_for_update(of=Transaction)
        .execution_options(populate_existing=True)
    ).one()


def _advance(transaction: Transaction, to: TransactionState) -> bool:
    """Move if it is a step forward; old news changes nothing."""
    if to is transaction.state or to not in TRANSACTION_NEXT[transaction.state]:
        return False
    transaction.move_to(to)
    return True


def note_silence(session: Session, transaction_id: UUID, *, answer: str) -> None:
    """The gateway could not be asked. That is no news about the payment."""
    transaction = lock_transaction(session, transaction_id)
    transaction.asked_times += 1
    transaction.asked_at = clock.now()
    transaction.answer = answer[:200]


def record_report(session: TenantSession, transaction_id: UUID, report: GatewayReport) -> Transaction:
    """Keep what the gateway answered to us. Safe to repeat, in any order."""
    transaction = lock_transaction(session, transaction_id)
    if report.transaction_id != transaction.id:
        raise ExternalSystemError(f"the gateway answered about another transaction than {transaction_id}")
    transaction.asked_times += 1
    transaction.asked_at = clock.now()
    transaction.answer = report.state.value
    if report.external_id:
        transaction.external_id = transaction.external_id or report.external_id
    if report.state is TransactionState.COMPLETED:
        record_capture(session, transaction, report)
    elif report.state is TransactionState.REJECTED:
        _reject(session, transaction)
    elif report.state is TransactionState.PENDING:
        _advance(transaction, TransactionState.PENDING)
    if _is_held(transaction, report):
        open_difference(
            session,
            "payment_held",
            transaction.id,
            order_id=transaction.order_id,
            amount=report.amount,
            account_id=transaction.merchant_account_id,
            moment=transaction.created_at,
        )
    elif report.state is not TransactionState.UNKNOWN:
        # the gateway holds nothing any more: somebody took the money there, or sent it back
        close_difference(session, transaction.id, "payment_held", resolution=report.state.value)
    return transaction


def mark_run_out(session: Session, transaction_id: UUID, report: GatewayReport) -> None:
    """Its time is over at a gateway that can neither cancel it nor say so. Money may still come late.

    Nothing ends while the gateway holds money for it: a person looks at that first.
    """
    transaction = lock_transaction(session, transaction_id)
    if report.state is TransactionState.PENDING and not _is_held(transaction, report):
        _reject(session, transaction)


def _is_held(transaction: Transaction, report: GatewayReport) -> bool:
    """Whether there is money at the gateway that was not confirmed, since it is not what was ordered."""
    ordered = (report.amount, report.currency) == (transaction.amount, "PLN")
    return report.state is TransactionState.PENDING and bool(report.amount) and not ordered


def _reject(session: Session, transaction: Transaction) -> None:
    if not _advance(transaction, TransactionState.REJECTED):
        return
    transaction.ended_at = clock.now()
    order = lock_order(session, transaction.order_id)
    others = session.scalar(
        select(Transaction.id)
        .where(
            Transaction.order_id == order.id,
            Transaction.id != transaction.id,
            Transaction.state.in_(OPEN_TRANSACTIONS),
        )
        .limit(1)
    )
    if others is None and order.state in {PaymentOrderState.CREATED, PaymentOrderState.STARTED}:
        order.move_to(PaymentOrderState.ABANDONED)
        order.held_until = clock.now()


def record_capture(session: TenantSession, transaction: Transaction, report: GatewayReport) -> Capture:
    """Keep the money a gateway confirmed, once. Safe to repeat; never refuses money."""
    account = transaction.merchant_account
    capture = session.scalars(
        select(Capture).where(Capture.merchant_account_id == account.id, Capture.external_id == report.external_id)
    ).one_or_none()
    if capture is not None:
        return capture
    capture = Capture(
        transaction_id=transaction.id,
        merchant_account_id=account.id,
        external_id=report.external_id,
        payment_id=report.payment_id and report.payment_id[:80],
        amount=report.amount,
        currency=report.currency,
        method=report.method and report.method[:40],  # a long word is no reason to lose money
        state=CaptureState.IN_SUSPENSE,
        reason=_mismatch(transaction, report),
        captured_at=_paid_at(session, transaction, report),
        recorded_at=clock.now(),
    )
    session.add(capture)
    _advance(transaction, TransactionState.COMPLETED)
    transaction.ended_at = transaction.ended_at or clock.now()
    session.flush()
    record_act(session, "payment.captured", subject="capture", subject_id=capture.id)
    order = lock_order(session, transaction.order_id)
    if capture.reason is not None:
        open_difference(
            session,
            MISFIT,
            capture.id,
            order_id=order.id,
            amount=capture.amount,
            account_id=account.id,
            moment=capture.captured_at,
        )
        return capture
    allocate(session, order, capture, [(line, line.amounts) for line in lines_of(order, account)])
    return capture


def _paid_at(session: Session, transaction: Transaction, report: GatewayReport) -> datetime:
    """When it was paid, which decides about interest: as the gateway says, in its answer or in what it signed."""
    signed = session.scalar(
        select(func.min(Notification.happened_at)).where(Notification.transaction_id == transaction.id)
    )
    said = report.happened_at or signed
    return min(said, clock.now()) if said is not None else clock.now()


def _mismatch(transaction: Transaction, report: GatewayReport) -> str | None:
    """Why this money is not what was ordered; None when everything fits."""
    if report.currency != "PLN":
        return "currency"
    if report.merchant != transaction.merchant_account.merchant:
        return "merchant"
    if report.amount != transaction.amount:
        return "amount"
    return None


def allocate(
    session: TenantSession, order: PaymentOrder, capture: Capture, parts: Sequence[tuple[OrderLine, Amounts]]
) -> None:
    """Put captured money on lines of its order, each with its amounts, and say so. The order is locked.

    What somebody else has paid meanwhile, or the finance system has closed, waits for a person's decision.
    """
    capture.move_to(CaptureState.ALLOCATED)
    _book_lines(session, order, capture, parts)
    _mark_paid(session, order)
    if order.state is PaymentOrderState.PARTLY_PAID:
        publish(session, "payments.part_paid", capture.id)


def lock_instalments_of(session: Session, ids: Iterable[UUID]) -> list[Instalment]:
    """By id, as everybody locks them, also those that are closed."""
    return list(
        session.scalars(
            select(Instalment)
            .where(Instalment.id.in_(list(ids)))
            .order_by(Instalment.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def _book_lines(
    session: TenantSession, order: PaymentOrder, capture: Capture, parts: Sequence[tuple[OrderLine, Amounts]]
) -> None:
    instalments = lock_instalments_of(session, [line.instalment_id for line, _amounts in parts])
    left = left_to_pay(session, instalments)
    by_id = {each.id: each for each in instalments}
    closed = {each.id for each in instalments if each.closed_at is not None}
    there = _there(session, order)
    for line, amounts in parts:
        reason = None
        if line.instalment_id in closed:
            reason = "closed"
        elif left[line.instalment_id].total < amounts.total or line.amounts.total < there[line.id] + amounts.total:
            reason = "overpaid"  # by others, or this very line by a second payment: nobody asked for the next part
        elif left[line.instalment_id] - amounts != (left[line.instalment_id] - amounts).not_below_zero():
            # two parts at once, or an import: interest or costs are paid already, so it pays what is left
            regime = by_id[line.instalment_id].receivable.kind.regime
            amounts = divide(regime, left[line.instalment_id], amounts.total)
        booking = BookingLine(
            capture_id=capture.id,
            order_line_id=line.id,
            instalment_id=line.instalment_id,
            principal=amounts.principal,
            interest=amounts.interest,
            costs=amounts.costs,
            state=BookingState.WAITING if reason is None else BookingState.IN_SUSPENSE,
            reason=reason,
            recorded_at=clock.now(),
        )
        session.add(booking)
        session.flush()
        if reason is None:
            left[line.instalment_id] -= amounts
        else:
            open_difference(
                session,
                reason,
                booking.id,
                order_id=order.id,
                amount=amounts.total,
                account_id=capture.merchant_account_id,
                moment=capture.captured_at,
            )
    publish(session, "exchange.bookings_wait", capture.id)


def _mark_paid(session: Session, order: PaymentOrder) -> None:
    """What money is there now makes an order paid, also one whose money once went back."""
    if order.state is PaymentOrderState.PAID:
        return
    there = _there(session, order)
    whole = all(there[line.id] >= line.amounts.total for line in order.lines)
    order.move_to(PaymentOrderState.PAID if whole else PaymentOrderState.PARTLY_PAID)
    order.held_until = clock.now()
    if whole:
        order.paid_at = clock.now()
        publish(session, "payments.paid", order.id)


def _there(session: Session, order: PaymentOrder) -> dict[UUID, Money]:
    return {line_id: amounts.total for line_id, amounts in money_here(session, order).items()}


def money_here(session: Session, order: PaymentOrder) -> dict[UUID, Amounts]:
    """The money that came for each line of an order and is here now."""
    parts = (BookingLine.principal, BookingLine.interest, BookingLine.costs)
    rows = session.execute(
        select(BookingLine.order_line_id, *(cast(func.sum(part), BigInteger) for part in parts))
        .join(BookingLine.order_line)
        .where(OrderLine.order_id == order.id, BookingLine.state.not_in(COUNTS_NOWHERE))
        .group_by(BookingLine.order_line_id)
    )
    here = {line_id: Amounts(*map(Money, grosze)) for line_id, *grosze in rows}
    return {line.id: Amounts() for line in order.lines} | here


def open_difference(
    session: Session,
    kind: str,
    subject_id: UUID,
    *,
    order_id: UUID | None = None,
    amount: Money | None = None,
    account_id: UUID | None = None,
    moment: datetime | None = None,
) -> None:
    """Put something into the queue of differences, once while it is open. `moment` is when its money came."""
    session.execute(
        insert(Difference)
        .values(
            kind=kind,
            subject_id=subject_id,
            order_id=order_id,
            amount=amount,
            merchant_account_id=account_id,
            day=moment and clock.local_day(moment),
            opened_at=clock.now(),
        )
        .on_conflict_do_nothing()
    )


def close_difference(
    session: Session, subject_id: UUID, kind: str, *kinds: str, resolution: str, user_id: UUID | None = None
) -> None:
    """Take these kinds of differences about something off the queue. What a question opened at night, it closes."""
    session.execute(
        text(
            "UPDATE differences SET closed_at = :now, closed_by = :user, resolution = :resolution"
            " WHERE subject_id = :subject AND closed_at IS NULL AND kind = ANY(:kinds)"
        ),
        {
            "now": clock.now(),
            "user": user_id,
            "resolution": resolution,
            "subject": subject_id,
            "kinds": [kind, *kinds],
        },
    )


def lower_difference(session: Session, subject_id: UUID, kind: str, *kinds: str, to: Money) -> None:
    """A part of it was decided: what is left waits on."""
    session.execute(
        text(
            "UPDATE differences SET amount = :amount"
            " WHERE subject_id = :subject AND closed_at IS NULL AND kind = ANY(:kinds)"
        ),
        {"amount": to.grosze, "subject": subject_id, "kinds": [kind, *kinds]},
    )


def next_question(transaction: Transaction) -> datetime | None:
    """When the gateway is asked again; None is the end.

    A rejected one is asked too, since money may come late; captured money ends the questions.
    """
    if transaction.state is TransactionState.COMPLETED:
        return None
    return question_after(transaction.created_at)


def question_after(since: datetime) -> datetime | None:
    """After 1, 5, 15 minutes, hourly for a day, daily for a month; None is the end."""
    age = clock.now() - since
    for minutes in (1, 5, 15, 30):
        if age < timedelta(minutes=minutes):
            return since + timedelta(minutes=minutes)
    if age < timedelta(days=1):
        return clock.now() + timedelta(hours=1)
    if age < timedelta(days=30):
        return clock.now() + timedelta(days=1)
    return None
