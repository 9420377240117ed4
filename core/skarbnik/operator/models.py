"""What operators ask a gmina for. It lies in the gmina's schema, so that it leaves with the gmina and its trail."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from skarbnik.accounts.models import User
from skarbnik.db import Base, new_id
from skarbnik.operator.states import OPEN, SupportState, step
from skarbnik.plugin_api import Support

LONGEST_REASON = 200
HOURS = (1, 4, 24)


class SupportAccess(Base):
    """An operator's wish to look at this gmina, what the office said to it, and the one browser that is in by it.

    `until_at`: until when it may be agreed to, and once it is, until when the operator may look. The link of the bare
    host and the session it is changed for are kept as 128 bits of their hash; a new link or session replaces the old.
    """

    __tablename__ = "support_accesses"
    __table_args__ = (
        CheckConstraint("hours IN (1, 4, 24)", name="hours"),
        CheckConstraint("reason <> ''", name="says_why"),
        CheckConstraint("state = 'agreed' OR link_hash IS NULL AND session_hash IS NULL", name="enters_agreed"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    operator_id: Mapped[UUID]  # of `platform.operators`, which a gmina that leaves does not take along
    operator_name: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))
    scope: Mapped[Support]
    hours: Mapped[int]
    state: Mapped[SupportState] = mapped_column(default=SupportState.ASKED)
    asked_at: Mapped[datetime]
    until_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))  # nobody when the gmina lets in at once
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey(User.id))  # nobody when the operator withdrew it
    link_hash: Mapped[UUID | None]
    link_until: Mapped[datetime | None]
    session_hash: Mapped[UUID | None]
    seen_at: Mapped[datetime | None]

    def move_to(self, state: SupportState) -> None:
        """Whoever is not let in any more has neither a link nor a session."""
        self.state = step(self.state, state)
        if self.state is not SupportState.AGREED:
            self.link_hash = self.session_hash = None

    def is_open(self, now: datetime) -> bool:
        """Whether the operator may look now, or may still be answered."""
        return self.state in OPEN and self.until_at > now
