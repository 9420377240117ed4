"""The end of acting for payers: whose account is closed acts for nobody any more."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.payers.models import Mandate, MandateRequest
from skarbnik.payers.states import RequestState


def end_mandates(session: Session, user_id: UUID) -> None:
    """Every mandate of a user ends today, one of the future on its first day. Safe to repeat.

    What they had asked for is withdrawn first: else an official would still make a mandate of it.
    """
    today = clock.today()
    asked = (MandateRequest.user_id == user_id) & (MandateRequest.state == RequestState.ASKED)
    for request in session.scalars(select(MandateRequest).where(asked).order_by(MandateRequest.id).with_for_update()):
        request.move_to(RequestState.WITHDRAWN)
    session.execute(
        update(Mandate)
        .where(Mandate.user_id == user_id, or_(Mandate.until_on.is_(None), Mandate.until_on > today))
        .values(until_on=func.greatest(Mandate.from_on, today))
    )
