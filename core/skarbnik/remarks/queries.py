"""Reading reports: a resident's own, as far as they may still see it, and the office's queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from skarbnik.accounts.models import User
from skarbnik.db import TenantSession
from skarbnik.errors import NotFound
from skarbnik.payers.models import Mandate, Payer
from skarbnik.payers.queries import is_good
from skarbnik.receivables.models import Receivable
from skarbnik.receivables.queries import list_liable
from skarbnik.remarks.models import Remark
from skarbnik.remarks.states import RemarkState

PAGE = 30

_Taker, _Answerer = aliased(User), aliased(User)
_Written = aliased(Payer)  # the payer a report was written for; whom it was merged into stands for it


@dataclass(frozen=True)
class OwnRemark:
    """A report as its writer may see it today."""

    remark: Remark
    payer_id: UUID
    payer_name: str | None  # None: the writer may not act for this payer any more, and reads only what they wrote
    title: str | None  # of its receivable, while the payer is liable for it

    @property
    def may_act(self) -> bool:
        return self.payer_name is not None


def may_act(today: date) -> ColumnElement[bool]:
    """Whether who wrote a report may act today for whom it was written, or for whom that one was merged into."""
    named = aliased(Payer)
    written, whole = aliased(Payer), func.coalesce(named.merged_into, named.id)
    return (
        select(Mandate.id)
        .join(named, named.id == Mandate.payer_id)
        .join(written, func.coalesce(written.merged_into, written.id) == whole)
        .where(
            written.id == Remark.payer_id,
            Mandate.user_id == Remark.user_id,
            is_good(today),
        )
        .exists()
    )


def list_own(
    session: TenantSession, *, user_id: UUID, payer_id: UUID, today: date, before: UUID | None = None
) -> list[OwnRemark]:
    """What a user wrote for a payer they act for, the newest first; one more than a page may come."""
    merged = select(func.unnest(func.array_append(Payer.merged_from, Payer.id))).where(Payer.id == payer_id)
    query = _own(today).where(Remark.user_id == user_id, Remark.payer_id.in_(merged)).order_by(Remark.id.desc())
    query = query.where(Remark.id < before) if before else query
    rows = session.execute(query.limit(PAGE + 1)).all()
    ids = [row.Remark.receivable_id for row in rows if row.Remark.receivable_id]
    liable = list_liable(session, ids, payer_id=payer_id, today=today) if ids else set()
    return [_as_own(row, liable) for row in rows]


def get_own(session: TenantSession, remark_id: UUID, *, user_id: UUID, today: date) -> OwnRemark:
    """For who wrote it, whomever they act for just now. NotFound for what somebody else wrote."""
    row = session.execute(_own(today).where(Remark.id == remark_id, Remark.user_id == user_id)).one_or_none()
    if row is None:
        raise NotFound(f"no remark {remark_id}")
    receivable_id = row.Remark.receivable_id
    liable = list_liable(session, [receivable_id], payer_id=row.payer_id, today=today) if receivable_id else set()
    return _as_own(row, liable)


def _own(today: date) -> Any:
    return (
        select(Remark, Payer.id.label("payer_id"), Payer.name, Receivable.title, may_act(today).label("may_act"))
        .join(_Written, _Written.id == Remark.payer_id)
        .join(Payer, Payer.id == func.coalesce(_Written.merged_into, _Written.id))
        .outerjoin(Receivable, Receivable.id == Remark.receivable_id)
    )


def _as_own(row: Any, liable: set[UUID]) -> OwnRemark:
    return OwnRemark(
        remark=row.Remark,
        payer_id=row.payer_id,
        payer_name=row.name if row.may_act else None,
        title=row.title if row.may_act and row.Remark.receivable_id in liable else None,
    )


def list_any(
    session: Session, states: Sequence[RemarkState], *, kinds: list[UUID] | None, after: UUID | None = None
) -> Sequence[Any]:
    """The oldest first; one more than a page shows, when there is one."""
    query = _any(kinds).where(Remark.state.in_(states)).order_by(Remark.id).limit(PAGE + 1)
    return session.execute(query.where(Remark.id > after) if after else query).all()


def get_any(session: Session, remark_id: UUID, *, kinds: list[UUID] | None) -> Any:
    """NotFound also for one that is about none of these kinds."""
    found = session.execute(_any(kinds).where(Remark.id == remark_id)).one_or_none()
    if found is None:
        raise NotFound(f"no remark {remark_id}")
    return found


def _any(kinds: list[UUID] | None) -> Any:
    """Of all, or of receivables of some kinds: what was reported of a payer is of no kind."""
    query = (
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
    return query if kinds is None else query.where(Receivable.kind_id.in_(kinds))
