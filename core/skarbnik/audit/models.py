"""The trail of who saw and did what. The runtime role can add to it and read it, nothing else."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from skarbnik.db import Base, new_id

LEAST_YEARS, MOST_YEARS = 2, 50
LONGEST_SUBJECT = 40


class AuditEntry(Base):
    """One act. Ids only, so that erasing a person breaks nothing here.

    `payers` are those whose data it showed or changed, as far as a person can be named: what a resident is told of
    who looked (art. 15 RODO). `seal` is written by a function of the owner alone (`audit.sealing`).
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("audit_entries_waiting_idx", "id", postgresql_where="seal IS NULL"),
        Index("audit_entries_actor_idx", "actor", "actor_id", "action", "id"),
        Index("audit_entries_action_idx", "action", "id"),
        Index("audit_entries_subject_id_idx", "subject_id", postgresql_where="subject_id IS NOT NULL"),
        Index("audit_entries_payers_idx", "payers", postgresql_using="gin", postgresql_where="payers <> '{}'"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(20))  # user, api, system, operator
    actor_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(LONGEST_SUBJECT))
    subject_id: Mapped[UUID | None]
    payers: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    request_id: Mapped[str | None] = mapped_column(String(40))
    ip: Mapped[str | None] = mapped_column(String(45))
    seal: Mapped[int | None]


class AuditSeal(Base):
    """A link of the chain: a digest of some entries and of the seal before it. Stays when its entries have gone.

    `digest` needs no key to be checked; `mark` is a keyed hash of it, by a key that is not in the database, so that
    whoever owns the database cannot make the chain anew.
    """

    __tablename__ = "audit_seals"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entries: Mapped[int]
    first_id: Mapped[UUID]
    last_id: Mapped[UUID]
    sealed_at: Mapped[datetime]
    content: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    key_version: Mapped[int]
    mark: Mapped[str] = mapped_column(String(64))
    removed_at: Mapped[datetime | None]  # when its entries were old enough to go


class AuditKeeping(Base):
    """For how many years a gmina keeps its trail, from a moment on. Rows are only added: the newest counts."""

    __tablename__ = "audit_keeping"
    __table_args__ = (CheckConstraint(f"years BETWEEN {LEAST_YEARS} AND {MOST_YEARS}", name="years"),)

    changed_at: Mapped[datetime] = mapped_column(primary_key=True)
    years: Mapped[int]
    changed_by: Mapped[UUID | None]
