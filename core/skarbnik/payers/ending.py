"""The end of acting for payers: whose account is closed acts for nobody any more."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, or_, update
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.payers.models import Mandate


def end_mandates(session: Session, user_id: UUID) -> None:
    """Every mandate of a user ends today, one of the future on its first day. Safe to repeat."""
    today = clock.today()
    session.execute(
        update(Mandate)
        .where(Mandate.user_id == user_id, or_(Mandate.until_on.is_(None), Mandate.until_on > today))
        .values(until_on=func.greatest(Mandate.from_on, today))
    )
