"""What residents decided to pay, what became of it at the gateway, and the money that must be booked."""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, composite, mapped_column, relationship

from skarbnik import clock
from skarbnik.accounts.models import User
from skarbnik.db import Base, new_id
from skarbnik.money import ZERO, Amounts, Money
from skarbnik.payers.models import Payer
from skarbnik.payments.states import (
    BOOKING_NEXT,
    CAPTURE_NEXT,
    ORDER_NEXT,
    REFUND_NEXT,
    TRANSACTION_NEXT,
    BookingState,
    CaptureState,
    CommissionPayer,
    LinkOrigin,
    PaymentOrderState,
    RefundKind,
    RefundStage,
    step,
)
from skarbnik.plugin_api import SettlementKind, TransactionState
from skarbnik.receivables.models import CreditorAccount, Instalment


class MerchantAccount(Base):
    """The gmina's account at a gateway (PayU POS, Przelewy24 merchant). It pays out to one creditor account."""

    __tablename__ = "merchant_accounts"
    __table_args__ = (
        UniqueConstraint("gateway", "merchant"),
        CheckConstraint(
            "commission_rate BETWEEN 0 AND 1000 AND commission_fixed BETWEEN 0 AND 1000", name="commission"
        ),
        CheckConstraint("num_nulls(proposal_id, proposed_keys, proposed_by, proposed_at) IN (0, 4)", name="proposal"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    gateway: Mapped[str] = mapped_column(String(40))
    merchant: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(80))
    creditor_account_id: Mapped[UUID] = mapped_column(ForeignKey(CreditorAccount.id))
    settings_version: Mapped[int]
    hook_secret: Mapped[str] = mapped_column(String(64), unique=True)
    enabled: Mapped[bool] = mapped_column(default=True)
    commission_payer: Mapped[CommissionPayer] = mapped_column(default=CommissionPayer.GMINA)
    commission_rate: Mapped[int] = mapped_column(default=0)  # hundredths of a per cent
    commission_fixed: Mapped[Money] = mapped_column(default=ZERO)
    blik: Mapped[bool] = mapped_column(default=False)  # the gateway agreed that our page asks for the code
    created_at: Mapped[datetime]
    proposal_id: Mapped[UUID | None]  # of new keys that wait for a second person
    proposed_keys: Mapped[bytes | None] = mapped_column(LargeBinary(8000))  # sealed
    proposed_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))
    proposed_at: Mapped[datetime | None]

    creditor_account: Mapped[CreditorAccount] = relationship()

    @property
    def holder(self) -> str:
        """Under which its keys are kept, see `PluginSettings`."""
        return f"merchant:{self.id}"


class PaymentLink(Base):
    """A way to pay chosen instalments without an account: a payer's link for somebody else, or a code that was typed.

    Whoever has the secret may see kinds, due days and amounts of these instalments, and pay them. Nothing else.
    """

    __tablename__ = "payment_links"
    __table_args__ = (
        Index("payment_links_payer_id_idx", "payer_id"),
        Index("payment_links_expires_at_idx", "expires_at", postgresql_where="origin = 'code'"),
        CheckConstraint("cardinality(instalment_ids) BETWEEN 1 AND 200", name="instalments"),
        CheckConstraint("(origin = 'link') = (created_by IS NOT NULL)", name="origin"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    origin: Mapped[LinkOrigin]
    payer_id: Mapped[UUID] = mapped_column(ForeignKey(Payer.id))  # liable, in whose name it is paid
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))
    instalment_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PaymentOrder(Base):
    """What somebody decided to pay (zlecenie płatności). Its lines are a snapshot, good for one day in Warsaw."""

    __tablename__ = "payment_orders"
    __table_args__ = (
        Index("payment_orders_payer_id_ordered_at_idx", "payer_id", "ordered_at"),
        Index("payment_orders_link_id_idx", "link_id", postgresql_where="link_id IS NOT NULL"),
        CheckConstraint("(link_id IS NULL) = (return_secret IS NULL)", name="return"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    request_key: Mapped[UUID] = mapped_column(unique=True)  # one per form shown: a double click orders once
    state: Mapped[PaymentOrderState] = mapped_column(default=PaymentOrderState.CREATED)
    payer_id: Mapped[UUID] = mapped_column(ForeignKey(Payer.id))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))
    link_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_links.id"))  # by which somebody pays for the payer
    return_secret: Mapped[str | None] = mapped_column(String(64))  # a gateway is told it: it shows this order
    amount: Mapped[Money]
    email: Mapped[str | None] = mapped_column(String(120))  # of who pays; where the confirmation goes
    language: Mapped[str] = mapped_column(String(5))
    ordered_on: Mapped[date]
    ordered_at: Mapped[datetime]
    held_until: Mapped[datetime]  # others are warned till then, never locked out
    paid_at: Mapped[datetime | None]

    lines: Mapped[list[OrderLine]] = relationship(back_populates="order", order_by="OrderLine.position")
    transactions: Mapped[list[Transaction]] = relationship(back_populates="order", order_by="Transaction.created_at")

    @property
    def refunds(self) -> list[Refund]:
        """Of all money that came for it, in the order they were proposed."""
        captures = [capture for transaction in self.transactions for capture in transaction.captures]
        return sorted((each for capture in captures for each in capture.refunds), key=lambda each: each.requested_at)

    def move_to(self, state: PaymentOrderState) -> None:
        self.state = step(ORDER_NEXT, self.state, state)


class OrderLine(Base):
    """One instalment in an order, as it was when it was ordered."""

    __tablename__ = "order_lines"
    __table_args__ = (
        Index("order_lines_order_id_idx", "order_id"),
        Index("order_lines_instalment_id_idx", "instalment_id"),
        CheckConstraint(
            "principal >= 0 AND interest >= 0 AND costs >= 0 AND principal + interest + costs > 0", name="amounts"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("payment_orders.id"))
    position: Mapped[int]
    instalment_id: Mapped[UUID] = mapped_column(ForeignKey(Instalment.id))
    instalment_digest: Mapped[UUID]  # the version of the row that was shown
    payer_id: Mapped[UUID] = mapped_column(ForeignKey(Payer.id))  # liable, in whose name it is paid
    creditor_account_id: Mapped[UUID] = mapped_column(ForeignKey(CreditorAccount.id))
    title: Mapped[str] = mapped_column(String(240))
    is_part: Mapped[bool] = mapped_column(default=False)  # less than was left when it was ordered
    principal: Mapped[Money]
    interest: Mapped[Money]
    costs: Mapped[Money]

    order: Mapped[PaymentOrder] = relationship(back_populates="lines")
    instalment: Mapped[Instalment] = relationship()
    amounts: Mapped[Amounts] = composite("principal", "interest", "costs")


class Transaction(Base):
    """One attempt at a gateway to pay the lines of an order that its merchant account receives."""

    __tablename__ = "transactions"
    __table_args__ = (
        UniqueConstraint("merchant_account_id", "external_id"),
        Index("transactions_order_id_idx", "order_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("payment_orders.id"))
    merchant_account_id: Mapped[UUID] = mapped_column(ForeignKey("merchant_accounts.id"))
    settings_version: Mapped[int]
    state: Mapped[TransactionState] = mapped_column(default=TransactionState.CREATED)
    external_id: Mapped[str | None] = mapped_column(String(80))
    amount: Mapped[Money]
    is_blik: Mapped[bool] = mapped_column(default=False)  # begun with a code on our page; the code is kept nowhere
    redirect_url: Mapped[str | None] = mapped_column(String(1000))
    asked_times: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(200))  # the last thing the gateway said, for the office
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    order: Mapped[PaymentOrder] = relationship(back_populates="transactions")
    merchant_account: Mapped[MerchantAccount] = relationship()
    captures: Mapped[list[Capture]] = relationship(back_populates="transaction")

    def move_to(self, state: TransactionState) -> None:
        self.state = step(TRANSACTION_NEXT, self.state, state)


class Notification(Base):
    """What a gateway sent us, raw, once. A hint that rings the worker; never proof of anything."""

    __tablename__ = "notifications"
    __table_args__ = (UniqueConstraint("merchant_account_id", "key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_account_id: Mapped[UUID] = mapped_column(ForeignKey("merchant_accounts.id"))
    key: Mapped[str] = mapped_column(String(120))
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("transactions.id"), index=True)
    headers: Mapped[str] = mapped_column(String(4000))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]
    happened_at: Mapped[datetime | None]  # when the payer paid, as the gateway signed it


class Capture(Base):
    """Money the gateway confirmed to have, once. Kept whatever else is wrong."""

    __tablename__ = "captures"
    __table_args__ = (
        UniqueConstraint("merchant_account_id", "external_id"),
        Index("captures_transaction_id_idx", "transaction_id"),
        Index("captures_captured_at_idx", "captured_at"),
        Index("captures_payment_id_idx", "payment_id", postgresql_where="payment_id IS NOT NULL"),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("transactions.id"))
    merchant_account_id: Mapped[UUID] = mapped_column(ForeignKey("merchant_accounts.id"))
    external_id: Mapped[str] = mapped_column(String(80))
    payment_id: Mapped[str | None] = mapped_column(String(80))  # the number in the gateway's settlement report
    amount: Mapped[Money]
    currency: Mapped[str] = mapped_column(String(3))
    method: Mapped[str | None] = mapped_column(String(40))
    state: Mapped[CaptureState]
    reason: Mapped[str | None] = mapped_column(String(24))  # why it is in suspense
    captured_at: Mapped[datetime]  # when the gateway confirmed: the day of payment by law
    recorded_at: Mapped[datetime]

    transaction: Mapped[Transaction] = relationship(back_populates="captures")
    booking_lines: Mapped[list[BookingLine]] = relationship(back_populates="capture")
    refunds: Mapped[list[Refund]] = relationship(back_populates="capture", order_by="Refund.requested_at")

    def move_to(self, state: CaptureState) -> None:
        self.state = step(CAPTURE_NEXT, self.state, state)


class Refund(Base):
    """Captured money on its way back. Two people: who asks and who approves.

    Its id is what the gateway knows it by. Its booking lines have negative amounts; what of it no line names is money
    that was never put on the lines of the order.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        Index("refunds_capture_id_idx", "capture_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("decided_by IS NULL OR decided_by <> requested_by", name="four_eyes"),
        CheckConstraint("(decided_by IS NULL) = (state IN ('proposed', 'withdrawn'))", name="decided"),
        CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decided_at"),
        CheckConstraint("(declined_because IS NOT NULL) = (state = 'declined')", name="declined"),
        CheckConstraint("kind = 'gateway' OR (happened_on IS NOT NULL AND reference IS NOT NULL)", name="outside"),
        CheckConstraint("kind = 'gateway' OR state NOT IN ('approved', 'sent', 'rejected')", name="asked"),
        CheckConstraint(
            "approved_amount IS NULL OR (kind = 'gateway' AND state = 'completed')", name="approved_amount"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    capture_id: Mapped[UUID] = mapped_column(ForeignKey("captures.id"))
    kind: Mapped[RefundKind]
    amount: Mapped[Money]  # once it is completed, what went of this capture
    approved_amount: Mapped[Money | None]  # what two people agreed to, where the gateway sent another amount
    state: Mapped[RefundStage] = mapped_column(default=RefundStage.PROPOSED)
    external_id: Mapped[str | None] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(200))
    happened_on: Mapped[date | None]  # the day the money went, where we were told of it
    reference: Mapped[str | None] = mapped_column(String(80))  # of the transfer, or of the complaint
    requested_by: Mapped[UUID] = mapped_column(ForeignKey(User.id))
    requested_at: Mapped[datetime]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))
    decided_at: Mapped[datetime | None]
    declined_because: Mapped[str | None] = mapped_column(String(200))
    asked_times: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(200))  # the last thing the gateway said, for the office
    settled_at: Mapped[datetime | None]  # when it ended, one way or the other

    capture: Mapped[Capture] = relationship(back_populates="refunds")
    lines: Mapped[list[BookingLine]] = relationship(back_populates="refund", order_by="BookingLine.id")

    @property
    def went_back_at(self) -> datetime | None:
        """When the money was gone: as the gateway told us, or noon of the day somebody wrote down."""
        if self.happened_on is not None:
            return datetime.combine(self.happened_on, time(12), tzinfo=clock.WARSAW)
        return self.settled_at if self.state is RefundStage.COMPLETED else None

    def move_to(self, state: RefundStage) -> None:
        self.state = step(REFUND_NEXT, self.state, state)


class BookingLine(Base):
    """A part of a capture that pays one order line and must be booked by the finance system.

    Its id is our booking id; `seen_at` is when an imported operation echoed it, which closes the line for as
    long as that operation is in the books.
    What goes back of a line is a line of its own with negative amounts beside it.
    """

    __tablename__ = "booking_lines"
    __table_args__ = (
        UniqueConstraint("capture_id", "order_line_id", "refund_id", postgresql_nulls_not_distinct=True),
        Index("booking_lines_waiting_idx", "recorded_at", postgresql_where="state = 'waiting'"),
        Index("booking_lines_not_seen_idx", "instalment_id", postgresql_where="seen_at IS NULL"),
        CheckConstraint("(refund_id IS NULL) = (principal + interest + costs > 0)", name="sign"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    capture_id: Mapped[UUID] = mapped_column(ForeignKey("captures.id"))
    order_line_id: Mapped[UUID] = mapped_column(ForeignKey("order_lines.id"))
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey("refunds.id"))
    instalment_id: Mapped[UUID] = mapped_column(ForeignKey(Instalment.id))
    principal: Mapped[Money]
    interest: Mapped[Money]
    costs: Mapped[Money]
    state: Mapped[BookingState]
    reason: Mapped[str | None] = mapped_column(String(200))
    reference: Mapped[str | None] = mapped_column(String(64))  # numer dowodu
    booked_on: Mapped[date | None]
    recorded_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]

    capture: Mapped[Capture] = relationship(back_populates="booking_lines")
    refund: Mapped[Refund | None] = relationship(back_populates="lines")
    order_line: Mapped[OrderLine] = relationship()
    amounts: Mapped[Amounts] = composite("principal", "interest", "costs")

    def move_to(self, state: BookingState) -> None:
        self.state = step(BOOKING_NEXT, self.state, state)


class Difference(Base):
    """Something between gateway, portal and finance system that a person has to look at (różnica).

    `subject_id` is what differs: a capture, a transaction, a booking line, a settlement line or a payout, by kind.
    """

    __tablename__ = "differences"
    __table_args__ = (
        Index("differences_open_key", "kind", "subject_id", unique=True, postgresql_where="closed_at IS NULL"),
        Index("differences_day_idx", "day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID]
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_orders.id"))
    merchant_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchant_accounts.id"))
    day: Mapped[date | None]  # in Warsaw, of the money it is about
    amount: Mapped[Money | None]
    opened_at: Mapped[datetime]
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))  # who looks into it
    note: Mapped[str | None] = mapped_column(String(200))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))  # nobody: it mended itself
    resolution: Mapped[str | None] = mapped_column(String(200))


class SettlementOrigin(StrEnum):
    """How we know what the gateway says."""

    REPORT = "report"  # its report of a day
    ASKED = "asked"  # it was asked about each payment, having no report
    STATEMENT = "statement"  # a file the office took from its panel


class SettlementReport(Base):
    """A day of a merchant account, and whether its gateway has told about it."""

    __tablename__ = "settlement_reports"
    __table_args__ = (UniqueConstraint("merchant_account_id", "day"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_account_id: Mapped[UUID] = mapped_column(ForeignKey("merchant_accounts.id"))
    day: Mapped[date]
    origin: Mapped[SettlementOrigin]
    asked_at: Mapped[datetime]
    asked_to: Mapped[UUID | None]  # the last transaction asked about, while they are asked one by one
    told_at: Mapped[datetime | None]  # when the gateway told all of it
    error: Mapped[str | None] = mapped_column(String(40))  # why it did not the last time


class Payout(Base):
    """A lump sum a gateway sent to the bank account (wypłata)."""

    __tablename__ = "payouts"
    __table_args__ = (
        UniqueConstraint("merchant_account_id", "external_id"),
        CheckConstraint("fee >= 0", name="fee_not_negative"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_account_id: Mapped[UUID] = mapped_column(ForeignKey("merchant_accounts.id"))
    external_id: Mapped[str] = mapped_column(String(80))
    amount: Mapped[Money]  # what reached the bank
    fee: Mapped[Money]  # kept for paying out, besides the fees of the lines
    currency: Mapped[str] = mapped_column(String(3))
    paid_on: Mapped[date]
    told_at: Mapped[datetime]

    merchant_account: Mapped[MerchantAccount] = relationship()


class SettlementLine(Base):
    """What a gateway says happened on a merchant account, a line, once; its newest word when it says it again.

    `counts_on` is the day in Warsaw it is compared on: that of the capture a payment belongs to, else its own. A
    payment seconds before midnight is not on two days.
    """

    __tablename__ = "settlement_lines"
    __table_args__ = (
        UniqueConstraint("merchant_account_id", "kind", "external_id"),
        Index("settlement_lines_counts_on_idx", "counts_on"),
        Index("settlement_lines_payout_id_idx", "payout_id", postgresql_where="payout_id IS NOT NULL"),
        Index("settlement_lines_capture_key", "capture_id", unique=True, postgresql_where="kind = 'payment'"),
        Index("settlement_lines_unmatched_idx", "merchant_account_id", postgresql_where="capture_id IS NULL"),
        CheckConstraint("fee >= 0", name="fee_not_negative"),
        CheckConstraint(
            "CASE kind WHEN 'payment' THEN amount > 0 WHEN 'correction' THEN true ELSE amount < 0 END", name="sign"
        ),
        CheckConstraint("kind <> 'payout'", name="no_payout"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_account_id: Mapped[UUID] = mapped_column(ForeignKey("merchant_accounts.id"))
    kind: Mapped[SettlementKind]
    external_id: Mapped[str] = mapped_column(String(80))
    payment_id: Mapped[str | None] = mapped_column(String(80))  # the gateway's number of the payment it belongs to
    amount: Mapped[Money]  # negative when money left
    fee: Mapped[Money]
    currency: Mapped[str] = mapped_column(String(3))
    happened_at: Mapped[datetime]
    counts_on: Mapped[date]
    origin: Mapped[SettlementOrigin]
    told_at: Mapped[datetime]
    payout_id: Mapped[UUID | None] = mapped_column(ForeignKey("payouts.id"))
    transaction_id: Mapped[UUID | None] = mapped_column(ForeignKey("transactions.id"))
    capture_id: Mapped[UUID | None] = mapped_column(ForeignKey("captures.id"))
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey("refunds.id"))
