"""Payers as the finance system knows them, and who may act for them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from skarbnik.accounts.models import User
from skarbnik.db import Base, new_id
from skarbnik.plugin_api import PayerKind


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


class Mandate(Base):
    """The right of a user to act for a payer (umocowanie)."""

    __tablename__ = "mandates"
    __table_args__ = (
        UniqueConstraint("user_id", "payer_id", "basis"),
        CheckConstraint("until_on IS NULL OR until_on >= from_on", name="period"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id))
    payer_id: Mapped[UUID] = mapped_column(ForeignKey("payers.id"))
    basis: Mapped[MandateBasis]
    may_pay: Mapped[bool] = mapped_column(default=True)
    from_on: Mapped[date]
    until_on: Mapped[date | None]
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))
    created_at: Mapped[datetime]
