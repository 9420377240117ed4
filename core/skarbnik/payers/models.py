"""Payers as the finance system knows them, who may act for them, and who asked to."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from skarbnik.accounts.models import User
from skarbnik.db import Base, new_id
from skarbnik.payers.states import RequestState, step
from skarbnik.plugin_api import PayerKind

LONGEST = 300  # characters of a word about a document, and of a reason


class Payer(Base):
    """A person or company that is liable for something (kontrahent). Written by imports only, closed and never deleted.

    PESEL is sealed; its keyed hash finds the payer of a person who proved theirs. A payer that was registered twice and
    merged is never read alone: `merged_into` names the one at the end of the chain, and that one names all of them.
    """

    __tablename__ = "payers"
    __table_args__ = (UniqueConstraint("source", "external_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str] = mapped_column(String(64))
    kind: Mapped[PayerKind]
    name: Mapped[str] = mapped_column(String(200))
    pesel_sealed: Mapped[str | None] = mapped_column(String(80))  # base64
    pesel_hash: Mapped[UUID | None] = mapped_column(index=True)  # 128 bits of the keyed hash
    pesel_key: Mapped[int | None]  # version of the key both were made with
    nip: Mapped[str | None] = mapped_column(String(10))
    regon: Mapped[str | None] = mapped_column(String(14))
    street: Mapped[str | None] = mapped_column(String(120))
    postal_code: Mapped[str | None] = mapped_column(String(6))
    city: Mapped[str | None] = mapped_column(String(80))
    email: Mapped[str | None] = mapped_column(String(120))
    phone: Mapped[str | None] = mapped_column(String(31))
    merged_next: Mapped[UUID | None]  # the next step, as the finance system said it; only imports read it
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("payers.id"))  # always the last one, never a step
    merged_from: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)  # who names this one in `merged_into`
    closed_at: Mapped[datetime | None]
    digest: Mapped[UUID]
    run_id: Mapped[UUID]  # the import that last changed it


class MandateBasis(StrEnum):
    """Why a user may act for a payer."""

    SELF = "self"
    COMPANY = "company"
    PROXY = "proxy"


class CompanyRole(StrEnum):
    """What somebody is in the company they ask to act for."""

    OWNER = "owner"
    BOARD = "board"  # a member of its board, or a partner who represents it
    PROXY = "proxy"  # a commercial proxy (prokurent) or an employee with a power of attorney


class MandateRequest(Base):
    """A resident asks to act for somebody: decided once by an official, who looked at the document, or withdrawn.

    What was asked: `name`, `nip`, `role`, `document`, `wanted_until`, `wants_pay`. What the office gave: `payer_id`,
    `from_on`, `until_on`, `may_pay`; `basis` is what was asked until it is confirmed as what it is. `reason` says why
    it was refused, or why the mandate ended before its last day. A proxy shows the power of attorney to the office
    (art. 33 § 2 and 3 KPA; art. 138a and 138e of the Tax Ordinance).
    """

    __tablename__ = "mandate_requests"
    __table_args__ = (
        Index("mandate_requests_state_id_idx", "state", "id"),
        CheckConstraint("basis <> 'self'", name="of_another"),
        CheckConstraint("num_nonnulls(name, nip) > 0 AND document <> ''", name="says_something"),
        CheckConstraint(
            "num_nonnulls(decided_by, decided_at) = CASE WHEN state IN ('asked', 'withdrawn') THEN 0 ELSE 2 END",
            name="decided_whole",
        ),
        CheckConstraint(
            "num_nonnulls(payer_id, from_on, may_pay) = CASE WHEN state IN ('confirmed', 'ended') THEN 3 ELSE 0 END",
            name="given_whole",
        ),
        CheckConstraint(
            "num_nonnulls(ended_by, ended_at) = CASE state WHEN 'ended' THEN 2 ELSE 0 END", name="ended_whole"
        ),
        CheckConstraint("state <> 'refused' OR coalesce(reason, '') <> ''", name="refused_with_reason"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id), index=True)
    basis: Mapped[MandateBasis]
    name: Mapped[str | None] = mapped_column(String(200))
    nip: Mapped[str | None] = mapped_column(String(10))
    role: Mapped[CompanyRole | None]
    document: Mapped[str] = mapped_column(String(LONGEST))
    document_on: Mapped[date | None]  # the day of the power of attorney
    wanted_until: Mapped[date | None]
    wants_pay: Mapped[bool]
    language: Mapped[str] = mapped_column(String(2))  # in which who asked is told of the decision
    state: Mapped[RequestState] = mapped_column(default=RequestState.ASKED)
    asked_at: Mapped[datetime]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))
    decided_at: Mapped[datetime | None]
    payer_id: Mapped[UUID | None] = mapped_column(ForeignKey("payers.id"))
    from_on: Mapped[date | None]
    until_on: Mapped[date | None]
    may_pay: Mapped[bool | None]
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(LONGEST))

    def move_to(self, state: RequestState) -> None:
        self.state = step(self.state, state)


class Mandate(Base):
    """The right of a user to act for a payer (umocowanie).

    Good from its first day to its last, both included: whoever reads it asks these two days and nothing else. One that
    was ended has yesterday as its last day, which may be the day before its first. Who acts for somebody else does so
    because an official confirmed a request, which keeps the story when a newer mandate takes the row.
    """

    __tablename__ = "mandates"
    __table_args__ = (
        UniqueConstraint("user_id", "payer_id", "basis"),
        CheckConstraint("until_on IS NULL OR until_on >= from_on - 1", name="period"),
        CheckConstraint("(basis = 'self') = (request_id IS NULL)", name="confirmed_by_somebody"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id))
    payer_id: Mapped[UUID] = mapped_column(ForeignKey("payers.id"), index=True)
    basis: Mapped[MandateBasis]
    may_pay: Mapped[bool] = mapped_column(default=True)
    from_on: Mapped[date]
    until_on: Mapped[date | None]
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))
    created_at: Mapped[datetime]
    request_id: Mapped[UUID | None] = mapped_column(ForeignKey("mandate_requests.id"))
