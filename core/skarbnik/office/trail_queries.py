"""Reading the trail as the office asks for it: by who, what, of whom or of which payment, and when.

Parts of the statement are chosen, and never written, by what somebody asks for. Each has an index that gives the newest
first; ids tell the time, to a day in case a clock was wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.audit.models import AuditSeal
from skarbnik.db import first_id_of
from skarbnik.tenancy.registry import Tenant

PAGE = 30
AT_ONCE = 2_000  # rows of a file fetched together
SLACK = timedelta(days=1)

_COLUMNS = """
    a.id, a.at, a.actor, a.actor_id, a.action, a.subject, a.subject_id, a.payers, a.request_id, a.ip, a.seal
"""


@dataclass(frozen=True)
class Whose:
    """Of whom or of which payment: ids of payers, and of things."""

    payers: list[UUID] = field(default_factory=list)
    subjects: list[UUID] = field(default_factory=list)


@dataclass(frozen=True)
class TrailFilter:
    """Which entries a list is of; None is any. Days are of Warsaw, both included."""

    actor: str | None = None  # without a name of its own: system, operator, api
    actor_id: UUID | None = None
    actions: list[str] | None = None
    whose: Whose | None = None
    from_on: date | None = None
    until_on: date | None = None


def list_entries(
    session: Session, wanted: TrailFilter, *, before: UUID | None = None, most: int = PAGE + 1
) -> Sequence[Any]:
    """Newest first; one more than a page may come."""
    conditions, words = _conditions(wanted, before)
    words["most"] = most
    where = " AND ".join(conditions) or "true"
    if wanted.whose is not None:
        of = _of_whom(wanted.whose, words)
        statement = f"""
            WITH found AS MATERIALIZED (SELECT {_COLUMNS} FROM audit_entries a WHERE {of})
            SELECT * FROM found AS a WHERE {where} ORDER BY a.id DESC LIMIT :most
        """  # noqa: S608  # our own words
    elif wanted.actions is not None and wanted.actor is None and wanted.actor_id is None:
        statement = f"""
            SELECT e.* FROM unnest(CAST(:actions AS varchar[])) AS act CROSS JOIN LATERAL (
                SELECT {_COLUMNS} FROM audit_entries a WHERE a.action = act AND {where} ORDER BY a.id DESC LIMIT :most
            ) AS e ORDER BY e.id DESC LIMIT :most
        """  # noqa: S608  # our own words
    else:
        statement = f"SELECT {_COLUMNS} FROM audit_entries a WHERE {where} ORDER BY a.id DESC LIMIT :most"  # noqa: S608  # our own words
    named = "SELECT p.*, u.name FROM ({}) AS p LEFT JOIN users u ON u.id = p.actor_id ORDER BY p.id DESC"
    return session.execute(text(named.format(statement)), words).all()


def _conditions(wanted: TrailFilter, before: UUID | None) -> tuple[list[str], dict[str, Any]]:
    conditions: list[str] = []
    words: dict[str, Any] = {}
    if wanted.actor_id is not None:
        conditions.append("a.actor_id = :actor_id")
        words["actor_id"] = wanted.actor_id
    if wanted.actor is not None:
        conditions.append("a.actor = :actor")
        words["actor"] = wanted.actor
    if wanted.actions is not None:
        words["actions"] = wanted.actions
        conditions.append("a.action = ANY (CAST(:actions AS varchar[]))")
    if wanted.from_on is not None:
        since = clock.start_of(wanted.from_on)
        conditions.append("a.at >= :since AND a.id >= :first_id")
        words |= {"since": since, "first_id": first_id_of(since - SLACK)}
    if wanted.until_on is not None:
        until = clock.start_of(wanted.until_on + timedelta(days=1))
        conditions.append("a.at < :until AND a.id < :end_id")
        words |= {"until": until, "end_id": first_id_of(until + SLACK)}
    if before is not None:
        conditions.append("a.id < :before")
        words["before"] = before
    return conditions, words


def _of_whom(whose: Whose, words: dict[str, Any]) -> str:
    words |= {"payers": whose.payers, "subjects": whose.subjects}
    return """
        (a.payers && CAST(:payers AS uuid[]) AND a.payers <> '{}') OR a.subject_id = ANY (CAST(:subjects AS uuid[]))
    """


def all_entries(tenant: Tenant, wanted: TrailFilter) -> Iterator[Any]:
    """Every entry that fits, in short transactions."""
    before = None
    while True:
        with tenant.session() as session:
            rows = list_entries(session, wanted, before=before, most=AT_ONCE)
        yield from rows
        if len(rows) < AT_ONCE:
            return
        before = rows[-1].id


_OF_ORDER = text("""
    SELECT o.id FROM payment_orders o WHERE o.number = :number
    UNION ALL SELECT t.id FROM transactions t JOIN payment_orders o ON o.id = t.order_id WHERE o.number = :number
    UNION ALL SELECT n.id FROM notifications n JOIN transactions t ON t.id = n.transaction_id
        JOIN payment_orders o ON o.id = t.order_id WHERE o.number = :number
    UNION ALL SELECT c.id FROM captures c JOIN transactions t ON t.id = c.transaction_id
        JOIN payment_orders o ON o.id = t.order_id WHERE o.number = :number
    UNION ALL SELECT b.id FROM booking_lines b JOIN captures c ON c.id = b.capture_id
        JOIN transactions t ON t.id = c.transaction_id JOIN payment_orders o ON o.id = t.order_id
        WHERE o.number = :number
    UNION ALL SELECT f.id FROM refunds f JOIN captures c ON c.id = f.capture_id
        JOIN transactions t ON t.id = c.transaction_id JOIN payment_orders o ON o.id = t.order_id
        WHERE o.number = :number
    UNION ALL SELECT d.id FROM differences d JOIN payment_orders o ON o.id = d.order_id WHERE o.number = :number
""")
_OF_PAYER = text("""
    SELECT unnest(array_append(coalesce(merged_from, '{}'), id)) AS id FROM payers
    WHERE id = :id OR external_id = :words OR nip = :words LIMIT 1000
""")


def find_whose(session: Session, words: str) -> Whose:
    """A payment by its number; a payer by number, NIP or id; anything else by its id. Empty when there is none."""
    try:
        wanted: UUID | None = UUID(words)
    except ValueError:
        wanted = None
    ids = list(session.scalars(_OF_ORDER, {"number": words.upper()})) if wanted is None else [wanted]
    payers = list(session.scalars(_OF_PAYER, {"id": wanted, "words": words})) if wanted or not ids else []
    return Whose(payers=payers, subjects=[*ids, *payers])


_OFFICIALS = text("SELECT id, name FROM users WHERE kind = 'official' ORDER BY name, id LIMIT 500")
_NUMBERS = text("""
    SELECT id, number FROM payment_orders WHERE id IN :ids UNION ALL SELECT id, external_id FROM payers WHERE id IN :ids
""").bindparams(bindparam("ids", expanding=True))


def list_officials(session: Session) -> Sequence[Any]:
    return session.execute(_OFFICIALS).all()


def numbers_of(session: Session, rows: Sequence[Any]) -> dict[UUID, str]:
    """Of payments and payers on a page, what people call them."""
    ids = {row.subject_id for row in rows if row.subject in {"payment_order", "payer"} and row.subject_id}
    return {row.id: row.number for row in session.execute(_NUMBERS, {"ids": list(ids)})} if ids else {}


@dataclass(frozen=True)
class Sealing:
    """How the chain stands."""

    newest: AuditSeal | None
    waiting: int
    verified_at: datetime | None
    holds: bool


_LOOKED = text("""
    SELECT e.action, e.at FROM (VALUES ('audit.verified'), ('audit.broken')) AS act (action) CROSS JOIN LATERAL (
        SELECT a.action, a.at, a.id FROM audit_entries a WHERE a.action = act.action ORDER BY a.id DESC LIMIT 1
    ) AS e ORDER BY e.id DESC LIMIT 1
""")
_NEWEST = text("SELECT * FROM audit_seals ORDER BY number DESC LIMIT 1")
_UNSEALED = text("SELECT count(*) FROM (SELECT FROM audit_entries WHERE seal IS NULL LIMIT 10000) AS counted")


def sealing_state(session: Session) -> Sealing:
    looked = session.execute(_LOOKED).one_or_none()
    return Sealing(
        newest=session.execute(_NEWEST).one_or_none(),  # type: ignore[arg-type]  # a row of that table
        waiting=session.scalar(_UNSEALED) or 0,
        verified_at=looked.at if looked else None,
        holds=looked is None or looked.action == "audit.verified",
    )
