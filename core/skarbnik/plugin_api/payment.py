"""The contract of a payment gateway (bramka płatności): what it is asked, what it answers.

A plugin translates. States, retries, polling, money and storage belong to the core. Every call may raise
`ExternalSystemError` (it surely did not happen), `OutcomeUnknown` (it may have), `Refused` (the gateway said no),
`Misconfigured` (keys or settings are wrong).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, BinaryIO, ClassVar
from uuid import UUID

from skarbnik.errors import Refused, SkarbnikError
from skarbnik.http import HttpClient
from skarbnik.money import ZERO, Money


class Unsupported(SkarbnikError):
    """The gateway has no such ability; the core looks at `capabilities` and does not ask."""


class Capability(StrEnum):
    """What a gateway can do besides starting a payment, reading its notification and being asked."""

    CANCEL = "cancel"
    REFUND = "refund"
    METHODS = "methods"
    SETTLEMENT_REPORT = "settlement_report"
    STATEMENT_FILE = "statement_file"
    ACCESS_CHECK = "access_check"
    BLIK = "blik"


class TransactionState(StrEnum):
    """One attempt to pay. A gateway reports all but CREATED; UNKNOWN when it knows no such payment (yet)."""

    CREATED = "created"  # our id is stored, nobody was asked yet
    UNKNOWN = "unknown"  # asked, and it is not known what became of it
    PENDING = "pending"  # the gateway has it
    COMPLETED = "completed"  # the gateway has the money
    REJECTED = "rejected"  # refused, cancelled or expired there; money may still come late


class BlikProblem(StrEnum):
    """What is wrong with a BLIK code, as far as the gateway says it."""

    WRONG = "wrong"  # no such code
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    USED = "used"
    REFUSED = "refused"  # by the bank, or nobody says why
    NOT_HERE = "not_here"  # this merchant account may not ask for codes


class BlikRefused(Refused):
    """The code does not pay, and nothing will come of this attempt. `external_id` where the gateway gave one."""

    def __init__(self, problem: BlikProblem, external_id: str | None = None) -> None:
        super().__init__(f"the code was not taken: {problem}")
        self.problem = problem
        self.external_id = external_id


class RefundState(StrEnum):
    PENDING = "pending"
    COMPLETED = "completed"
    REJECTED = "rejected"


@dataclass(frozen=True)
class PaymentItem:
    """What one part of a payment is for. `name` has at most 140 characters and no personal data."""

    name: str
    amount: Money


@dataclass(frozen=True)
class PaymentRequest:
    """A payment to start. `transaction_id` is ours, stored before the call, and unique at the gateway for ever."""

    transaction_id: UUID
    amount: Money
    currency: str
    title: str  # at most 140 characters, no personal data
    items: tuple[PaymentItem, ...]
    payer_email: str | None
    payer_ip: str
    language: str  # ISO 639-1: pl, en, uk
    notify_url: str
    return_url: str
    valid_for: timedelta
    payer_agent: str | None = None  # what the payer's browser calls itself, ≤ 200
    blik_code: str | None = field(default=None, repr=False)  # six digits; only with `Capability.BLIK`


@dataclass(frozen=True)
class StartedPayment:
    """The gateway has it. Send the payer to `redirect_url`; None when nobody has to be sent anywhere."""

    external_id: str
    redirect_url: str | None


@dataclass(frozen=True)
class TransactionKey:
    """How to find a transaction at the gateway. `external_id` is None when the answer to `start` never came."""

    transaction_id: UUID
    external_id: str | None
    amount: Money
    currency: str


@dataclass(frozen=True)
class RawNotification:
    """A request exactly as it came: `body` is the raw bytes, header names are lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class NotificationHint:
    """What a notification with a good signature is about. Only a hint: the core asks the gateway.

    `key` tells one event from another and repeats when the same event is sent again (at most 120 characters).
    One of `transaction_id`, `external_id` is always known; `refund_id` only for news of a refund. `happened_at` is
    when the payer paid, where the gateway says so: by law the day of payment is the day the instrument was authorised
    (art. 60 § 1 Ordynacji podatkowej), however late the news comes.
    """

    key: str
    transaction_id: UUID | None
    external_id: str | None
    refund_id: UUID | None = None
    happened_at: datetime | None = None


@dataclass(frozen=True)
class GatewayReport:
    """What the gateway answered when asked. Facts only; the core compares them with what was ordered.

    `merchant` is what the answer says. Money without it, or for another account than it was ordered on, is kept and
    waits for a person. A gateway whose answers never say it reports the account whose keys it asked with: they prove
    as much. Money the plugin left unconfirmed because it is not what was ordered is PENDING with the amount and
    currency it came with; the core shows it to a person.
    """

    transaction_id: UUID
    external_id: str
    amount: Money
    currency: str
    state: TransactionState = TransactionState.COMPLETED
    merchant: str = ""  # the gateway's own number of the merchant account (POS, merchant id)
    method: str | None = None
    payment_id: str | None = None  # the id the gateway's settlement report uses, when it differs
    happened_at: datetime | None = None


@dataclass(frozen=True)
class RefundRequest:
    """Money to send back. `refund_id` is ours and makes the call safe to repeat."""

    refund_id: UUID
    transaction: TransactionKey
    amount: Money
    reason: str
    notify_url: str | None = None  # for a gateway that is told anew where news of a refund go


@dataclass(frozen=True)
class RefundKey:
    refund_id: UUID
    external_id: str | None
    transaction: TransactionKey


@dataclass(frozen=True)
class RefundReport:
    refund_id: UUID
    external_id: str
    amount: Money
    currency: str
    state: RefundState


class SettlementKind(StrEnum):
    """What a line of a gateway's report or statement is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"  # the payer's bank took the money back
    FEE = "fee"  # a fee that stands alone; one that belongs to another line is that line's `fee`
    CORRECTION = "correction"
    PAYOUT = "payout"  # a lump sum that left for the bank account (wypłata)


@dataclass(frozen=True)
class SettlementLine:
    """One line of what a gateway says happened on a merchant account. Facts only; the core compares them with its own.

    `amount` is what the line changed at the gateway, before any fee: payments are positive, refunds, chargebacks and
    fees negative, corrections either. A payout is positive: what reached the bank. `fee` is what was kept of the line,
    never negative; of a payout, what was kept for paying out, besides the fees of its lines. So the `amount` of a
    payout is the sum of its lines' amounts less their fees, less its own.

    `external_id` (at most 80 characters) tells one line from another of its kind for ever. Of a payment it is the
    `external_id` or `payment_id` of `GatewayReport`. `payment` is that id for a refund or chargeback, where it is told.
    """

    kind: SettlementKind
    external_id: str
    amount: Money
    currency: str
    happened_at: datetime  # with a zone
    fee: Money = ZERO
    payment: str | None = None
    transaction_id: UUID | None = None  # ours, where the line names it
    refund_id: UUID | None = None  # ours, where the line names it
    payout: str | None = None  # `external_id` of the payout the line was paid out with


@dataclass(frozen=True)
class PaymentMethod:
    """A way to pay that the gateway offers on this merchant account now."""

    id: str
    name: str
    smallest: Money | None = None
    largest: Money | None = None


class PaymentGateway(ABC):
    """A place a resident can be sent to in order to pay.

    One instance serves one merchant account with one version of its credentials and is kept while they are current, so
    an access token may live in it; several threads use it at once.
    """

    id: ClassVar[str]
    label: ClassVar[str]
    contract: ClassVar[int] = 1
    settings_type: ClassVar[type]
    capabilities: ClassVar[frozenset[Capability]] = frozenset()
    time_limit: ClassVar[timedelta] = timedelta(minutes=15)  # how long a payer may take; holds last as long

    @abstractmethod
    def __init__(self, settings: Any, http: HttpClient) -> None:
        """`settings` is an instance of `settings_type`; `http` reaches only what `hosts` names."""

    @classmethod
    @abstractmethod
    def hosts(cls, settings: Any) -> frozenset[str]:
        """The hosts (`name` or `name:port`) this merchant account needs to reach."""

    @classmethod
    @abstractmethod
    def merchant(cls, settings: Any) -> str:
        """The gateway's own number of the merchant account; reports and notifications must name it."""

    @abstractmethod
    def start(self, request: PaymentRequest) -> StartedPayment:
        """Register the payment and say where to send the resident.

        With a `blik_code` (needs `Capability.BLIK`) the payment is begun with it, and nobody is sent anywhere: the
        payer confirms in the bank's application. BlikRefused when the gateway says at once that the code does not pay.
        A code is written down nowhere, neither in a log nor in a message.
        """

    @abstractmethod
    def read_notification(self, raw: RawNotification) -> NotificationHint:
        """Check the signature over the raw bytes and name the transaction. Forged if it is not theirs.

        Where a gateway signs values instead of bytes, only those values count, each once and with the type it came in.
        Pure: no network, no clock, a few milliseconds. A body that is signed and cannot be understood is Forged too.
        """

    @abstractmethod
    def fetch(self, transaction: TransactionKey) -> GatewayReport:
        """Ask the gateway what became of a transaction; confirm it there when the gateway wants that.

        A transaction the gateway does not know is reported as UNKNOWN with an empty `external_id`.
        """

    def cancel(self, transaction: TransactionKey) -> GatewayReport:
        """Give up an unfinished payment there and report what it is now. Needs `Capability.CANCEL`."""
        raise Unsupported(self.id)

    def refund(self, request: RefundRequest) -> RefundReport:
        """Send money back, once however often it is called with one `refund_id`. Needs `Capability.REFUND`."""
        raise Unsupported(self.id)

    def fetch_refund(self, refund: RefundKey) -> RefundReport:
        """Ask what became of a refund. NotKnown when the gateway has none with this id. Needs `Capability.REFUND`."""
        raise Unsupported(self.id)

    def methods(self, *, language: str) -> Sequence[PaymentMethod]:
        """The ways to pay the gateway offers now. Needs `Capability.METHODS`."""
        raise Unsupported(self.id)

    def settlement_report(self, day: date) -> Sequence[SettlementLine]:
        """All that happened on a day in Warsaw: payments, refunds, chargebacks, fees, and the payouts that left.

        With a payout come all its lines, whichever day they are of, and each names it. A line may be told again, on
        another day too, and with more than before. Needs `Capability.SETTLEMENT_REPORT`.
        """
        raise Unsupported(self.id)

    def read_statement(self, stream: BinaryIO) -> Sequence[SettlementLine]:
        """The lines of a statement the office took from the gateway's panel. Needs `Capability.STATEMENT_FILE`.

        BrokenFile names every problem with its line: whatever is cut, doubled, of another account or not understood is
        one, and then nothing of the file is used. Pure: no network, no clock. The stream is as it was sent.
        """
        raise Unsupported(self.id)

    def check_access(self) -> None:
        """Ask whether our keys are taken, and nothing else. Misconfigured if not. Needs `Capability.ACCESS_CHECK`."""
        raise Unsupported(self.id)
