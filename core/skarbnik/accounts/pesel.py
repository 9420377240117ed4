"""PESEL (number in the population register): sealed where a finance system gave it, and a keyed hash to find it by.

Nobody reads it in the database (art. 87 of regulation 2016/679: national identification numbers want safeguards of
their own). Of a user only the hash is kept.
"""

from __future__ import annotations

import base64
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from skarbnik.accounts.models import User, UserKind
from skarbnik.tenancy.registry import Tenant

PURPOSE = "pesel"


def hash_pesel(tenant: Tenant, pesel: str, *, version: int | None = None) -> UUID:
    """128 bits of the keyed hash by which a gmina finds who proved their PESEL; the current key unless one is named."""
    return UUID(bytes=tenant.instance.keys.keyed_hash(tenant.id, f"{PURPOSE}/hash", pesel, version=version)[:16])


def hashes_of(tenant: Tenant, pesel: str) -> set[UUID]:
    """With each key there is: what was kept with an older one is found, too."""
    return {hash_pesel(tenant, pesel, version=each) for each in tenant.instance.keys.versions}


def seal_pesel(tenant: Tenant, pesel: str) -> str:
    """Base64, at most 80 characters."""
    return base64.b64encode(tenant.seal(PURPOSE, pesel.encode())).decode()


def open_pesel(tenant: Tenant, sealed: str) -> str:
    return tenant.open_sealed(PURPOSE, base64.b64decode(sealed)).decode()


def find_by_pesel(session: Session, tenant: Tenant, pesel: str, *, kind: UserKind) -> User | None:
    """The account of this person, also when its hash was made with an older key."""
    query = select(User).where(User.kind == kind, User.pesel_hash.in_(hashes_of(tenant, pesel)))
    return session.scalars(query).one_or_none()


def is_of(user: User, tenant: Tenant, pesel: str) -> bool:
    """Whether this is the PESEL the user has proven, also when its hash was made with an older key."""
    return user.pesel_hash in hashes_of(tenant, pesel)


def is_proven(session: Session, user_id: UUID) -> bool:
    """Whether this person proved their PESEL, at the desk or at an identity provider."""
    return session.get_one(User, user_id).pesel_hash is not None


def set_pesel(user: User, tenant: Tenant, pesel: str) -> None:
    """Keep a PESEL its owner has proven, with the current key."""
    user.pesel_hash = hash_pesel(tenant, pesel)
    user.pesel_key = tenant.instance.keys.current
