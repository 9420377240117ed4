"""What residents report about their data, and what the office says to it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from skarbnik.accounts.models import User
from skarbnik.db import Base, new_id
from skarbnik.payers.models import Payer
from skarbnik.receivables.models import Receivable
from skarbnik.remarks.states import RemarkState, step

LONGEST = 2_000  # characters of a remark, and of its answer


class Topic(StrEnum):
    """What is wrong: with a receivable, or with what is known of the payer."""

    AMOUNT = "amount"
    BASIS = "basis"
    PAYMENT = "payment"  # one that is not shown
    LIABILITY = "liability"  # it is not this payer's
    NAME = "name"
    ADDRESS = "address"
    CONTACT = "contact"
    MISSING = "missing"
    OTHER = "other"


OF_RECEIVABLE = (Topic.AMOUNT, Topic.BASIS, Topic.PAYMENT, Topic.LIABILITY, Topic.OTHER)
OF_PAYER = (Topic.NAME, Topic.ADDRESS, Topic.CONTACT, Topic.MISSING, Topic.OTHER)


class Outcome(StrEnum):
    """What the office found."""

    WILL_CORRECT = "will_correct"  # in the finance system, from which the next import brings it
    NOT_WRONG = "not_wrong"
    ELSEWHERE = "elsewhere"  # another office decides about it


class Remark(Base):
    """A report that data are wrong (zgłoszenie), by a user for the payer they act for. Answered once, or withdrawn."""

    __tablename__ = "remarks"
    __table_args__ = (
        Index("remarks_state_id_idx", "state", "id"),
        CheckConstraint("text <> '' AND answer <> ''", name="says_something"),
        CheckConstraint(
            "CASE WHEN receivable_id IS NULL THEN topic NOT IN ('amount', 'basis', 'payment', 'liability')"
            " ELSE topic NOT IN ('name', 'address', 'contact', 'missing') END",
            name="topic_fits",
        ),
        CheckConstraint("state NOT IN ('in_progress', 'answered') OR taken_by IS NOT NULL", name="taken_by_somebody"),
        CheckConstraint(
            "num_nonnulls(answer, outcome, answered_by, answered_at) = CASE state WHEN 'answered' THEN 4 ELSE 0 END",
            name="answered_whole",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id), index=True)
    payer_id: Mapped[UUID] = mapped_column(ForeignKey(Payer.id))
    receivable_id: Mapped[UUID | None] = mapped_column(ForeignKey(Receivable.id))
    topic: Mapped[Topic]
    text: Mapped[str] = mapped_column(String(LONGEST))
    language: Mapped[str] = mapped_column(String(2))  # in which its writer is told of the answer
    state: Mapped[RemarkState] = mapped_column(default=RemarkState.NEW)
    written_at: Mapped[datetime]
    taken_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))
    answer: Mapped[str | None] = mapped_column(String(LONGEST))
    outcome: Mapped[Outcome | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))
    answered_at: Mapped[datetime | None]

    def move_to(self, state: RemarkState) -> None:
        self.state = step(self.state, state)
