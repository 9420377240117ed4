"""How entries are chained: what a seal's digest is of, and the newest seal as it is known outside of the database."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog

from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

PURPOSE = "audit-seal"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Header:
    """What a seal says. `content` is the digest of the lines of its entries, each with its line end, by id."""

    number: int
    previous: str  # digest of the seal before it; empty for the first one
    entries: int
    first_id: UUID
    last_id: UUID
    sealed_at: datetime
    content: str

    def line(self) -> str:
        """As `audit_seal` in the database writes it."""
        words = [
            self.number,
            self.previous,
            self.entries,
            str(self.first_id),
            str(self.last_id),
            (self.sealed_at - EPOCH) // timedelta(microseconds=1),
            self.content,
        ]
        return json.dumps(words)

    def digest(self) -> str:
        return hashlib.sha256(self.line().encode()).hexdigest()


def mark_of(tenant: Tenant, digest: str, *, version: int | None = None) -> str:
    """The keyed hash of a seal's digest. KeyError when the instance does not have that version of its key any more."""
    return tenant.instance.keys.keyed_hash(tenant.id, PURPOSE, digest, version=version).hex()


@dataclass(frozen=True)
class Anchor:
    """What somebody outside of the database knows of the chain: a seal's number and its digest."""

    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


def read_anchor(text: str) -> Anchor:
    """ValueError for what is none."""
    found = re.fullmatch(r"([1-9][0-9]{0,8}):([0-9a-f]{64})", text.strip())
    if found is None:
        raise ValueError(f"not an anchor: {text!r}; it is a number, a colon and 64 digits")
    return Anchor(int(found[1]), found[2])


def _place_of(tenant: Tenant) -> Path:
    return tenant.instance.settings.files / "audit" / tenant.id


def find_kept_anchor(tenant: Tenant) -> Anchor | None:
    """The newest seal as the files of the instance know it. ValueError when somebody wrote something else there."""
    try:
        return read_anchor(_place_of(tenant).read_text(encoding="ascii"))
    except FileNotFoundError:
        return None


def keep_anchor(tenant: Tenant, anchor: Anchor) -> None:
    """After the commit. Whoever is killed before leaves the older anchor, which the chain still goes through."""
    place = _place_of(tenant)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        known = find_kept_anchor(tenant)
    except ValueError:
        log.error("audit.anchor_unreadable")  # it is evidence, and `verify` tells of it
        return
    if known is not None and known.number >= anchor.number:
        return
    draft = place.with_name(f"{place.name}.{os.getpid()}.{anchor.number}")
    draft.write_text(str(anchor), encoding="ascii")
    draft.replace(place)
