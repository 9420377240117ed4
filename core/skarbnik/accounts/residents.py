"""Residents' accounts as the office looks after them: found, signed out, blocked."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from skarbnik.accounts.blocking import block, unblock
from skarbnik.accounts.models import SignInAttempt, SignInOutcome, User, UserKind, UserState
from skarbnik.db import like_anywhere
from skarbnik.errors import NotFound


def list_residents(
    session: Session, *, text: str = "", state: UserState | None = None, page: int, size: int
) -> Sequence[User]:
    """By name. `text` is looked for in names and e-mail addresses."""
    found = _residents().order_by(User.name, User.id).limit(size).offset((page - 1) * (size - 1))
    if text:
        pattern = like_anywhere(text)
        found = found.where(or_(User.name.ilike(pattern), User.email.ilike(pattern)))
    return session.scalars(found.where(User.state == state) if state else found).all()


def get_resident(session: Session, user_id: UUID) -> User:
    """NotFound for officials, as for nobody."""
    user = session.scalars(_residents().where(User.id == user_id)).one_or_none()
    if user is None:
        raise NotFound(f"no resident {user_id}")
    return user


def block_resident(session: Session, user_id: UUID) -> bool:
    """As `blocking.block`."""
    return block(session, _lock(session, user_id))


def unblock_resident(session: Session, user_id: UUID) -> bool:
    """Open again to who was in it before or proved their PESEL; who was never let in waits as they did.

    False when it was not blocked.
    """
    user = _lock(session, user_id)
    came_in = (SignInAttempt.user_id == user.id) & (SignInAttempt.outcome == SignInOutcome.SIGNED_IN)
    known = user.pesel_hash or session.scalar(select(SignInAttempt.id).where(came_in).limit(1))
    return unblock(user, was_open=known is not None)


def _lock(session: Session, user_id: UUID) -> User:
    session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    user = get_resident(session, user_id)
    session.refresh(user)
    return user


def _residents() -> Select[User]:
    return select(User).where(User.kind == UserKind.RESIDENT)
