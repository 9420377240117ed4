"""The browsers somebody is signed in with: listed, and ended; and who tried to sign in with the account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from skarbnik.accounts.models import SignInAttempt, WebSession
from skarbnik.accounts.services import forget_begun
from skarbnik.db import first_id_of

MOST = 50


def list_sessions(session: Session, user_id: UUID, *, now: datetime) -> Sequence[WebSession]:
    """The latest used first."""
    return session.scalars(
        select(WebSession)
        .where(WebSession.user_id == user_id, WebSession.expires_at > now)
        .order_by(WebSession.seen_at.desc())
        .limit(MOST)
    ).all()


def end_session(session: Session, user_id: UUID, token_hash: str) -> bool:
    """Sign out one browser of this user; False when it is not theirs or ended already."""
    mine = (WebSession.user_id == user_id) & (WebSession.token_hash == token_hash)
    if session.scalar(delete(WebSession).where(mine).returning(WebSession.token_hash)) is None:
        return False
    forget_begun(session, user_id)
    return True


def end_all_sessions(session: Session, user_id: UUID, *, but: str | None = None) -> int:
    """Sign a user out of every browser, or of every other one than `but` (hash of its token); how many there were."""
    forget_begun(session, user_id)
    theirs = delete(WebSession).where(WebSession.user_id == user_id)
    if but is not None:
        theirs = theirs.where(WebSession.token_hash != but)
    return len(session.scalars(theirs.returning(WebSession.token_hash)).all())


def forget_attempts(session: Session, *, before: datetime) -> int:
    """Take away who tried to sign in, when that was too long ago; how many there were."""
    old = delete(SignInAttempt).where(SignInAttempt.id < first_id_of(before))
    return len(session.scalars(old.returning(SignInAttempt.id)).all())


def list_attempts(session: Session, user_id: UUID, *, before: UUID | None, size: int) -> Sequence[SignInAttempt]:
    """When and from where somebody tried to sign in with the account, the newest first."""
    found = select(SignInAttempt).where(SignInAttempt.user_id == user_id)
    if before is not None:
        found = found.where(SignInAttempt.id < before)
    return session.scalars(found.order_by(SignInAttempt.id.desc()).limit(size)).all()
