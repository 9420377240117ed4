"""What is owed, as the finance system keeps it. Mirrored columns are written by imports only."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, composite, mapped_column, relationship

from skarbnik.accounts.models import User
from skarbnik.db import Base, new_id
from skarbnik.money import Amounts, Money
from skarbnik.payers.models import Payer
from skarbnik.plugin_api import LARGEST_DOCUMENT, LiabilityRole, OperationKind, Regime


class CreditorAccount(Base):
    """A bank account of the gmina or of one of its units, which receives some kinds of receivables."""

    __tablename__ = "creditor_accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    nrb: Mapped[str] = mapped_column(String(26), unique=True)
    owner: Mapped[str] = mapped_column(String(120))
    title: Mapped[str] = mapped_column(String(120))


class DatedKind(StrEnum):
    """What changes by date and the office may add to."""

    TAX_RATE = "tax_rate"
    CIVIL_RATE = "civil_rate"
    TAX_THRESHOLD = "tax_threshold"
    REMINDER_COST = "reminder_cost"
    OTHERS_LIMIT = "others_limit"  # of a tax that anybody may pay in another's name
    FREE_DAY = "free_day"  # free from work by a law younger than this release, as 12 November 2018 was


class DatedValue(Base):
    """A value of the law that an office added or corrected; those known at the release are shipped with the product.

    A value that was taken back stays as an empty row: whoever remembers the values sees that they changed.
    """

    __tablename__ = "dated_values"

    kind: Mapped[DatedKind] = mapped_column(primary_key=True)
    from_on: Mapped[date] = mapped_column(primary_key=True)
    value: Mapped[int | None]  # hundredths of a per cent, or grosze; 1 of a day off
    note: Mapped[str] = mapped_column(String(200))
    changed_at: Mapped[datetime]


class InterestMode(StrEnum):
    """Where the interest of a kind comes from."""

    GIVEN = "given"  # as the finance system said at its last export
    COMPUTED = "computed"  # by the law's rates to the day somebody looks at it


class Kind(Base):
    """A kind of receivable (rodzaj należności): the finance system names it, the office says how it is paid."""

    __tablename__ = "kinds"
    __table_args__ = (UniqueConstraint("source", "code"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(String(120))
    regime: Mapped[Regime]
    creditor_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("creditor_accounts.id"))
    said_account: Mapped[str | None] = mapped_column(String(26))  # as the finance system named it last
    position: Mapped[int] = mapped_column(default=100)
    online: Mapped[bool] = mapped_column(default=True)  # may be paid through a gateway
    in_parts: Mapped[bool] = mapped_column(default=False)  # less than an instalment may be paid
    interest: Mapped[InterestMode] = mapped_column(default=InterestMode.GIVEN)
    resolution: Mapped[str | None] = mapped_column(String(80))  # of the council that allows payment online, art. 61a

    creditor_account: Mapped[CreditorAccount | None] = relationship()

    @property
    def takes_parts(self) -> bool:
        """Less than an instalment may be paid. Not where civil interest is computed here: it is paid before the
        principal (art. 451 § 1 Kodeksu cywilnego), and nobody here remembers which days it was paid for."""
        return self.in_parts and not (self.regime is Regime.CIVIL and self.interest is InterestMode.COMPUTED)


class OfficialScope(Base):
    """One row of what an official works with: a kind, or all kinds that are paid to an account of a unit.

    Who has no row works with all there is. Whose roles have the administrator's is not limited by any.
    """

    __tablename__ = "official_scopes"
    __table_args__ = (
        UniqueConstraint("user_id", "kind_id", "creditor_account_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("num_nulls(kind_id, creditor_account_id) = 1", name="one_thing"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id))
    kind_id: Mapped[UUID | None] = mapped_column(ForeignKey("kinds.id"))
    creditor_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("creditor_accounts.id"))

    __mapper_args__ = {"primary_key": [user_id, kind_id, creditor_account_id]}  # as SQLAlchemy reads it


class Receivable(Base):
    """One debt (należność): a tax for a year, a lease, a permit, the cost of a reminder with its parent."""

    __tablename__ = "receivables"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index(
            "receivables_payment_code_key",
            "payment_code",
            "source",
            unique=True,
            postgresql_where="payment_code IS NOT NULL",
        ),
        CheckConstraint("(block IS NULL) = (block_totals IS NULL)", name="block"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str] = mapped_column(String(64))
    kind_id: Mapped[UUID] = mapped_column(ForeignKey("kinds.id"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("receivables.id"))
    title: Mapped[str] = mapped_column(String(200))
    number: Mapped[str | None] = mapped_column(String(80))
    period_from: Mapped[date | None]
    period_until: Mapped[date | None]
    basis: Mapped[str | None] = mapped_column(String(500))
    account: Mapped[str | None] = mapped_column(String(26))  # its own (virtual) account
    payment_code: Mapped[str | None] = mapped_column(String(32))  # printed on the decision: pays without an account
    closed_at: Mapped[datetime | None]
    digest: Mapped[UUID]
    run_id: Mapped[UUID]
    block: Mapped[UUID | None]  # of it and all that stands in it, as the last full file had them
    block_totals: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))  # see `exchange.staging.INSIDE`

    kind: Mapped[Kind] = relationship()
    instalments: Mapped[list[Instalment]] = relationship(back_populates="receivable", order_by="Instalment.number")


class Liability(Base):
    """Who is liable for a receivable, why and for which share. Co-owners of one receivable are jointly liable."""

    __tablename__ = "liabilities"
    __table_args__ = (
        Index("liabilities_payer_id_idx", "payer_id"),
        CheckConstraint("share_part > 0 AND share_part <= share_whole", name="share"),
    )

    receivable_id: Mapped[UUID] = mapped_column(ForeignKey("receivables.id"), primary_key=True)
    payer_id: Mapped[UUID] = mapped_column(ForeignKey(Payer.id), primary_key=True)
    role: Mapped[LiabilityRole] = mapped_column(primary_key=True)
    share_part: Mapped[int]
    share_whole: Mapped[int]
    from_on: Mapped[date | None]
    until_on: Mapped[date | None]
    closed_at: Mapped[datetime | None]
    digest: Mapped[UUID]
    run_id: Mapped[UUID]


class Instalment(Base):
    """Part of a receivable with its own due date (rata) and what is left of it, as the finance system keeps it.

    What a resident still has to pay is less: what was captured and not echoed yet is subtracted by `payments`.
    """

    __tablename__ = "instalments"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        CheckConstraint(
            "charged >= 0 AND principal >= 0 AND interest >= 0 AND costs >= 0", name="amounts_not_negative"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str] = mapped_column(String(64))
    receivable_id: Mapped[UUID] = mapped_column(ForeignKey("receivables.id"), index=True)
    number: Mapped[int]
    due_on: Mapped[date]
    charged: Mapped[Money]
    principal: Mapped[Money]
    interest: Mapped[Money]
    costs: Mapped[Money]
    closed_at: Mapped[datetime | None]
    digest: Mapped[UUID]
    run_id: Mapped[UUID]

    receivable: Mapped[Receivable] = relationship(back_populates="instalments")
    balance: Mapped[Amounts] = composite("principal", "interest", "costs")


class Operation(Base):
    """What the finance system booked (operacja księgowa). What raises the debt is positive, what lowers it negative.

    `booking_id` is the echo of our booking: the only proof that money we captured is in the books.
    """

    __tablename__ = "operations"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("operations_booking_id_idx", "booking_id", postgresql_where="booking_id IS NOT NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str] = mapped_column(String(64))
    receivable_id: Mapped[UUID] = mapped_column(ForeignKey("receivables.id"), index=True)
    instalment_id: Mapped[UUID | None] = mapped_column(ForeignKey("instalments.id"))
    kind: Mapped[OperationKind]
    booked_on: Mapped[date]
    happened_on: Mapped[date]
    document: Mapped[str] = mapped_column(String(64))
    principal: Mapped[Money]
    interest: Mapped[Money]
    costs: Mapped[Money]
    counterpart: Mapped[str | None] = mapped_column(String(64))  # external id of the other leg of a re-booking
    booking_id: Mapped[UUID | None]
    closed_at: Mapped[datetime | None]
    digest: Mapped[UUID]
    run_id: Mapped[UUID]

    amounts: Mapped[Amounts] = composite("principal", "interest", "costs")


WAITS = "arrived_at IS NULL AND closed_at IS NULL"  # for its bytes


class DocumentTrouble(StrEnum):
    """Why the bytes of a document are not here."""

    MISSING = "missing"
    NOT_A_FILE = "not_a_file"  # a link, a folder
    SIZE = "size"
    CHECKSUM = "checksum"
    NOT_PDF = "not_pdf"
    NOT_GIVEN = "not_given"  # by a system that was asked over HTTP


class Document(Base):
    """A decision, contract or reminder (decyzja, umowa, upomnienie) as PDF. The bytes lie in a file named by `sha256`.

    To read it here is no formal service (doręczenie).
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("documents_waiting_idx", "source", "sha256", "id", postgresql_where=f"{WAITS}"),
        Index("documents_ask_at_idx", "source", "ask_at", postgresql_where=f"{WAITS} AND ask_at IS NOT NULL"),
        Index("documents_new_idx", "source", "sha256", "id", postgresql_where=f"{WAITS} AND trouble IS NULL"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint(f"size BETWEEN 1 AND {LARGEST_DOCUMENT}", name="size"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str] = mapped_column(String(64))
    receivable_id: Mapped[UUID] = mapped_column(ForeignKey("receivables.id"), index=True)
    title: Mapped[str] = mapped_column(String(160))
    issued_on: Mapped[date]
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    arrived_at: Mapped[datetime | None]  # when its bytes were checked and kept
    trouble: Mapped[DocumentTrouble | None]  # what was wrong when they were looked for last; none: nobody looked yet
    ask_at: Mapped[datetime | None]  # from when on a system that is asked over HTTP is asked for it
    asks: Mapped[int] = mapped_column(server_default="0", default=0)  # so often in vain
    closed_at: Mapped[datetime | None]
    digest: Mapped[UUID]
    run_id: Mapped[UUID]

    receivable: Mapped[Receivable] = relationship()


class Overpayment(Base):
    """Money of a payer that pays for nothing yet (nadpłata)."""

    __tablename__ = "overpayments"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str] = mapped_column(String(64))
    payer_id: Mapped[UUID] = mapped_column(ForeignKey(Payer.id), index=True)
    receivable_id: Mapped[UUID | None] = mapped_column(ForeignKey("receivables.id"))
    amount: Mapped[Money]
    arose_on: Mapped[date]
    closed_at: Mapped[datetime | None]
    digest: Mapped[UUID]
    run_id: Mapped[UUID]
