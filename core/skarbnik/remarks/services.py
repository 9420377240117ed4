"""Reporting wrong data, taking reports up, answering and withdrawing them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.models import User
from skarbnik.db import TenantSession
from skarbnik.errors import Conflict, Invalid, NotFound
from skarbnik.outbox import publish
from skarbnik.receivables.queries import list_liable
from skarbnik.remarks.models import OF_PAYER, OF_RECEIVABLE, Outcome, Remark, Topic
from skarbnik.remarks.queries import may_act
from skarbnik.remarks.states import OPEN, RemarkState

MOST_OPEN = 10  # of one user


class TooManyOpen(Conflict):
    """The user has to wait for an answer, or withdraw something, before they report more."""


def write_remark(
    session: TenantSession,
    *,
    user_id: UUID,
    payer_id: UUID,
    receivable_id: UUID | None,
    topic: Topic,
    text: str,
    language: str,
) -> Remark:
    """The same text about the same thing is one report while it is open: a double click writes once.

    NotFound for a receivable the payer is not liable for today.
    """
    if topic not in (OF_PAYER if receivable_id is None else OF_RECEIVABLE):
        raise Invalid(f"{topic} does not fit receivable {receivable_id}")
    if receivable_id and not list_liable(session, [receivable_id], payer_id=payer_id, today=clock.today()):
        raise NotFound(f"no receivable {receivable_id}")
    # One after another, so that two windows do not write the eleventh.
    session.execute(select(User.id).where(User.id == user_id).with_for_update())
    mine = (Remark.user_id == user_id) & Remark.state.in_(OPEN)
    about = (Remark.payer_id == payer_id) & Remark.receivable_id.is_not_distinct_from(receivable_id)
    same = select(Remark).where(mine, about, Remark.topic == topic, Remark.text == text).limit(1)
    found = session.scalars(same).one_or_none()
    if found is not None:
        return found
    if (session.scalar(select(func.count()).select_from(Remark).where(mine)) or 0) >= MOST_OPEN:
        raise TooManyOpen(f"user {user_id} has {MOST_OPEN} open remarks")
    remark = Remark(
        user_id=user_id,
        payer_id=payer_id,
        receivable_id=receivable_id,
        topic=topic,
        text=text,
        language=language,
        written_at=clock.now(),
    )
    session.add(remark)
    session.flush()
    return remark


def withdraw_remark(session: Session, remark_id: UUID, *, user_id: UUID) -> Remark:
    """By who wrote it, as long as they may act for whom it was written. ForbiddenTransition once it is answered."""
    remark = _lock(session, remark_id, Remark.user_id == user_id, may_act(clock.today()))
    remark.move_to(RemarkState.WITHDRAWN)
    return remark


def take_up(session: Session, remark_id: UUID, *, by: UUID) -> Remark:
    """An official says that they look into it; taking up what one has taken up changes nothing."""
    remark = _lock(session, remark_id)
    if remark.state is RemarkState.IN_PROGRESS and remark.taken_by == by:
        return remark
    remark.move_to(RemarkState.IN_PROGRESS)
    remark.taken_by = by
    return remark


def answer_remark(session: Session, remark_id: UUID, *, outcome: Outcome, text: str, by: UUID) -> Remark:
    """Once and for good; whoever wrote it is told by e-mail that there is an answer."""
    remark = _lock(session, remark_id)
    remark.move_to(RemarkState.ANSWERED)
    remark.outcome, remark.answer = outcome, text
    remark.answered_by, remark.answered_at = by, clock.now()
    session.flush()
    publish(session, "remark.answered", remark.id)
    return remark


def _lock(session: Session, remark_id: UUID, *more: ColumnElement[bool]) -> Remark:
    query = select(Remark).where(Remark.id == remark_id, *more).with_for_update(of=Remark)
    remark = session.scalars(query).one_or_none()
    if remark is None:
        raise NotFound(f"no remark {remark_id}")
    return remark
