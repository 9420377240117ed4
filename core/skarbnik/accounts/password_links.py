"""Choosing a password by a link that came by e-mail: for who was invited, or forgot the password.

The secret is in the e-mail and in the address, and nowhere else; it works once, and for a week or, when somebody forgot
the password, for two hours. For who chose a password when registering it only says yes to the account.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.letters import ACTIVATE, FORGOT, send_letter
from skarbnik.accounts.models import EmailChange, PasswordLink, User, UserKind, UserState
from skarbnik.accounts.password_policy import check_choice
from skarbnik.accounts.passwords import hash_password
from skarbnik.accounts.services import hash_token
from skarbnik.accounts.sessions import end_all_sessions
from skarbnik.crypto import new_secret
from skarbnik.errors import NotFound
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.formats import day, moment

GOOD_FOR = timedelta(days=7)
FORGOTTEN_FOR = timedelta(hours=2)  # whoever forgot waits for the e-mail; who was invited may be on holiday
_OPEN = (UserState.INVITED, UserState.ACTIVE)


def make_password_link(session: Session, user: User, *, by: UUID | None, good_for: timedelta = GOOD_FOR) -> str:
    """The secret of a new link of this user, told this once. The one before is worth nothing any more."""
    secret, now = new_secret(), clock.now()
    session.execute(delete(PasswordLink).where(PasswordLink.user_id == user.id))
    session.add(
        PasswordLink(
            user_id=user.id,
            secret_hash=hash_token(secret),
            made_by=by,
            created_at=now,
            expires_at=now + good_for,
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
            User.state.in_(_OPEN),
        )
    ).one_or_none()
    if user is None:
        raise NotFound("no such link")
    return user


def only_says_yes(user: User) -> bool:
    """Whether this link only activates: the password was chosen with the registration."""
    return user.state is UserState.INVITED and user.password_hash is not None


def choose_password(session: Session, secret: str, password: str, *, words: Iterable[str | None] = ()) -> User:
    """Use the link up. Who was invited is active from now on, and every browser that was signed in is signed out.

    WeakPassword when it may not be chosen; then the link stays. `words` others would try first besides the person's
    own. NotFound as with `find_invited`, also for the second of two who send the same form.
    """
    user = find_invited(session, secret)
    check_choice(password, words=(user.name, user.email, *words))
    _use_up(session, secret)
    end_links(session, user.id)
    user.password_hash = hash_password(password)
    user.state = UserState.ACTIVE
    end_all_sessions(session, user.id)
    return user


def activate(session: Session, secret: str) -> User:
    """Use the link of a registration up: the account is active from now on. NotFound as with `choose_password`."""
    user = find_invited(session, secret)
    if not only_says_yes(user):
        raise NotFound("a password is chosen with this link")
    _use_up(session, secret)
    user.state = UserState.ACTIVE
    return user


def _use_up(session: Session, secret: str) -> None:
    used = session.scalar(
        delete(PasswordLink).where(PasswordLink.secret_hash == hash_token(secret)).returning(PasswordLink.user_id)
    )
    if used is None:
        raise NotFound("the link was used a moment ago")


def forgot(session: Session, tenant: Tenant, *, kind: UserKind, email: str) -> None:
    """Send a link to choose a new password, when there is such an account. Nothing tells the caller whether there was.

    Who never activated the account gets the link of the invitation anew.
    """
    address = email.strip().lower()
    user = session.scalars(
        select(User).where(User.kind == kind, User.email == address, User.state.in_(_OPEN))
    ).one_or_none()
    with session.begin_nested() as as_long:  # the same statements for nobody, who gets nothing
        if user is not None and only_says_yes(user):
            words = {"day": day(clock.local_day(clock.now() + GOOD_FOR))}
            letter, secret = ACTIVATE, make_password_link(session, user, by=None)
        else:
            invited = user is not None and user.state is UserState.INVITED
            good_for = GOOD_FOR if invited else FORGOTTEN_FOR  # whoever asks shortens no invitation
            words = {"moment": moment(clock.now() + good_for)}
            letter, secret = FORGOT, new_secret()
            if user is not None:
                secret = make_password_link(session, user, by=None, good_for=good_for)
        language = user.language if user is not None else "pl"
        words["address"] = tenant.url(f"/welcome/{secret}")
        send_letter(session, tenant, letter, words, to=address, language=language)
        if user is None:
            as_long.rollback()


def end_links(session: Session, user_id: UUID) -> None:
    """Links on their way to this user's addresses, old or new, open nothing any more.

    Whoever knew the password of before may have asked for them.
    """
    for table in (PasswordLink, EmailChange):
        session.execute(delete(table).where(table.user_id == user_id))
