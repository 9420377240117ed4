"""Secrets of gminas at rest, and keyed hashes for looking things up without storing them readable.

Keys are derived (HKDF-SHA256) from the instance's key ring for each gmina and purpose, so nothing sealed for one
gmina or purpose opens for another. A sealed value begins with the version of its key; rotation adds a new first key.
"""

from __future__ import annotations

import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from skarbnik.errors import SkarbnikError

NONCE = 12
INSTANCE = "-"  # in the place of a gmina's id: what is of the instance itself


class CannotOpen(SkarbnikError):
    """A sealed value was changed, is another gmina's, or its key is gone."""


class KeyRing:
    """The keys of an instance; the first one seals, all of them open."""

    def __init__(self, keys: tuple[tuple[int, bytes], ...]) -> None:
        self.current = keys[0][0]
        self.versions = tuple(version for version, _key in keys)
        self._keys = dict(keys)
        self._derive = lru_cache(maxsize=4096)(self._derive_uncached)

    def seal(self, tenant_id: str, purpose: str, plain: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        key = self._derive(self.current, tenant_id, purpose)
        bound = f"{tenant_id}|{purpose}".encode()
        return bytes([self.current]) + nonce + AESGCM(key).encrypt(nonce, plain, bound)

    def open(self, tenant_id: str, purpose: str, sealed: bytes) -> bytes:
        """The plain bytes again. CannotOpen for anything `seal` did not make for this gmina and purpose."""
        try:
            key = self._derive(sealed[0], tenant_id, purpose)
            bound = f"{tenant_id}|{purpose}".encode()
            return AESGCM(key).decrypt(sealed[1 : 1 + NONCE], sealed[1 + NONCE :], bound)
        except (IndexError, KeyError, ValueError, InvalidTag) as error:
            raise CannotOpen(f"a sealed value ({purpose}) does not open for {tenant_id}") from error

    def keyed_hash(self, tenant_id: str, purpose: str, text: str, *, version: int | None = None) -> bytes:
        """32 bytes that tell equal texts within one gmina and nothing to anybody without the key."""
        key = self._derive(version or self.current, tenant_id, purpose)
        return hmac.digest(key, text.encode(), "sha256")

    def digest_key(self, tenant_id: str, purpose: str) -> bytes:
        """A key for many fast digests (blake2b) of imported rows."""
        return self._derive(self.current, tenant_id, purpose)

    def _derive_uncached(self, version: int, tenant_id: str, purpose: str) -> bytes:
        info = f"skarbnik/{tenant_id}/{purpose}".encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._keys[version])


def new_secret() -> str:
    """An unguessable text of 64 characters for addresses and tokens."""
    return os.urandom(32).hex()
