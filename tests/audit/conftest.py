"""A gmina with a sealed trail, and the hand of somebody who owns its tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from skarbnik.audit import chain, sealing
from skarbnik.audit.models import AuditSeal
from skarbnik.audit.services import record_act
from skarbnik.db import new_id

NOBODY = UUID(int=0)


@pytest.fixture
def act(tenant) -> Callable[..., None]:
    """`act(5)`: so many entries, committed."""

    def append(count: int = 1, **words: Any) -> None:
        with tenant.session() as session:
            for _ in range(count):
                record_act(session, "payer.viewed", **{"subject": "payer", "subject_id": new_id(), **words})

    return append


@pytest.fixture
def sealed(tenant, act):
    """Three seals, of 2, 3 and 4 entries."""
    for count in (2, 3, 4):
        act(count)
        sealing.seal(tenant, NOBODY)
    return tenant


@pytest.fixture
def tamper(clean, tenant):
    """`tamper("DELETE FROM audit_entries")`: as the owner of the tables, who can do anything."""
    with clean.as_admin() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(f"SET search_path TO {tenant.schema}")
        yield lambda statement, *words: connection.execute(statement, words or None)


@pytest.fixture
def forge(tenant, tamper):
    """`forge(key=True)`: write the whole chain anew over what is there now, as its owner without or with our key."""

    def write(*, key: bool = False, older_by: timedelta = timedelta()) -> None:
        previous = ""
        with tenant.session() as session:
            seals = session.scalars(select(AuditSeal).order_by(AuditSeal.number)).all()
        for each in seals:
            found = tamper(
                "SELECT count(*), audit_content(%s, %s, %s) FROM audit_entries WHERE seal = %s",
                each.number, each.first_id, each.last_id, each.number,
            ).fetchone()  # fmt: skip
            sealed_at = each.sealed_at - older_by
            header = chain.Header(each.number, previous, found[0], each.first_id, each.last_id, sealed_at, found[1])
            previous = header.digest()
            tamper(
                "UPDATE audit_seals SET entries = %s, content = %s, digest = %s, sealed_at = %s, mark = %s"
                " WHERE number = %s",
                found[0], found[1], previous, sealed_at, chain.mark_of(tenant, previous) if key else each.mark,
                each.number,
            )  # fmt: skip

    return write


@pytest.fixture
def seals(tenant) -> Callable[[], list[Any]]:
    def read() -> list[Any]:
        with tenant.session() as session:
            return [
                SimpleNamespace(**{name: getattr(each, name) for name in ("number", "entries", "digest", "removed_at")})
                for each in session.scalars(select(AuditSeal).order_by(AuditSeal.number))
            ]

    return read


@pytest.fixture(autouse=True)
def keep_logs(monkeypatch):
    """A command sets up the logs of its process, which is that of all tests here."""
    monkeypatch.setattr("skarbnik.cli.frame.set_up_logs", lambda kind: None)
