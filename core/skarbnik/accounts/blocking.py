"""Blocking an account and opening it again, whoever's it is: what residents and officials have in common."""

from __future__ import annotations

from sqlalchemy.orm import Session

from skarbnik.accounts.models import User, UserState
from skarbnik.accounts.password_links import end_links
from skarbnik.accounts.sessions import end_all_sessions


def block(session: Session, user: User) -> bool:
    """Nobody signs in with the account any more, every browser is signed out now, and links on their way end.

    False when it was blocked, or closed by its owner: that is for good.
    """
    if user.state in {UserState.BLOCKED, UserState.CLOSED}:
        return False
    user.state = UserState.BLOCKED
    end_links(session, user.id)
    end_all_sessions(session, user.id)
    return True


def unblock(user: User, *, was_open: bool) -> bool:
    """The account is as it was: open, or waiting for its owner to be let in. False when it was not blocked."""
    if user.state is not UserState.BLOCKED:
        return False
    user.state = UserState.ACTIVE if was_open else UserState.INVITED
    return True
