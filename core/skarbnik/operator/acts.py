"""The trail of operators: what they did with the instance. Only added to; what they did in a gmina stands there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from skarbnik import clock
from skarbnik.db import new_id

PAGE = 50

_APPEND = text("""
    INSERT INTO platform.operator_acts (id, at, operator_id, action, tenant_id, access_id, words, ip)
    VALUES (:id, :at, :operator, :action, :tenant, :access, :words, :ip)
""")
_LIST = text("""
    SELECT a.id, a.at, a.action, a.words, a.ip, o.name AS operator, t.name AS gmina
    FROM platform.operator_acts a
    LEFT JOIN platform.operators o ON o.id = a.operator_id
    LEFT JOIN platform.tenants t ON t.id = a.tenant_id
    WHERE a.id < COALESCE(CAST(:before AS uuid), 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    ORDER BY a.id DESC LIMIT :most
""")


def record(
    connection: Connection,
    action: str,
    *,
    operator_id: UUID | None = None,
    tenant_id: str | None = None,
    access_id: UUID | None = None,
    words: str = "",
    ip: str | None = None,
) -> None:
    """Append one act in the transaction that does it. No operator: it was a command, by who has the server."""
    given = {"operator": operator_id, "tenant": tenant_id, "access": access_id, "words": words[:200], "ip": ip}
    connection.execute(_APPEND, {"id": new_id(), "at": clock.now(), "action": action, **given})


def list_acts(engine: Engine, *, before: UUID | None) -> Sequence[Any]:
    """Newest first, one more than a page shows."""
    with engine.begin() as connection:
        return connection.execute(_LIST, {"before": before, "most": PAGE + 1}).all()
