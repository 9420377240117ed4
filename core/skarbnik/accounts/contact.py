"""How the owner of an account is reached, and what they sign in with: e-mail address, telephone, language, password."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.letters import EMAIL_CHANGED, NEW_EMAIL, PASSWORD_CHANGED, send_letter, tell
from skarbnik.accounts.models import EmailChange, User, UserState, WebSession
from skarbnik.accounts.password_links import end_links
from skarbnik.accounts.password_policy import check_choice
from skarbnik.accounts.passwords import check_password, hash_password
from skarbnik.accounts.services import AddressTaken, hash_token
from skarbnik.accounts.sessions import end_all_sessions
from skarbnik.accounts.signed_in import FRESH
from skarbnik.crypto import new_secret
from skarbnik.errors import Forbidden, Invalid, NotFound
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.formats import moment
from skarbnik.web.languages import LANGUAGES

PROVE_WITHIN = timedelta(hours=24)
_PHONE = re.compile(r"\+[1-9][0-9]{7,14}")  # E.164, as SMS wants it
_POLISH = re.compile(r"[1-9][0-9]{8}")


class NotProven(Forbidden):
    """The current password is wrong, or the sign-in of who has none is too old."""


def get_own(session: Session, user_id: UUID, *, lock: bool = False) -> User:
    """The account of who is signed in."""
    wanted = select(User).where(User.id == user_id, User.state == UserState.ACTIVE)
    user = session.scalars(wanted.with_for_update() if lock else wanted).one_or_none()
    if user is None:
        raise NotFound(f"no active user {user_id}")
    return user


def prove_again(session: Session, user: User, *, password: str, token_hash: str) -> None:
    """What changes who may sign in asks for more than an open browser. NotProven.

    Who has no password here has signed in elsewhere no longer than FRESH ago.
    """
    if user.password_hash is not None:
        if not check_password(user.password_hash, password):
            raise NotProven("not the current password")
        return
    signed_in = session.scalar(select(WebSession.created_at).where(WebSession.token_hash == token_hash))
    if signed_in is None or clock.now() - signed_in > FRESH:
        raise NotProven("the sign-in is too old")


def set_language(session: Session, user_id: UUID, language: str) -> None:
    """The language of what is written to them. Invalid for one the portal does not speak."""
    if language not in LANGUAGES:
        raise Invalid(f"no language {language}")
    get_own(session, user_id, lock=True).language = language


def read_phone(text: str) -> str | None:
    """`601 234 567` is `+48601234567`; nothing is None. Invalid when it is no telephone number."""
    digits = re.sub(r"[\s().\-]", "", text)
    if not digits:
        return None
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    if _POLISH.fullmatch(digits):
        digits = f"+48{digits}"
    if not _PHONE.fullmatch(digits):
        raise Invalid("no telephone number")
    return digits


def set_phone(session: Session, user_id: UUID, phone: str | None) -> bool:
    """Whether it is another one than before."""
    user = get_own(session, user_id, lock=True)
    before, user.phone = user.phone, phone
    return before != phone


def change_password(session: Session, tenant: Tenant, user: User, password: str, *, here: str) -> None:
    """Every other browser is signed out, and the owner is told. WeakPassword.

    `here` is the hash of the token of the browser that asks. Links to a password or a new address end.
    """
    check_choice(password, words=(tenant.name, user.name, user.email))
    user.password_hash = hash_password(password)
    end_links(session, user.id)
    end_all_sessions(session, user.id, but=here)
    place = "/office/forgot" if user.kind == "official" else "/forgot"
    tell(session, tenant, user, PASSWORD_CHANGED, forgot=tenant.url(place))


def ask_new_email(session: Session, tenant: Tenant, user: User, email: str) -> None:
    """Send a link to the new address; nothing changes before it is followed. One at a time: the last one counts.

    Whether another account has the address is told to nobody before it is proven.
    """
    address, secret, now = email.strip().lower(), new_secret(), clock.now()
    session.execute(delete(EmailChange).where(EmailChange.user_id == user.id))
    session.add(
        EmailChange(
            user_id=user.id,
            email=address,
            secret_hash=hash_token(secret),
            created_at=now,
            expires_at=now + PROVE_WITHIN,
        )
    )
    session.flush()
    words = {"address": tenant.url(f"/new-email/{secret}"), "moment": moment(now + PROVE_WITHIN)}
    send_letter(session, tenant, NEW_EMAIL, words, to=address, language=user.language)


def find_email_change(session: Session, secret: str) -> EmailChange:
    """What the link is about. NotFound when it is unknown, used or too old, or the account is not open."""
    found = session.scalars(
        select(EmailChange)
        .join(User, User.id == EmailChange.user_id)
        .where(
            EmailChange.secret_hash == hash_token(secret),
            EmailChange.expires_at > clock.now(),
            User.state == UserState.ACTIVE,
        )
    ).one_or_none()
    if found is None:
        raise NotFound("no such change of an address")
    return found


def take_new_email(session: Session, tenant: Tenant, secret: str) -> User:
    """The new address is proven and holds from now on. Once; every browser is signed out, the old address is told.

    NotFound as above, also for the second of two who follow the link at once. AddressTaken.
    """
    change = find_email_change(session, secret)
    user = get_own(session, change.user_id, lock=True)
    used = session.scalar(
        delete(EmailChange).where(EmailChange.secret_hash == change.secret_hash).returning(EmailChange.user_id)
    )
    if used is None:
        raise NotFound("the link was used a moment ago")
    taken = select(User.id).where(User.kind == user.kind, User.email == change.email, User.id != user.id)
    if session.scalar(taken) is not None:
        raise AddressTaken("another account has the address")
    try:
        with session.begin_nested():
            if user.email != change.email:
                tell(session, tenant, user, EMAIL_CHANGED)
            user.email = change.email
    except IntegrityError as error:  # somebody else proved it in the same moment
        raise AddressTaken("another account has the address") from error
    end_links(session, user.id)
    end_all_sessions(session, user.id)
    session.flush()
    return user


def find_pending_email(session: Session, user_id: UUID) -> EmailChange | None:
    """The new address that waits for its proof."""
    return session.scalars(
        select(EmailChange).where(EmailChange.user_id == user_id, EmailChange.expires_at > clock.now())
    ).one_or_none()
