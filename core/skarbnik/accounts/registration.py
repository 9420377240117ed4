"""Registering: somebody types who they are, proves the e-mail address, and comes to a desk of the office.

Whether an address has an account is told to its owner only, by e-mail: the page and its time are the same. A link
proves the address, and the password chosen before proves that it is followed by who registered: else a stranger could
register somebody else's address, wait until its owner proves it, and know the password of what becomes an account.

No PESEL is asked or kept here: at the desk the official reads it off the identity document (`desk`).
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.letters import KNOWN, PROVE, send_letter
from skarbnik.accounts.models import Registration, User, UserKind
from skarbnik.accounts.passwords import check_password, hash_password
from skarbnik.accounts.services import AddressTaken, hash_token
from skarbnik.crypto import new_secret
from skarbnik.errors import Forbidden, NotFound
from skarbnik.outbox import Again, publish
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.formats import day

UNPROVEN = timedelta(days=7)
WAITING = timedelta(days=60)  # for the desk, from the proof on
DIGITS = 8
TOPIC = "account.registration_due"


class WrongPassword(Forbidden):
    """Who follows the link does not know the password that was chosen with the registration."""


def register(
    session: Session, tenant: Tenant, *, name: str, email: str, password: str, language: str, terms_version: str
) -> None:
    """Keep who wants an account, and send the link that proves the address; to a known one, that it is known.

    The costly part is done either way, and nothing is answered that would tell the two apart.
    """
    address, hashed, now = email.strip().lower(), hash_password(password), clock.now()
    secret = new_secret()
    made = Registration(
        number=_free_number(session),
        secret_hash=hash_token(secret),
        email=address,
        name=name.strip(),
        password_hash=hashed,
        language=language,
        terms_version=terms_version,
        created_at=now,
        expires_at=now + UNPROVEN,
    )
    if _has_account(session, address):
        words = {"address": tenant.url("/sign-in"), "forgot": tenant.url("/forgot")}
        send_letter(session, tenant, KNOWN, words, to=address, language=language)
        with session.begin_nested() as as_long:  # the same statements, for nobody
            session.add(made)
            session.flush()
            as_long.rollback()
        return
    session.add(made)
    session.flush()
    publish(session, TOPIC, made.id, due_at=made.expires_at)
    words = {"address": tenant.url(f"/register/{secret}"), "day": day(clock.local_day(made.expires_at))}
    send_letter(session, tenant, PROVE, words, to=address, language=language)


def find_registration(session: Session, secret: str) -> Registration:
    """What was registered, for who has the link. NotFound when it is unknown or over."""
    found = session.scalars(
        select(Registration).where(
            Registration.secret_hash == hash_token(secret), Registration.expires_at > clock.now()
        )
    ).one_or_none()
    if found is None:
        raise NotFound("no such registration")
    return found


def prove(session: Session, secret: str, password: str) -> Registration:
    """The address is its owner's: from now on the registration waits for the desk. Safe to repeat.

    Another registration of the same address ends, whoever began it. WrongPassword; NotFound as above; AddressTaken.
    """
    found = find_registration(session, secret)
    if not check_password(found.password_hash, password):
        raise WrongPassword("not the password of the registration")
    same = select(Registration).where(Registration.email == found.email).order_by(Registration.id).with_for_update()
    if found not in session.scalars(same.execution_options(populate_existing=True)).all():
        raise NotFound("the registration ended a moment ago")
    if found.proven_at is not None:
        return found
    if _has_account(session, found.email):
        raise AddressTaken("the address has an account by now")
    session.execute(delete(Registration).where(Registration.email == found.email, Registration.id != found.id))
    found.proven_at = clock.now()
    found.expires_at = found.proven_at + WAITING
    session.flush()
    return found


def get_waiting(session: Session, number: str, *, lock: bool = False) -> Registration:
    """The proven registration with this number. NotFound when there is none: unproven, taken, removed or too old."""
    wanted = select(Registration).where(
        Registration.number == number, Registration.proven_at.is_not(None), Registration.expires_at > clock.now()
    )
    found = session.scalars(wanted.with_for_update() if lock else wanted).one_or_none()
    if found is None:
        raise NotFound("no registration waits under this number")
    return found


def read_number(text: str) -> str:
    """What somebody read aloud and somebody typed: `1234 5678` and `1234-5678` are the same."""
    return "".join(each for each in text if each.isascii() and each.isdigit())[: DIGITS + 1]


def spoken(number: str) -> str:
    """`1234 5678`, as it is printed and read aloud."""
    return f"{number[:4]} {number[4:]}"


def remove_due(tenant: Tenant, registration_id: UUID) -> Again | None:
    """Nobody came: what was typed vanishes. Comes back when its time was put off by the proof."""
    with tenant.session() as session:
        found = session.get(Registration, registration_id, with_for_update=True)
        if found is None:
            return None
        if found.expires_at > clock.now():
            return Again(found.expires_at)
        session.delete(found)
    return None


def _has_account(session: Session, address: str) -> bool:
    known = select(User.id).where(User.kind == UserKind.RESIDENT, User.email == address)
    return session.scalar(known) is not None


def _free_number(session: Session) -> str:
    """Eight digits nobody waits with. A number is no secret: it opens nothing without an identity document."""
    while True:
        number = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        if session.scalar(select(Registration.id).where(Registration.number == number)) is None:
            return number
