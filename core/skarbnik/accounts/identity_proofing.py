"""At the desk: an official compared an identity document, and typed the PESEL that stands in it.

Only its keyed hash is kept. One person has one account of a kind in a gmina: when a PESEL is proven already, the two
may be one person, and the official may move the sign-in to the account that exists.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.factors import take_factors
from skarbnik.accounts.letters import ACTIVATE, INVITE, MOVED, Letter, send_letter, tell
from skarbnik.accounts.models import ConnectedIdentity, Registration, User, UserKind, UserState
from skarbnik.accounts.password_links import GOOD_FOR, end_links, make_password_link
from skarbnik.accounts.pesel import find_by_pesel, set_pesel
from skarbnik.accounts.registration import get_waiting
from skarbnik.accounts.services import AddressTaken, make_user
from skarbnik.accounts.sessions import end_all_sessions
from skarbnik.errors import Conflict, Invalid
from skarbnik.numbers import CENTURIES, is_pesel
from skarbnik.outbox import publish
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.formats import day


class AlreadyProven(Conflict):
    """Another account has proven this PESEL. `user` is that account."""

    def __init__(self, user: User) -> None:
        super().__init__(f"user {user.id} has proven this PESEL")
        self.user = user


class AccountBlocked(Conflict):
    """Nothing is moved to an account that an official blocked."""


def read_pesel(text: str) -> str:
    """The digits of a PESEL somebody typed. Invalid when it cannot be one, or its owner is not born yet."""
    digits = "".join(text.split())
    if len(digits) != 11 or not (digits.isascii() and digits.isdigit()) or not is_pesel(digits):
        raise Invalid("no PESEL")
    century, month = divmod(int(digits[2:4]), 20)
    if date(CENTURIES[century] + int(digits[:2]), month, int(digits[4:6])) > clock.today():
        raise Invalid("no PESEL of somebody who is born")
    return digits


def confirm_registration(
    session: Session, tenant: Tenant, number: str, *, pesel: str, by: UUID, move_to: UUID | None = None
) -> User:
    """The registration becomes an account, and a link that activates it goes to its owner.

    `move_to` is the account the official was shown as the one of this person: it gets the e-mail address and the
    password of the registration instead. NotFound when another official was quicker. AlreadyProven, AddressTaken,
    AccountBlocked: nothing is changed.
    """
    found = get_waiting(session, number, lock=True)
    known = find_by_pesel(session, tenant, pesel, kind=UserKind.RESIDENT)
    if known is not None:
        user = _agreed(session, known, move_to)
        _move(session, tenant, user, email=found.email, password_hash=found.password_hash)
        user.terms_version, user.language = found.terms_version, found.language
    else:
        user = _account_of(session, tenant, found.email, found.name, pesel)
        user.password_hash, user.terms_version, user.language = found.password_hash, found.terms_version, found.language
    session.execute(delete(Registration).where(Registration.email == found.email))
    if user.state is UserState.INVITED:
        send_link(session, tenant, user, by=by)
    publish(session, "account.identified", user.id)
    return user


def open_account(
    session: Session,
    tenant: Tenant,
    *,
    name: str,
    email: str,
    pesel: str,
    language: str,
    by: UUID,
    move_to: UUID | None = None,
) -> User:
    """An account for somebody who stands at the desk and did not register; the link lets them choose a password.

    As `confirm_registration`, without a password: where the account exists, its own ends.
    """
    address = email.strip().lower()
    known = find_by_pesel(session, tenant, pesel, kind=UserKind.RESIDENT)
    if known is not None:
        user = _agreed(session, known, move_to)
        _move(session, tenant, user, email=address, password_hash=None)
    else:
        user = _account_of(session, tenant, address, name, pesel)
        user.language = language
    session.execute(delete(Registration).where(Registration.email == address))
    send_link(session, tenant, user, by=by)
    publish(session, "account.identified", user.id)
    return user


def send_link(session: Session, tenant: Tenant, user: User, *, by: UUID | None) -> None:
    """The link of an account that is not active: to choose a password, or to say yes where one was chosen."""
    assert user.email is not None
    letter: Letter = ACTIVATE if user.password_hash else INVITE
    secret = make_password_link(session, user, by=by)
    until = day(clock.local_day(clock.now() + GOOD_FOR))
    words = {"address": tenant.url(f"/welcome/{secret}"), "day": until}
    send_letter(session, tenant, letter, words, to=user.email, language=user.language)


def _account_of(session: Session, tenant: Tenant, email: str, name: str, pesel: str) -> User:
    """A new account that waits for its owner to follow the link."""
    try:
        with session.begin_nested():
            user = make_user(session, kind=UserKind.RESIDENT, email=email, name=name.strip(), password=None)
            set_pesel(user, tenant, pesel)
    except IntegrityError as error:  # somebody at the next desk had the same person or address in the same moment
        other = find_by_pesel(session, tenant, pesel, kind=UserKind.RESIDENT)
        raise AlreadyProven(other) if other else AddressTaken("an account has this address") from error
    return user


def _agreed(session: Session, known: User, move_to: UUID | None) -> User:
    """The account that exists, locked, when the official saw that very one and says to go on with it."""
    session.refresh(known, with_for_update=True)
    if known.id != move_to:
        raise AlreadyProven(known)
    if known.state is UserState.BLOCKED:
        raise AccountBlocked(f"user {known.id} is blocked")
    return known


def _move(session: Session, tenant: Tenant, user: User, *, email: str, password_hash: str | None) -> None:
    """The account is signed in to with another address from now on. Who had the old one is told.

    Every other way in ends, whoever has it: links on their way, second factors, connected identities, private
    addresses of calendars. An identity that proves the PESEL finds the account again by itself.
    """
    taken = select(func.count()).where(User.kind == user.kind, User.email == email, User.id != user.id)
    if session.scalar(taken):
        raise AddressTaken("another account has this address")
    changed: dict[str, Any] = {"email": email, "password_hash": password_hash}
    if password_hash is None:
        changed["state"] = UserState.INVITED
    try:
        with session.begin_nested():
            if user.email is not None and user.email != email:
                tell(session, tenant, user, MOVED)
            for name, value in changed.items():
                setattr(user, name, value)
    except IntegrityError as error:  # it became somebody's in the same moment
        raise AddressTaken("another account has this address") from error
    end_links(session, user.id)
    take_factors(session, user.id)
    user.feed_version += 1
    session.execute(delete(ConnectedIdentity).where(ConnectedIdentity.user_id == user.id))
    end_all_sessions(session, user.id)
    session.flush()
