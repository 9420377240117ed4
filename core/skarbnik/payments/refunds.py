"""Money on its way back: proposed by one person, approved by another, sent by the gateway or recorded by hand.

Locks as everywhere: transaction, order, instalments, booking lines, differences. The row of the transaction guards the
limit: of a capture never more goes back than came.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session, selectinload

from skarbnik import clock
from skarbnik.audit.services import record_act
from skarbnik.errors import Conflict, ExternalSystemError, Forbidden, Invalid, NotFound
from skarbnik.money import ZERO, Amounts, Money
from skarbnik.outbox import publish
from skarbnik.payments.models import BookingLine, Capture, PaymentOrder, Refund, Transaction
from skarbnik.payments.ordering import lock_order
from skarbnik.payments.other_amounts import rooms_of, share_out
from skarbnik.payments.queries import gone_of, left_of_lines, left_on_no_line, on_no_line
from skarbnik.payments.services import (
    MISFIT,
    OF_A_LINE,
    close_difference,
    lock_instalments_of,
    lock_transaction,
    lower_difference,
    open_difference,
    question_after,
)
from skarbnik.payments.states import (
    AT_THE_GATEWAY,
    NOT_IN_BOOKS,
    BookingState,
    CaptureState,
    PaymentOrderState,
    RefundKind,
    RefundStage,
)
from skarbnik.plugin_api import RefundReport, RefundState

PROPOSED = "refund_proposed"
FOR_A_PERSON = (  # kinds of differences
    "refund_refused",
    "refund_unanswered",
    "refund_amount",
    "refund_twice",
    "refund_after_all",
)


class TooMuch(Conflict):
    """More is to go back than is left: of a line, of the money that is on none, or of all that came."""


def propose_refund(
    session: Session,
    capture_id: UUID,
    *,
    kind: RefundKind,
    lines: Mapping[UUID, Money],
    on_no_line: Money = ZERO,
    reason: str,
    by: UUID,
    happened_on: date | None = None,
    reference: str | None = None,
) -> Refund:
    """Ask for money to go back, or say that it went: nothing moves before another person decides.

    `lines` says how much of each booking line, by its id; `on_no_line` how much of what was never put on a line.
    TooMuch when that is more than is left. Invalid when it is nothing, or lacks the day and reference of money that
    went without us.
    """
    capture = lock_capture(session, capture_id)
    amount = Money.total([*lines.values(), on_no_line])
    if min([*lines.values(), on_no_line], default=ZERO) < ZERO or not amount:
        raise Invalid("a refund is of something")
    if not reason.strip():
        raise Invalid("a refund has a reason", {"reason": "missing"})
    if kind is not RefundKind.GATEWAY:
        _check_told(capture, happened_on, reference)
    left, originals = left_of_lines(capture), {line.id: line for line in capture.booking_lines}
    if not set(lines) <= set(left):
        raise NotFound(f"a line that is not of capture {capture_id}")
    if on_no_line > left_on_no_line(capture) or any(wanted > left[each].total for each, wanted in lines.items()):
        raise TooMuch(f"less is left of capture {capture_id}")
    refund = Refund(
        capture_id=capture.id,
        kind=kind,
        amount=amount,
        reason=reason.strip()[:200],
        happened_on=None if kind is RefundKind.GATEWAY else happened_on,
        reference=None if kind is RefundKind.GATEWAY else (reference or "").strip()[:80],
        requested_by=by,
        requested_at=clock.now(),
    )
    session.add(refund)
    session.flush()
    lock_instalments_of(session, [originals[each].instalment_id for each in lines])
    for booking_id, wanted in sorted(lines.items()):
        if wanted:
            session.add(_planned(refund, originals[booking_id], left[booking_id].split(wanted)))
    _open(session, PROPOSED, refund)
    for before in capture.refunds:
        close_difference(session, before.id, "refund_refused", resolution="proposed_anew", user_id=by)
    session.flush()
    return refund


def _check_told(capture: Capture, happened_on: date | None, reference: str | None) -> None:
    if happened_on is None or not clock.local_day(capture.captured_at) <= happened_on <= clock.today():
        raise Invalid("money goes back after it came and before it is written down", {"happened_on": "impossible"})
    if not reference or not reference.strip():
        raise Invalid("money that went without us is known by its reference", {"reference": "missing"})


def _planned(refund: Refund, original: BookingLine, back: Amounts) -> BookingLine:
    taken = -back
    return BookingLine(
        capture_id=original.capture_id,
        order_line_id=original.order_line_id,
        refund_id=refund.id,
        instalment_id=original.instalment_id,
        principal=taken.principal,
        interest=taken.interest,
        costs=taken.costs,
        state=BookingState.PLANNED,
        recorded_at=clock.now(),
    )


def withdraw_refund(session: Session, refund_id: UUID, *, by: UUID) -> Refund:
    """Who proposed it thinks again, before anybody decided. Forbidden for others."""
    refund = lock_refund(session, refund_id)
    if refund.requested_by != by:
        raise Forbidden("only who proposed a refund withdraws it")
    _end(refund, RefundStage.WITHDRAWN)
    close_difference(session, refund.id, PROPOSED, resolution="taken_back", user_id=by)
    return refund


def decline_refund(session: Session, refund_id: UUID, *, by: UUID, reason: str) -> Refund:
    """The second person says no, and why. Forbidden for who proposed it."""
    refund = lock_refund(session, refund_id)
    _check_decides(refund, by)
    if not reason.strip():
        raise Invalid("who declines says why", {"reason": "missing"})
    refund.decided_by, refund.decided_at = by, clock.now()
    refund.declined_because = reason.strip()[:200]
    _end(refund, RefundStage.DECLINED)
    close_difference(session, refund.id, PROPOSED, resolution="declined", user_id=by)
    return refund


def approve_refund(session: Session, refund_id: UUID, *, by: UUID) -> Refund:
    """The second person agrees: the gateway is asked; what went without us counts from now on.

    Forbidden for who proposed it, Conflict when it is decided already.
    """
    refund = lock_refund(session, refund_id)
    _check_decides(refund, by)
    if refund.kind is RefundKind.GATEWAY:
        refund.decided_by, refund.decided_at = by, clock.now()
        refund.move_to(RefundStage.APPROVED)
        publish(session, "payments.refund", refund.id)
    else:
        _complete(session, refund, decided_by=by)
    close_difference(session, refund.id, PROPOSED, resolution="approved", user_id=by)
    return refund


def _check_decides(refund: Refund, by: UUID) -> None:
    if refund.state is not RefundStage.PROPOSED:
        raise Conflict(f"refund {refund.id} is {refund.state}")
    if refund.requested_by == by:
        raise Forbidden("who proposed a refund does not decide about it")


def record_refund_report(session: Session, refund_id: UUID, report: RefundReport) -> Refund:
    """Keep what the gateway answered about a refund. Safe to repeat, in any order.

    What cannot be is shown to a person: another amount than was asked for, a transfer that is another refund's already,
    or money that went after a refusal. Once it is done, what really went is what counts.
    """
    refund = lock_refund(session, refund_id)
    if report.refund_id != refund.id:
        raise ExternalSystemError(f"the gateway answered about another refund than {refund_id}")
    as_asked = (report.amount, report.currency) == (refund.amount, refund.capture.currency)
    said = "" if as_asked or report.state is RefundState.REJECTED else f" {report.amount} {report.currency}"
    _note(refund, f"{report.state.value}{said}")
    if refund.state in AT_THE_GATEWAY and _is_anothers(session, refund, report.external_id[:80]):
        _open(session, "refund_twice", refund)
        return refund
    refund.external_id = refund.external_id or report.external_id[:80] or None
    if refund.state is RefundStage.REJECTED and report.state is not RefundState.REJECTED:
        _open(session, "refund_after_all", refund)
    if refund.state not in AT_THE_GATEWAY:
        return refund
    if report.state is RefundState.REJECTED:
        _reject(session, refund)
    elif report.state is RefundState.COMPLETED and as_asked:
        _complete(session, refund)
    elif report.state is RefundState.COMPLETED and report.currency == refund.capture.currency and report.amount > ZERO:
        _complete(session, refund, went=report.amount)
        _open(session, "refund_amount", refund, amount=report.amount)
    else:
        refund.move_to(RefundStage.SENT)
        if not as_asked:
            _open(session, "refund_amount", refund, amount=report.amount)
    return refund


def _is_anothers(session: Session, refund: Refund, external_id: str) -> bool:
    """Whether the gateway calls by this number another refund of the same account: it took two for one."""
    other = session.scalar(
        select(Refund.id)
        .join(Refund.capture)
        .where(
            Refund.external_id == external_id,
            Refund.id != refund.id,
            Refund.state.in_((*AT_THE_GATEWAY, RefundStage.COMPLETED)),
            Capture.merchant_account_id == refund.capture.merchant_account_id,
        )
        .limit(1)
    )
    return bool(external_id) and other is not None


def mark_refund_refused(session: Session, refund_id: UUID, *, answer: str) -> Refund:
    """The gateway said no: no money moved. It can be proposed anew."""
    refund = lock_refund(session, refund_id)
    _note(refund, answer)
    if refund.state in AT_THE_GATEWAY:
        _reject(session, refund)
    return refund


def note_refund_silence(session: Session, refund_id: UUID, *, answer: str) -> Refund:
    """The gateway could not be asked, or may have got it or not. That is no news: it is asked again."""
    refund = lock_refund(session, refund_id)
    _note(refund, answer)
    return refund


def mark_refund_unanswered(session: Session, refund_id: UUID) -> None:
    """A month has gone by: a person asks the gateway in another way."""
    refund = lock_refund(session, refund_id)
    if refund.state in AT_THE_GATEWAY:
        _open(session, "refund_unanswered", refund)


def ask_about_refund(session: Session, refund_id: UUID) -> None:
    """A person does not wait for the next question."""
    publish(session, "payments.refund_notified", lock_refund(session, refund_id).id)


def next_refund_question(refund: Refund) -> datetime | None:
    """When the gateway is asked again about a refund; None is the end."""
    if refund.state not in AT_THE_GATEWAY or refund.decided_at is None:
        return None
    return question_after(refund.decided_at)


def lock_capture(session: Session, capture_id: UUID) -> Capture:
    """A capture with its lines and refunds, under the row of its transaction. NotFound when there is none."""
    transaction_id = session.scalar(select(Capture.transaction_id).where(Capture.id == capture_id))
    if transaction_id is None:
        raise NotFound(f"no capture {capture_id}")
    lock_transaction(session, transaction_id)
    return session.scalars(
        select(Capture)
        .where(Capture.id == capture_id)
        .options(selectinload(Capture.booking_lines), selectinload(Capture.refunds))
        .execution_options(populate_existing=True)
    ).one()


def lock_refund(session: Session, refund_id: UUID) -> Refund:
    """A refund as it is now, under the row of its transaction. NotFound when there is none."""
    capture_id = session.scalar(select(Refund.capture_id).where(Refund.id == refund_id))
    if capture_id is None:
        raise NotFound(f"no refund {refund_id}")
    capture = lock_capture(session, capture_id)
    return next(each for each in capture.refunds if each.id == refund_id)


def _open(session: Session, kind: str, refund: Refund, *, amount: Money | None = None) -> None:
    """A person has to look at a refund; on the day it is, beside what else happened on its account."""
    open_difference(
        session,
        kind,
        refund.id,
        order_id=refund.capture.transaction.order_id,
        amount=refund.amount if amount is None else amount,
        account_id=refund.capture.merchant_account_id,
        moment=clock.now(),
    )


def _note(refund: Refund, answer: str) -> None:
    refund.asked_times += 1
    refund.asked_at = clock.now()
    if refund.state is not RefundStage.REJECTED:  # why it was refused is what a person wants to know later
        refund.answer = answer[:200]


def _end(refund: Refund, to: RefundStage) -> None:
    """It came to nothing: its lines were never more than planned."""
    refund.move_to(to)
    refund.settled_at = clock.now()
    for line in refund.lines:
        line.move_to(BookingState.DROPPED)


def _reject(session: Session, refund: Refund) -> None:
    _end(refund, RefundStage.REJECTED)
    close_difference(session, refund.id, *FOR_A_PERSON, resolution="refund_rejected")
    _open(session, "refund_refused", refund)
    record_act(session, "refund.rejected", subject="refund", subject_id=refund.id)


def _complete(session: Session, refund: Refund, *, decided_by: UUID | None = None, went: Money | None = None) -> None:
    """The money is gone. Each of its lines takes its place beside what it takes back. `went` is said where it is
    another amount than was agreed.

    What is in the books, or on its way there, the next batch takes back there. What is not goes no further: a line of
    which nothing is left never comes to the books.
    """
    capture = refund.capture
    order = lock_order(session, capture.transaction.order_id)
    touched = refund.lines if went is None else capture.booking_lines
    lock_instalments_of(session, {line.instalment_id for line in touched})
    lines = _lock_lines(session, capture)
    agreed = refund.amount
    if went is not None:
        _plan_anew(session, refund, went)
        lines = _lock_lines(session, capture)
    refund.settled_at = clock.now()
    if decided_by is not None:  # what went without us is done with the second person's word
        refund.decided_by, refund.decided_at = decided_by, refund.settled_at
    refund.move_to(RefundStage.COMPLETED)
    refund.approved_amount = None if went is None else agreed
    originals = {line.order_line_id: line for line in lines if line.refund_id is None}
    for line in lines:
        if line.refund_id == refund.id and line.state is not BookingState.DROPPED:
            state = originals[line.order_line_id].state
            line.move_to(state if state in NOT_IN_BOOKS else BookingState.WAITING)
            _settle(session, originals[line.order_line_id], lines)
    _settle_rest(session, capture)
    if gone_of(capture) == capture.amount:
        capture.move_to(CaptureState.REFUNDED)
    session.flush()
    if _all_went_back(session, order):
        order.move_to(PaymentOrderState.REFUNDED)
    close_difference(session, refund.id, *FOR_A_PERSON, resolution="refund_completed")
    publish(session, "exchange.bookings_wait", capture.id)
    publish(session, "payments.refunded", refund.id)
    record_act(session, "refund.completed", subject="refund", subject_id=refund.id)


def _plan_anew(session: Session, refund: Refund, went: Money) -> None:
    """Its lines are of what went. What went above all that the capture has is in no ledger: the difference says it."""
    capture = refund.capture
    if went > refund.amount:
        _make_room(session, refund, went)
    left, taken = left_of_lines(capture), share_out(went, rooms_of(capture, refund))
    own = {line.order_line_id: line for line in refund.lines}
    for original in [line for line in capture.booking_lines if line.id in left]:
        planned, part = own.get(original.order_line_id), taken[original.id]
        if planned is None:
            if part:
                session.add(_planned(refund, original, left[original.id].split(part)))
        elif not part:
            planned.move_to(BookingState.DROPPED)
        elif part != -planned.amounts.total:
            planned.amounts = -(left[original.id] - planned.amounts).split(part)
    refund.amount = Money.total(taken.values())
    session.flush()
    session.expire(capture, ["booking_lines"])
    session.expire(refund, ["lines"])


def _make_room(session: Session, refund: Refund, went: Money) -> None:
    """What nobody has decided about gives way, the newest first, to money that is gone. It can be proposed anew."""
    capture = refund.capture
    for other in reversed(capture.refunds):
        if went <= Money.total(room.planned + room.free for room in rooms_of(capture, refund)):
            return
        if other.state is RefundStage.PROPOSED and other.kind is RefundKind.GATEWAY:
            _end(other, RefundStage.WITHDRAWN)
            close_difference(session, other.id, PROPOSED, resolution="overtaken")
            record_act(session, "refund.withdrawn", subject="refund", subject_id=other.id)


def _lock_lines(session: Session, capture: Capture) -> list[BookingLine]:
    """A batch may be made this very moment: which of the two came first is seen here."""
    return list(
        session.scalars(
            select(BookingLine)
            .where(BookingLine.capture_id == capture.id)
            .order_by(BookingLine.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def _settle(session: Session, original: BookingLine, lines: list[BookingLine]) -> None:
    """A line of which nothing is left outside the books is refunded; what is left of another waits on."""
    if original.state not in NOT_IN_BOOKS:
        return
    beside = [line for line in lines if line.order_line_id == original.order_line_id and line.state is original.state]
    left = Amounts.sum(line.amounts for line in beside)
    if left.total:
        lower_difference(session, original.id, *OF_A_LINE, to=left.total)
        return
    for line in beside:
        line.move_to(BookingState.REFUNDED)
        close_difference(session, line.id, *OF_A_LINE, resolution="refunded")


def _settle_rest(session: Session, capture: Capture) -> None:
    """What is left of money that did not fit its order."""
    if capture.reason is None:
        return
    left = on_no_line(capture)
    if left:
        lower_difference(session, capture.id, MISFIT, to=left)
    else:
        close_difference(session, capture.id, MISFIT, resolution="refunded")


def _all_went_back(session: Session, order: PaymentOrder) -> bool:
    of_order = Capture.transaction.has(Transaction.order_id == order.id)
    came = select(cast(func.sum(Capture.amount), BigInteger)).where(of_order)
    gone = select(cast(func.sum(Refund.amount), BigInteger)).where(
        Refund.state == RefundStage.COMPLETED, Refund.capture.has(of_order)
    )
    return bool(session.scalar(came) == session.scalar(gone))
