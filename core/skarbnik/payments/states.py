"""Which state may follow which. Nobody but `move_to` of a model assigns a state.

Captured money is never lowered by a state: it beats every failure, and only a refund or a chargeback takes it back.
"""

from __future__ import annotations

from enum import StrEnum
from typing import LiteralString, TypeVar

from skarbnik.errors import ForbiddenTransition
from skarbnik.plugin_api import TransactionState

S = TypeVar("S", bound=StrEnum)


class PaymentOrderState(StrEnum):
    CREATED = "created"
    STARTED = "started"  # somebody was sent to a gateway
    ABANDONED = "abandoned"  # nobody paid; money may still arrive late
    PARTLY_PAID = "partly_paid"  # it needs several transactions and some of them were captured
    PAID = "paid"
    REFUNDED = "refunded"


class CaptureState(StrEnum):
    ALLOCATED = "allocated"  # each grosz has its booking line
    IN_SUSPENSE = "in_suspense"  # it does not fit what was ordered; a person decides
    REFUNDED = "refunded"


class BookingState(StrEnum):
    WAITING = "waiting"  # for a batch
    IN_SUSPENSE = "in_suspense"  # the debt was paid already; a person decides
    SENT = "sent"  # in a batch
    REFUSED = "refused"  # by the finance system; a person decides
    BOOKED = "booked"  # the finance system gave a reference
    REFUNDED = "refunded"


class CommissionPayer(StrEnum):
    """Who bears what the gateway takes for a payment (art. 60 § 2a Ordynacji podatkowej lets it be the payer)."""

    GMINA = "gmina"
    PAYER = "payer"


class LinkOrigin(StrEnum):
    LINK = "link"  # a payer made it for somebody else
    CODE = "code"  # somebody typed the code printed on a decision


# Money that is ours and not in the finance system's figures yet: it lowers what is left until its echo is imported.
ON_ITS_WAY = (BookingState.WAITING, BookingState.SENT, BookingState.REFUSED, BookingState.BOOKED)
ON_ITS_WAY_SQL: LiteralString = ", ".join(f"'{state}'" for state in ON_ITS_WAY)  # as statements of hot pages have it

ORDER_NEXT: dict[StrEnum, set[StrEnum]] = {
    PaymentOrderState.CREATED: {
        PaymentOrderState.STARTED,
        PaymentOrderState.ABANDONED,
        PaymentOrderState.PARTLY_PAID,
        PaymentOrderState.PAID,
    },
    PaymentOrderState.STARTED: {
        PaymentOrderState.PARTLY_PAID,
        PaymentOrderState.PAID,
        PaymentOrderState.ABANDONED,
    },
    PaymentOrderState.ABANDONED: {
        PaymentOrderState.STARTED,
        PaymentOrderState.PARTLY_PAID,
        PaymentOrderState.PAID,
    },
    PaymentOrderState.PARTLY_PAID: {PaymentOrderState.PAID, PaymentOrderState.REFUNDED},
    PaymentOrderState.PAID: {PaymentOrderState.REFUNDED},
    PaymentOrderState.REFUNDED: set(),
}

TRANSACTION_NEXT: dict[StrEnum, set[StrEnum]] = {
    TransactionState.CREATED: {
        TransactionState.UNKNOWN,
        TransactionState.PENDING,
        TransactionState.COMPLETED,
        TransactionState.REJECTED,
    },
    TransactionState.UNKNOWN: {TransactionState.PENDING, TransactionState.COMPLETED, TransactionState.REJECTED},
    TransactionState.PENDING: {TransactionState.UNKNOWN, TransactionState.COMPLETED, TransactionState.REJECTED},
    TransactionState.REJECTED: {TransactionState.COMPLETED},
    TransactionState.COMPLETED: set(),
}

CAPTURE_NEXT: dict[StrEnum, set[StrEnum]] = {
    CaptureState.ALLOCATED: {CaptureState.REFUNDED},
    CaptureState.IN_SUSPENSE: {CaptureState.ALLOCATED, CaptureState.REFUNDED},
    CaptureState.REFUNDED: set(),
}

BOOKING_NEXT: dict[StrEnum, set[StrEnum]] = {
    BookingState.WAITING: {BookingState.SENT, BookingState.BOOKED, BookingState.REFUNDED},
    BookingState.IN_SUSPENSE: {BookingState.WAITING, BookingState.REFUNDED},
    BookingState.SENT: {BookingState.BOOKED, BookingState.REFUSED},
    BookingState.REFUSED: {BookingState.WAITING, BookingState.BOOKED, BookingState.REFUNDED},
    BookingState.BOOKED: set(),
    BookingState.REFUNDED: set(),
}


def step(table: dict[StrEnum, set[StrEnum]], current: S, to: S) -> S:
    """The next state, or ForbiddenTransition. Staying where one is is always allowed."""
    if to != current and to not in table[current]:
        raise ForbiddenTransition(f"{current} cannot become {to}")
    return to
