"""Reports of wrong data in the town of the walk: one in each state."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.walk.files import LONG_WORD

from skarbnik.db import TenantSession
from skarbnik.remarks.models import Outcome, Topic
from skarbnik.remarks.services import answer_remark, take_up, withdraw_remark, write_remark
from skarbnik.remarks.states import OPEN, RemarkState


def write_remarks(
    session: TenantSession, user_id: UUID, payer_id: UUID, receivable_id: UUID, words: str
) -> dict[str, Any]:
    """Their ids by state; `words` is a text that has to be broken into lines."""
    made = {}
    for state in RemarkState:
        remark = write_remark(
            session,
            user_id=user_id,
            payer_id=payer_id,
            receivable_id=receivable_id if state in OPEN else None,
            topic=Topic.OTHER,
            text=f"{state}: {LONG_WORD}\n\n{words}",
            language="pl",
        )
        if state in {RemarkState.IN_PROGRESS, RemarkState.ANSWERED}:
            take_up(session, remark.id, by=user_id)
        if state is RemarkState.ANSWERED:
            answer_remark(session, remark.id, outcome=Outcome.WILL_CORRECT, text=words, by=user_id)
        if state is RemarkState.WITHDRAWN:
            withdraw_remark(session, remark.id, user_id=user_id)
        made[str(state)] = remark.id
    return made
