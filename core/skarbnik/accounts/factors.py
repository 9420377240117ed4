"""Second factors of users: an authenticator app, passkeys, and recovery codes on paper.

Each proof counts once: of a code the step in time is kept, of a passkey the number of its signatures, and a recovery
code goes when it is used. Comparing and keeping is one statement, so two who send the same at once are one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.codes import in_fours, new_app_key, new_recovery_codes, read_code, steps_of
from skarbnik.accounts.models import FactorKind, SecondFactor, User, UserKind
from skarbnik.errors import Conflict, Forbidden, NotFound
from skarbnik.tenancy.registry import Tenant

MOST_PASSKEYS = 20
APP = "app"
PURPOSE = "totp"

_SIGNING = {FactorKind.TOTP, FactorKind.PASSKEY}


class WrongCode(Forbidden):
    """Not the code of now, or one that was used, or of nobody: who asks is not told which."""


class LastFactor(Conflict):
    """An official keeps one: without it nobody would come in with the account any more."""


class TooManyPasskeys(Conflict):
    """Somebody has MOST_PASSKEYS already."""


def list_factors(session: Session, user_id: UUID) -> Sequence[SecondFactor]:
    """The app and the passkeys of somebody, the oldest first. Recovery codes only stand in for them."""
    return session.scalars(
        select(SecondFactor)
        .where(SecondFactor.user_id == user_id, SecondFactor.kind.in_(_SIGNING))
        .order_by(SecondFactor.created_at, SecondFactor.mark)
    ).all()


def has_factor(session: Session, user_id: UUID) -> bool:
    found = select(SecondFactor.mark).where(SecondFactor.user_id == user_id, SecondFactor.kind.in_(_SIGNING)).limit(1)
    return session.scalar(found) is not None


def needs_second(session: Session, user: User) -> bool:
    """Whether a password alone does not let this person in: officials always, residents who chose so."""
    return user.kind is UserKind.OFFICIAL or has_factor(session, user.id)


def keep_app(session: Session, tenant: Tenant, user_id: UUID, key: str, code: str) -> None:
    """The app of somebody from now on, in the place of the one before. WrongCode unless it shows this code now."""
    steps = steps_of(key, code)
    if not steps:
        raise WrongCode("the app shows another code")
    store_app(session, tenant, user_id, key, used=steps[0])


def store_app(session: Session, tenant: Tenant, user_id: UUID, key: str, *, used: int = 0) -> None:
    """As `keep_app`, for who knows that the key is in an app. Codes up to the step `used` do not count any more."""
    _lock(session, user_id)
    mine = (SecondFactor.user_id == user_id) & (SecondFactor.mark == APP)
    session.execute(delete(SecondFactor).where(mine))
    session.add(
        SecondFactor(
            user_id=user_id,
            mark=APP,
            kind=FactorKind.TOTP,
            secret=tenant.seal(PURPOSE, user_id.bytes + key.encode()),
            counter=used,
            created_at=clock.now(),
        )
    )
    session.flush()


def use_code(session: Session, tenant: Tenant, user_id: UUID, given: str) -> FactorKind:
    """Take a code somebody typed: six digits of their app, or a recovery code. WrongCode; nothing is changed then."""
    code = read_code(given)
    if re.fullmatch(r"[0-9]{6}", code):
        _use_app(session, tenant, user_id, code)
        return FactorKind.TOTP
    used = delete(SecondFactor).where(
        SecondFactor.user_id == user_id,
        SecondFactor.mark == _mark_of_code(user_id, code),
        SecondFactor.kind == FactorKind.RECOVERY,
    )
    if session.scalar(used.returning(SecondFactor.mark)) is None:
        raise WrongCode("no such recovery code")
    return FactorKind.RECOVERY


def _use_app(session: Session, tenant: Tenant, user_id: UUID, code: str) -> None:
    mine = (SecondFactor.user_id == user_id) & (SecondFactor.mark == APP)
    sealed = session.scalar(select(SecondFactor.secret).where(mine))
    key = _open_key(tenant, user_id, sealed) if sealed else new_app_key()  # nobody's: takes as long
    steps = steps_of(key, code)
    for step in steps if sealed else ():
        assert sealed is not None  # else there are no steps
        again = sealed
        if sealed[0] != tenant.instance.keys.current:  # so that a key of the ring can be dropped one day
            again = tenant.seal(PURPOSE, user_id.bytes + key.encode())
        newer = update(SecondFactor).where(mine, SecondFactor.counter < step, SecondFactor.secret == sealed)
        kept = newer.values(counter=step, used_at=clock.now(), secret=again).returning(SecondFactor.mark)
        if session.scalar(kept) is not None:
            return
    raise WrongCode("the app shows another code, or this one was used")


def _open_key(tenant: Tenant, user_id: UUID, sealed: bytes) -> str:
    opened = tenant.open_sealed(PURPOSE, sealed)
    if opened[:16] != user_id.bytes:
        raise WrongCode("the key of an app is somebody else's")
    return opened[16:].decode()


def make_recovery_codes(session: Session, user_id: UUID) -> list[str]:
    """A new set, told this once; the one before is worth nothing any more."""
    _lock(session, user_id)
    session.execute(delete(SecondFactor).where(_codes_of(user_id)))
    codes = new_recovery_codes()
    session.add_all(
        SecondFactor(
            user_id=user_id, mark=_mark_of_code(user_id, code), kind=FactorKind.RECOVERY, created_at=clock.now()
        )
        for code in codes
    )
    session.flush()
    return [in_fours(code) for code in codes]


def count_recovery_codes(session: Session, user_id: UUID) -> int:
    return session.scalar(select(func.count()).select_from(SecondFactor).where(_codes_of(user_id))) or 0


def _codes_of(user_id: UUID) -> ColumnElement[bool]:
    return (SecondFactor.user_id == user_id) & (SecondFactor.kind == FactorKind.RECOVERY)


def _mark_of_code(user_id: UUID, code: str) -> str:
    """A random code has too much entropy for a slow hash to matter. Two people's equal codes have different marks."""
    return hashlib.sha256(user_id.bytes + code.encode()).hexdigest()


def mark_of(credential_id: bytes) -> str:
    """What finds a passkey."""
    return hashlib.sha256(credential_id).hexdigest()


def add_passkey(
    session: Session, user_id: UUID, *, name: str, credential_id: bytes, public_key: bytes, signatures: int
) -> None:
    """TooManyPasskeys; Conflict when it is there already."""
    _lock(session, user_id)
    found = [each.mark for each in list_factors(session, user_id) if each.kind is FactorKind.PASSKEY]
    if mark_of(credential_id) in found:
        raise Conflict("this passkey is there already")
    if len(found) >= MOST_PASSKEYS:
        raise TooManyPasskeys(f"at most {MOST_PASSKEYS} passkeys")
    session.add(
        SecondFactor(
            user_id=user_id,
            mark=mark_of(credential_id),
            kind=FactorKind.PASSKEY,
            name=name,
            credential_id=credential_id,
            secret=public_key,
            counter=signatures,
            created_at=clock.now(),
        )
    )
    session.flush()


def find_passkey(session: Session, user_id: UUID, credential_id: bytes) -> SecondFactor | None:
    found = session.get(SecondFactor, (user_id, mark_of(credential_id)))
    return found if found is not None and found.kind is FactorKind.PASSKEY else None


def mark_passkey_used(session: Session, passkey: SecondFactor, *, signatures: int) -> None:
    """WrongCode when its counter did not grow: the answer is an old one, or the passkey was copied.

    Many passkeys count nothing and always say 0.
    """
    grown = SecondFactor.counter == 0 if signatures == 0 else SecondFactor.counter < signatures
    used = (
        update(SecondFactor)
        .where(SecondFactor.user_id == passkey.user_id, SecondFactor.mark == passkey.mark, grown)
        .values(counter=signatures, used_at=clock.now())
        .returning(SecondFactor.mark)
    )
    if session.scalar(used) is None:
        raise WrongCode("the counter of a passkey did not grow")


def remove_factor(session: Session, user: User, mark: str) -> SecondFactor:
    """Take away an app or a passkey of one's own. With the last one the recovery codes go too.

    NotFound; LastFactor for an official.
    """
    _lock(session, user.id)
    factors = list_factors(session, user.id)
    found = next((each for each in factors if each.mark == mark), None)
    if found is None:
        raise NotFound("no such factor of this user")
    if len(factors) == 1:
        if user.kind is UserKind.OFFICIAL:
            raise LastFactor("an official keeps one factor")
        session.execute(delete(SecondFactor).where(_codes_of(user.id)))
    session.delete(found)
    session.flush()
    return found


def take_factors(session: Session, user_id: UUID) -> int:
    """Take away all that somebody lost, recovery codes too; how many there were.

    Who may do it is the caller's to check. Afterwards the password alone leads to setting up a new one.
    """
    _lock(session, user_id)
    taken = delete(SecondFactor).where(SecondFactor.user_id == user_id).returning(SecondFactor.mark)
    return len(session.scalars(taken).all())


def _lock(session: Session, user_id: UUID) -> None:
    """Changes of one person's factors come one after another."""
    session.execute(select(User.id).where(User.id == user_id).with_for_update())
