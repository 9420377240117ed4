"""Passwords with Argon2id. An unknown user costs the same time as a wrong password."""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()

SHORTEST = 10


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def check_password(stored: str | None, given: str) -> bool:
    """True when it is the password. Takes as long when there is nothing to compare with."""
    try:
        return _hasher.verify(stored or _decoy(), given) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """A hash made with costs of before: who gives the password is the only one who can make it anew."""
    return _hasher.check_needs_rehash(stored)


@lru_cache
def _decoy() -> str:
    return _hasher.hash("nobody has this password")
