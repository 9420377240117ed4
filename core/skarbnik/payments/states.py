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


class RefundKind(StrEnum):
    """How money that came goes back."""

    GATEWAY = "gateway"  # we ask the gateway
    OUTSIDE = "outside"  # somebody sent it back by transfer or in the gateway's panel; recorded here
    CHARGEBACK = "chargeback"  # the gateway took it back: the payer complained to the bank


class RefundStage(StrEnum):
    """How far a refund is here. What the gateway calls its own states is `plugin_api.RefundState`."""

    PROPOSED = "proposed"  # by one person; nothing moves before another one decides
    WITHDRAWN = "withdrawn"  # by who proposed it
    DECLINED = "declined"  # by the second person, with a reason
    APPROVED = "approved"  # by the second person: the gateway is being asked, and may have it already
    SENT = "sent"  # the gateway has it
    COMPLETED = "completed"  # the money is gone
    REJECTED = "rejected"  # the gateway said no; it can be proposed anew


DEAD_REFUNDS = (RefundStage.WITHDRAWN, RefundStage.DECLINED, RefundStage.REJECTED)  # no money moved, none will
AT_THE_GATEWAY = (RefundStage.APPROVED, RefundStage.SENT)


class BookingState(StrEnum):
    PLANNED = "planned"  # of a refund whose money is still here; counts nowhere
    DROPPED = "dropped"  # of a refund that came to nothing; counts nowhere
    WAITING = "waiting"  # for a batch
    IN_SUSPENSE = "in_suspense"  # the debt was paid already; a person decides
    SENT = "sent"  # in a batch
    REFUSED = "refused"  # by the finance system; a person decides
    BOOKED = "booked"  # the finance system gave a reference
    REFUNDED = "refunded"  # with the lines of its refunds it is nothing, and the finance system never hears of them


# Lines a completed refund takes its place beside, unless they are in the books.
NOT_IN_BOOKS = (BookingState.WAITING, BookingState.IN_SUSPENSE, BookingState.REFUSED, BookingState.REFUNDED)
COUNTS_NOWHERE = (BookingState.PLANNED, BookingState.DROPPED)
COUNTS_NOWHERE_SQL: LiteralString = ", ".join(f"'{state}'" for state in COUNTS_NOWHERE)


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
        PaymentOrderState.REFUNDED,  # what came did not fit it, and went back
    },
    PaymentOrderState.STARTED: {
        PaymentOrderState.PARTLY_PAID,
        PaymentOrderState.PAID,
        PaymentOrderState.ABANDONED,
        PaymentOrderState.REFUNDED,
    },
    PaymentOrderState.ABANDONED: {
        PaymentOrderState.STARTED,
        PaymentOrderState.PARTLY_PAID,
        PaymentOrderState.PAID,
        PaymentOrderState.REFUNDED,
    },
    PaymentOrderState.PARTLY_PAID: {PaymentOrderState.PAID, PaymentOrderState.REFUNDED},
    PaymentOrderState.PAID: {PaymentOrderState.REFUNDED},
    PaymentOrderState.REFUNDED: {PaymentOrderState.PARTLY_PAID, PaymentOrderState.PAID},  # other money came late
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

REFUND_NEXT: dict[StrEnum, set[StrEnum]] = {
    RefundStage.PROPOSED: {
        RefundStage.WITHDRAWN,
        RefundStage.DECLINED,
        RefundStage.APPROVED,
        RefundStage.COMPLETED,  # recorded by one, confirmed by another: the money went without us
    },
    RefundStage.WITHDRAWN: set(),
    RefundStage.DECLINED: set(),
    RefundStage.APPROVED: {RefundStage.SENT, RefundStage.COMPLETED, RefundStage.REJECTED},
    RefundStage.SENT: {RefundStage.COMPLETED, RefundStage.REJECTED},
    RefundStage.COMPLETED: set(),
    RefundStage.REJECTED: set(),
}

BOOKING_NEXT: dict[StrEnum, set[StrEnum]] = {
    BookingState.PLANNED: {
        BookingState.DROPPED,
        BookingState.WAITING,
        BookingState.IN_SUSPENSE,
        BookingState.REFUSED,
    },
    BookingState.DROPPED: set(),
    BookingState.WAITING: {BookingState.SENT, BookingState.BOOKED, BookingState.REFUNDED, BookingState.REFUSED},
    BookingState.IN_SUSPENSE: {BookingState.WAITING, BookingState.REFUNDED},
    BookingState.SENT: {BookingState.BOOKED, BookingState.REFUSED},
    BookingState.REFUSED: {BookingState.WAITING, BookingState.BOOKED, BookingState.REFUNDED},
    BookingState.BOOKED: set(),
    # the finance system booked what it had refused: then it must also hear that the money went back
    BookingState.REFUNDED: {BookingState.BOOKED, BookingState.WAITING},
}


def step(table: dict[StrEnum, set[StrEnum]], current: S, to: S) -> S:
    """The next state, or ForbiddenTransition. Staying where one is is always allowed."""
    if to != current and to not in table[current]:
        raise ForbiddenTransition(f"{current} cannot become {to}")
    return to
