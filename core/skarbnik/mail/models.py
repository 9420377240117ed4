"""E-mails to single people: activation, confirmation."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from skarbnik.db import Base, new_id


class MailState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"


class Mail(Base):
    """One e-mail to one person for one cause; a cause never sends two."""

    __tablename__ = "mails"
    __table_args__ = (
        UniqueConstraint("cause", "subject_id"),
        CheckConstraint("paper IS NULL OR paper_name IS NOT NULL", name="paper"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    cause: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID]
    recipient: Mapped[str] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(String(8000))
    paper: Mapped[bytes | None] = mapped_column(LargeBinary)  # a PDF that goes with it; gone once it is sent
    paper_name: Mapped[str | None] = mapped_column(String(80))
    state: Mapped[MailState] = mapped_column(default=MailState.WAITING)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
