"""Choosing a password by a link that came by e-mail: for who was invited to the office, or forgot the password.

The secret is in the e-mail and in the address, and nowhere else; it works once and for a week.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.models import PasswordLink, User, UserState, WebSession
from skarbnik.accounts.passwords import SHORTEST, hash_password
from skarbnik.accounts.services import hash_token
from skarbnik.crypto import new_secret
from skarbnik.errors import Invalid, NotFound

GOOD_FOR = timedelta(days=7)


def make_password_link(session: Session, user: User, *, by: UUID | None) -> str:
    """The secret of a new link of this user, told this once. The one before is worth nothing any more."""
    secret, now = new_secret(), clock.now()
    session.execute(delete(PasswordLink).where(PasswordLink.user_id == user.id))
    session.add(
        PasswordLink(
            user_id=user.id,
            secret_hash=hash_token(secret),
            made_by=by,
            created_at=now,
            expires_at=now + GOOD_FOR,
        )
    )
    session.flush()
    return secret


def find_invited(session: Session, secret: str) -> User:
    """Whose password is chosen with this secret. NotFound when it is unknown, used or too old, or its owner blocked."""
    user = session.scalars(
        select(User)
        .join(PasswordLink, PasswordLink.user_id == User.id)
        .where(
            PasswordLink.secret_hash == hash_token(secret),
            PasswordLink.expires_at > clock.now(),
            User.state != UserState.BLOCKED,
        )
    ).one_or_none()
    if user is None:
        raise NotFound("no such link")
    return user


def choose_password(session: Session, secret: str, password: str) -> User:
    """Use the link up. Who was invited is active from now on, and every browser that was signed in is signed out.

    Invalid when the password is too short; then the link stays. NotFound as with `find_invited`, also for the second
    of two who send the same form.
    """
    if len(password) < SHORTEST:
        raise Invalid(f"a password has at least {SHORTEST} characters")
    user = find_invited(session, secret)
    used = session.scalar(
        delete(PasswordLink).where(PasswordLink.secret_hash == hash_token(secret)).returning(PasswordLink.user_id)
    )
    if used is None:
        raise NotFound("the link was used a moment ago")
    user.password_hash = hash_password(password)
    user.state = UserState.ACTIVE
    end_all_sessions(session, user.id)
    return user


def end_all_sessions(session: Session, user_id: UUID) -> int:
    """Sign a user out of every browser; how many there were."""
    ended = session.scalars(
        delete(WebSession).where(WebSession.user_id == user_id).returning(WebSession.token_hash)
    ).all()
    return len(ended)
