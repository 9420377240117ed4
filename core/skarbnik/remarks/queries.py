"""Reading reports: a resident's own for the payer they act for, and the office's queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from skarbnik.accounts.models import User
from skarbnik.errors import NotFound
from skarbnik.payers.models import Payer
from skarbnik.receivables.models import Receivable
from skarbnik.remarks.models import Remark
from skarbnik.remarks.states import RemarkState

PAGE = 30

_Taker, _Answerer = aliased(User), aliased(User)


def is_for(user_id: UUID, payer_id: UUID) -> ColumnElement[bool]:
    """Written by this user for this payer, or for one that was merged into it."""
    merged = select(func.unnest(func.array_append(Payer.merged_from, Payer.id))).where(Payer.id == payer_id)
    return (Remark.user_id == user_id) & Remark.payer_id.in_(merged)


def list_own(session: Session, *, user_id: UUID, payer_id: UUID, before: UUID | None = None) -> Sequence[Any]:
    """The newest first; one more than a page shows, when there is one. Each with the title of its receivable."""
    query = _own().where(is_for(user_id, payer_id)).order_by(Remark.id.desc()).limit(PAGE + 1)
    return session.execute(query.where(Remark.id < before) if before else query).all()


def get_own(session: Session, remark_id: UUID, *, user_id: UUID, payer_id: UUID) -> Any:
    """NotFound for what somebody else wrote, or what was written for another payer than the one acted for now."""
    found = session.execute(_own().where(Remark.id == remark_id, is_for(user_id, payer_id))).one_or_none()
    if found is None:
        raise NotFound(f"no remark {remark_id}")
    return found


def _own() -> Any:
    return select(Remark, Receivable.title).outerjoin(Receivable, Receivable.id == Remark.receivable_id)


def list_any(session: Session, states: Sequence[RemarkState], *, after: UUID | None = None) -> Sequence[Any]:
    """The oldest first; one more than a page shows, when there is one."""
    query = _any().where(Remark.state.in_(states)).order_by(Remark.id).limit(PAGE + 1)
    return session.execute(query.where(Remark.id > after) if after else query).all()


def get_any(session: Session, remark_id: UUID) -> Any:
    found = session.execute(_any().where(Remark.id == remark_id)).one_or_none()
    if found is None:
        raise NotFound(f"no remark {remark_id}")
    return found


def _any() -> Any:
    return (
        select(
            Remark,
            Payer.name.label("payer"),
            User.name.label("writer"),
            Receivable.title,
            Receivable.external_id,
            Receivable.number,
            _Taker.name.label("taker"),
            _Answerer.name.label("answerer"),
        )
        .join(Payer, Payer.id == Remark.payer_id)
        .join(User, User.id == Remark.user_id)
        .outerjoin(Receivable, Receivable.id == Remark.receivable_id)
        .outerjoin(_Taker, _Taker.id == Remark.taken_by)
        .outerjoin(_Answerer, _Answerer.id == Remark.answered_by)
    )
