"""Where is my money: one timeline from the order to the booking, the same for the resident and the clerk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flask_babel import gettext as _

from skarbnik.payments.models import BookingLine, Capture, PaymentOrder, Refund, Transaction
from skarbnik.payments.queries import rest_of
from skarbnik.payments.states import (
    AT_THE_GATEWAY,
    COUNTS_NOWHERE,
    ON_ITS_WAY,
    BookingState,
    CaptureState,
    PaymentOrderState,
    RefundKind,
    RefundStage,
)
from skarbnik.plugin_api import TransactionState
from skarbnik.web.formats import day, money

_NOWHERE = (*COUNTS_NOWHERE, BookingState.REFUNDED)  # the accounts never hear of it


class Mark(StrEnum):
    DONE = "done"
    NOW = "now"
    WAITS = "waits"
    WRONG = "wrong"


@dataclass(frozen=True)
class Step:
    """One thing that happened, happens now, or will."""

    mark: Mark
    title: str
    text: str
    at: datetime | None = None


def make_timeline(order: PaymentOrder) -> list[Step]:
    """The steps of an order in the order they happen. It says what is known, and nothing that is hoped."""
    steps = [Step(Mark.DONE, _("Ordered"), _("Order %(number)s was made.", number=order.number), order.ordered_at)]
    captures = [capture for transaction in order.transactions for capture in transaction.captures]
    for transaction in order.transactions:
        steps.extend(_attempt(transaction))
        steps.extend(_captured(capture) for capture in transaction.captures)
    if not captures:
        if order.state is PaymentOrderState.ABANDONED and not order.transactions:
            steps.append(Step(Mark.WAITS, _("Not paid"), _("Nothing was charged. You can pay again.")))
        return steps
    lines = [line for capture in captures for line in capture.booking_lines if line.state not in _NOWHERE]
    paid = [line for line in lines if line.refund_id is None]
    if paid:
        steps.append(_sent(paid))
        steps.append(_booked(paid))
        steps.append(_seen(paid))
    steps.extend(_went_back(order.refunds))
    taken_back = [line for line in lines if line.refund_id is not None and line.state in ON_ITS_WAY]
    if taken_back:
        steps.append(_taken_back(taken_back))
    if order.state is PaymentOrderState.PARTLY_PAID:
        text = _("%(amount)s goes to another bank account and is not paid yet.", amount=money(rest_of(order)))
        steps.append(Step(Mark.WAITS, _("The rest"), text))
    return steps


def _attempt(transaction: Transaction) -> list[Step]:
    title = _("Sent to %(gateway)s", gateway=transaction.merchant_account.title)
    at = transaction.started_at or transaction.created_at
    if transaction.state is TransactionState.COMPLETED or transaction.captures:  # read a moment apart: money wins
        return [Step(Mark.DONE, title, "", at)]
    if transaction.state is TransactionState.REJECTED and transaction.external_id is None:
        title = _("Not taken by %(gateway)s", gateway=transaction.merchant_account.title)
        text = _("The payment did not begin there. Nothing was charged.")
        return [Step(Mark.WRONG, title, text, transaction.ended_at)]
    if transaction.state is TransactionState.REJECTED:
        text = _("The payment was not completed there. Nothing was charged.")
        return [Step(Mark.DONE, title, "", at), Step(Mark.WRONG, _("Not completed"), text, transaction.ended_at)]
    if transaction.state is TransactionState.PENDING:
        text = _("We are waiting for the confirmation. This page shows it as soon as it comes.")
        return [Step(Mark.DONE, title, "", at), Step(Mark.NOW, _("Waiting for the payment"), text)]
    text = _("The gateway has not answered yet. We keep asking; nothing can be paid twice without us noticing.")
    return [Step(Mark.NOW, title, text, at)]


def _captured(capture: Capture) -> Step:
    if capture.state is CaptureState.IN_SUSPENSE:
        text = _("The money came, but it does not match the order. The office has been told and will decide.")
        return Step(Mark.WRONG, _("Paid, being clarified"), text, capture.captured_at)
    return Step(Mark.DONE, _("Paid"), _("The gateway confirmed the money to us."), capture.captured_at)


def _went_back(refunds: list[Refund]) -> list[Step]:
    """What went back, or is on its way. Why is the office's own; what nobody decided yet is not told."""
    steps = []
    for refund in refunds:
        words = {"amount": money(refund.amount, refund.capture.currency), "day": day(refund.happened_on)}
        if refund.state is RefundStage.COMPLETED and refund.kind is RefundKind.CHARGEBACK:
            text = _("%(amount)s was taken back by the payer's bank on %(day)s.", **words)
            steps.append(Step(Mark.DONE, _("Taken back"), text))
        elif refund.state is RefundStage.COMPLETED and refund.kind is RefundKind.OUTSIDE:
            text = _("%(amount)s was sent back by the office on %(day)s.", **words)
            steps.append(Step(Mark.DONE, _("Refunded"), text))
        elif refund.state is RefundStage.COMPLETED:
            text = _("%(amount)s was sent back to where it was paid from.", **words)
            steps.append(Step(Mark.DONE, _("Refunded"), text, refund.settled_at))
        elif refund.state in AT_THE_GATEWAY:
            text = _("%(amount)s is being sent back to where it was paid from.", **words)
            steps.append(Step(Mark.NOW, _("Refund on its way"), text, refund.decided_at))
        elif refund.state is RefundStage.REJECTED:
            text = _("The gateway could not send %(amount)s back. The office has been told.", **words)
            steps.append(Step(Mark.WRONG, _("Refund not possible"), text, refund.settled_at))
    return steps


def _taken_back(lines: list[BookingLine]) -> Step:
    """The finance system hears of what went back, as it heard of what came."""
    title = _("Refund in the office's accounts")
    if any(line.state is BookingState.REFUSED for line in lines):
        return Step(Mark.WRONG, title, _("The office's accounts did not take it as it is. The office has been told."))
    seen = [line.seen_at for line in lines if line.seen_at is not None]
    if len(seen) < len(lines):
        return Step(Mark.WAITS, title, _("With the next data from the finance system."))
    return Step(Mark.DONE, title, "", max(seen))


def _sent(lines: list[BookingLine]) -> Step:
    title = _("Handed to the office's accounts")
    stuck = [line for line in lines if line.state is BookingState.IN_SUSPENSE]
    if any(line.reason == "closed" for line in stuck):
        text = _("The gmina closed a part of the debt meanwhile. The office decides whether to book or refund it.")
        return Step(Mark.WRONG, title, text)
    if stuck:
        text = _("A part was paid by somebody else meanwhile. The office decides whether to book or refund it.")
        return Step(Mark.WRONG, title, text)
    sent = [line.sent_at for line in lines if line.sent_at is not None]
    if len(sent) < len(lines):
        return Step(Mark.NOW, title, _("Usually within a few minutes."))
    return Step(Mark.DONE, title, "", max(sent))


def _booked(lines: list[BookingLine]) -> Step:
    title = _("Booked")
    if any(line.state is BookingState.REFUSED for line in lines):
        return Step(Mark.WRONG, title, _("The office's accounts did not take it as it is. The office has been told."))
    booked = [line for line in lines if line.state is BookingState.BOOKED]
    if len(booked) < len(lines):
        return Step(Mark.WAITS, title, _("The office's finance system books it and gives a reference."))
    references = sorted({line.reference for line in booked if line.reference})
    shown = ", ".join(references[:5]) + (" …" if len(references) > 5 else "")
    return Step(Mark.DONE, title, _("Reference: %(references)s", references=shown), _latest(booked))


def _latest(lines: list[BookingLine]) -> datetime | None:
    return max((line.answered_at for line in lines if line.answered_at is not None), default=None)


def _seen(lines: list[BookingLine]) -> Step:
    title = _("Shown in your balance")
    seen = [line.seen_at for line in lines if line.seen_at is not None]
    if len(seen) < len(lines):
        return Step(Mark.WAITS, title, _("With the next data from the finance system."))
    return Step(Mark.DONE, title, "", max(seen))
