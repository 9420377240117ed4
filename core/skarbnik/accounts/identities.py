"""Whose account a proven identity is: found by PESEL or by the provider's own name for the person, else made.

Never by e-mail or name: whoever may write those somewhere would be anybody here.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.models import ConnectedIdentity, Door, User, UserKind, UserState
from skarbnik.accounts.pesel import find_by_pesel, set_pesel
from skarbnik.audit.services import record_act
from skarbnik.errors import Conflict
from skarbnik.plugin_api import Identity, SignInReason, SignInRefused
from skarbnik.tenancy.registry import Tenant

KINDS = {Door.RESIDENTS: UserKind.RESIDENT, Door.OFFICE: UserKind.OFFICIAL}


class ConnectedElsewhere(Conflict):
    """Another account of this gmina is signed in to with this identity."""


class NotConnected(SignInRefused):
    """Nobody of the office has connected this identity. Officials are invited, never made by a sign-in."""

    def __init__(self) -> None:
        super().__init__(SignInReason.NOBODY, "connected")


def identify(session: Session, tenant: Tenant, provider_id: str, door: Door, identity: Identity) -> User:
    """The account of this person; a resident without one gets it, without e-mail and password.

    Whoever was waiting for the desk to look at their papers has just proven who they are, and is active.
    NotConnected at the office's door.
    """
    connected = _find(session, tenant, identity, kind=KINDS[door])
    if door is Door.OFFICE:
        if connected is None:
            raise NotConnected
        return connected
    user = (find_by_pesel(session, tenant, identity.pesel, kind=UserKind.RESIDENT) if identity.pesel else None) or (
        connected
    )
    if user is None:
        user = _make_resident(session, tenant, identity)
    elif identity.pesel:
        set_pesel(user, tenant, identity.pesel)
    _connect(session, tenant, user, provider_id, identity)
    if user.state is UserState.INVITED:
        user.state = UserState.ACTIVE
    if user.state is UserState.ACTIVE and _name(identity):
        user.name = _name(identity)  # as it is in the register now
    return user


def connect(session: Session, tenant: Tenant, user: User, provider_id: str, identity: Identity) -> None:
    """From now on this account is signed in to with this identity, too. ConnectedElsewhere when another one is."""
    others = [_find(session, tenant, identity, kind=user.kind)]
    if identity.pesel and user.kind is UserKind.RESIDENT:
        others.append(find_by_pesel(session, tenant, identity.pesel, kind=user.kind))
        if user.pesel_hash is not None and others[-1] is None:
            raise ConnectedElsewhere("the identity is of another person")
    if any(other is not None and other.id != user.id for other in others):
        raise ConnectedElsewhere("another account has this identity")
    if identity.pesel and user.kind is UserKind.RESIDENT:
        set_pesel(user, tenant, identity.pesel)
    _connect(session, tenant, user, provider_id, identity)


def list_identities(session: Session, user_id: UUID) -> Sequence[ConnectedIdentity]:
    """The newest first."""
    return session.scalars(
        select(ConnectedIdentity)
        .where(ConnectedIdentity.user_id == user_id)
        .order_by(ConnectedIdentity.created_at.desc())
    ).all()


class ProvesPesel(Conflict):
    """Whoever proves the PESEL of an account comes to it, whatever is connected: disconnecting would change nothing."""


def disconnect(session: Session, user_id: UUID, provider_id: str) -> bool:
    """False when there was nothing to disconnect. ProvesPesel."""
    if any(each.proves_pesel for each in list_identities(session, user_id) if each.provider == provider_id):
        raise ProvesPesel(f"{provider_id} proves the PESEL of this account")
    mine = (ConnectedIdentity.user_id == user_id) & (ConnectedIdentity.provider == provider_id)
    gone = delete(ConnectedIdentity).where(mine).returning(ConnectedIdentity.subject_hash)
    return bool(session.scalars(gone).all())


def _make_resident(session: Session, tenant: Tenant, identity: Identity) -> User:
    """Once, also when somebody clicks twice: who comes second finds what the first one made."""
    user = User(kind=UserKind.RESIDENT, state=UserState.ACTIVE, name=_name(identity), created_at=clock.now())
    if identity.pesel:
        set_pesel(user, tenant, identity.pesel)
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError:
        made = find_by_pesel(session, tenant, identity.pesel, kind=UserKind.RESIDENT) if identity.pesel else None
        if made is None:
            raise
        return made
    record_act(session, "account.made", subject="user", subject_id=user.id, actor="user", actor_id=user.id)
    return user


def _find(session: Session, tenant: Tenant, identity: Identity, *, kind: UserKind) -> User | None:
    hashes = _hashes(tenant, identity, kind)
    return session.scalars(
        select(User)
        .join(ConnectedIdentity, ConnectedIdentity.user_id == User.id)
        .where(ConnectedIdentity.subject_hash.in_(hashes), User.kind == kind)
    ).first()


def _connect(session: Session, tenant: Tenant, user: User, provider_id: str, identity: Identity) -> None:
    now, proves = clock.now(), identity.pesel is not None and user.kind is UserKind.RESIDENT
    mine = session.get(ConnectedIdentity, _hash(tenant, identity, user.kind, tenant.instance.keys.current))
    if mine is None:
        hashes = _hashes(tenant, identity, user.kind)
        session.execute(delete(ConnectedIdentity).where(ConnectedIdentity.subject_hash.in_(hashes)))  # of older keys
        made = ConnectedIdentity(
            subject_hash=hashes[0],
            user_id=user.id,
            provider=provider_id,
            proves_pesel=proves,
            created_at=now,
            used_at=now,
        )
        try:
            with session.begin_nested():
                session.add(made)
        except IntegrityError as error:  # somebody came with the same identity in the same moment
            raise ConnectedElsewhere("another account has this identity") from error
        return
    mine.user_id, mine.used_at, mine.proves_pesel = user.id, now, proves


def _hashes(tenant: Tenant, identity: Identity, kind: UserKind) -> list[str]:
    """With each key there is, the current one first."""
    return [_hash(tenant, identity, kind, version) for version in tenant.instance.keys.versions]


def _hash(tenant: Tenant, identity: Identity, kind: UserKind, version: int) -> str:
    """One identity may be a resident and an official: two accounts."""
    words = f"{kind}\n{identity.issuer}\n{identity.subject}"
    return tenant.instance.keys.keyed_hash(tenant.id, "identity", words, version=version).hex()


def _name(identity: Identity) -> str:
    return " ".join(each for each in (identity.given_name, identity.family_name) if each)[:120]
