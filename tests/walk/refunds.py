"""Money that goes back, in every state it may be in, for pages to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.money import Money
from skarbnik.payments.models import Capture, Notification, Transaction
from skarbnik.payments.refunds import (
    approve_refund,
    decline_refund,
    mark_refund_refused,
    propose_refund,
    withdraw_refund,
)
from skarbnik.payments.states import RefundKind
from skarbnik.testing.factories import OfficialFactory


@dataclass(frozen=True)
class Refunded:
    """What stands in addresses of such pages. Refunds by how they ended; `unfit_id` is of money that fits no line."""

    capture_id: Any
    booking_id: Any
    unfit_id: Any
    notification_id: Any
    refunds: dict[str, Any]


def refund_some(session: Session, *, paid: str, unfit: str, text: str) -> Refunded:
    """Of the order that was paid, by two officials; `text` stands wherever somebody writes one."""
    capture = _capture(session, paid)
    (line,) = capture.booking_lines
    first, second = (OfficialFactory(password_hash=None, name=text[:120]).id for _ in range(2))
    refunds = {}
    for end in ("proposed", "withdrawn", "declined", "approved", "completed", "rejected"):
        made = propose_refund(
            session,
            capture.id,
            kind=RefundKind.OUTSIDE if end == "completed" else RefundKind.GATEWAY,
            lines={line.id: Money(100)},
            reason=text[:200],
            by=first,
            happened_on=clock.today(),
            reference=text[:80],
        )
        refunds[end] = made.id
        if end == "withdrawn":
            withdraw_refund(session, made.id, by=first)
        elif end == "declined":
            decline_refund(session, made.id, by=second, reason=text[:200])
        elif end != "proposed":
            approve_refund(session, made.id, by=second)
        if end == "rejected":
            mark_refund_refused(session, made.id, answer="PayU answered 400 OPENPAYU_BUSINESS_ERROR 9102")
    told = select(Notification.id).where(Notification.transaction_id == capture.transaction_id)
    return Refunded(capture.id, line.id, _capture(session, unfit).id, session.scalars(told).one(), refunds)


def _capture(session: Session, number: str) -> Capture:
    of_order = Capture.transaction.has(Transaction.order.has(number=number))
    return session.scalars(select(Capture).where(of_order)).one()
