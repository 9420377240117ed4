"""The people of the office: invited, given roles, blocked.

An office keeps two administrators, and nobody judges oneself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from skarbnik.accounts.blocking import block, unblock
from skarbnik.accounts.factors import take_factors
from skarbnik.accounts.models import PasswordLink, User, UserKind, UserState
from skarbnik.accounts.services import make_user
from skarbnik.accounts.sessions import end_all_sessions
from skarbnik.db import like_anywhere
from skarbnik.errors import Conflict, Forbidden, NotFound
from skarbnik.plugin_api import Role

FEWEST_ADMINISTRATORS = 2  # one falls ill, leaves, or loses the second factor


class TooFewAdministrators(Conflict):
    """Afterwards the office would have fewer administrators than it needs."""


class OwnAccount(Forbidden):
    """Nobody changes their own roles, and nobody blocks oneself."""


def list_officials(session: Session, *, text: str = "", page: int, size: int) -> Sequence[User]:
    """By name. `text` is looked for in names and e-mail addresses."""
    found = _officials().order_by(User.name, User.id).limit(size).offset((page - 1) * (size - 1))
    if text:
        pattern = like_anywhere(text)
        found = found.where(or_(User.name.ilike(pattern), User.email.ilike(pattern)))
    return session.scalars(found).all()


def get_official(session: Session, user_id: UUID) -> User:
    """NotFound for residents, as for nobody."""
    user = session.scalars(_officials().where(User.id == user_id)).one_or_none()
    if user is None:
        raise NotFound(f"no official {user_id}")
    return user


def invite_official(session: Session, *, email: str, name: str, roles: frozenset[Role]) -> User:
    """An account without a password: a link lets its owner choose one. Conflict when the office has it already."""
    return make_user(session, kind=UserKind.OFFICIAL, email=email, name=name, password=None, roles=roles)


def rename_official(session: Session, user_id: UUID, name: str) -> bool:
    """Somebody married, or was written wrongly. False when that is their name already."""
    user = get_official(session, user_id)
    if user.name == name:
        return False
    user.name = name
    return True


def set_roles(session: Session, user_id: UUID, roles: frozenset[Role], *, by: UUID) -> frozenset[Role]:
    """What somebody does in the office from their next click on. The roles they were given or lost by it: often none.

    OwnAccount, TooFewAdministrators.
    """
    before = _lock_administrators(session)
    user = get_official(session, user_id)
    changed = frozenset(map(Role, user.roles.split())) ^ roles
    if not changed:
        return changed
    if user.id == by:
        raise OwnAccount("nobody changes their own roles")
    user.roles = " ".join(sorted(roles))
    _check_administrators(session, before)
    return changed


def block_official(session: Session, user_id: UUID, *, by: UUID) -> bool:
    """As `blocking.block`. OwnAccount, TooFewAdministrators."""
    before = _lock_administrators(session)
    user = get_official(session, user_id)
    if user.id == by:
        raise OwnAccount("nobody blocks oneself")
    if not block(session, user):
        return False
    _check_administrators(session, before)
    return True


def unblock_official(session: Session, user_id: UUID) -> bool:
    """Open to who chose a password before. False when it was not blocked."""
    user = get_official(session, user_id)
    return unblock(user, was_open=user.password_hash is not None)


def take_factors_of_official(session: Session, user_id: UUID, *, by: UUID) -> bool:
    """Who lost their second factor gets to set up another one; every browser of theirs is signed out.

    False when there was none. OwnAccount: nobody gets around the second factor alone.
    """
    user = get_official(session, user_id)
    if user.id == by:
        raise OwnAccount("nobody takes away their own factors here")
    if not take_factors(session, user.id):
        return False
    end_all_sessions(session, user.id)
    return True


def list_administrators(session: Session) -> Sequence[User]:
    """Those who can sign in."""
    return session.scalars(_administrators().order_by(User.id)).all()


def count_administrators(session: Session) -> int:
    return len(list_administrators(session))


def link_until(session: Session, user_id: UUID) -> datetime | None:
    """Until when the link that was sent last works; None when there is none."""
    return session.scalar(select(PasswordLink.expires_at).where(PasswordLink.user_id == user_id))


def _officials() -> Select[User]:
    return select(User).where(User.kind == UserKind.OFFICIAL)


def _administrators() -> Select[User]:
    return _officials().where(User.state == UserState.ACTIVE, User.roles.contains(Role.ADMINISTRATOR.value))


def _lock_administrators(session: Session) -> int:
    """How many there are, and no two changes of them at once: two may not block each other in the same moment."""
    return len(session.scalars(_administrators().order_by(User.id).with_for_update().with_only_columns(User.id)).all())


def _check_administrators(session: Session, before: int) -> None:
    session.flush()
    after = count_administrators(session)
    if after < before and after < FEWEST_ADMINISTRATORS:
        raise TooFewAdministrators(f"an office keeps {FEWEST_ADMINISTRATORS} administrators")
