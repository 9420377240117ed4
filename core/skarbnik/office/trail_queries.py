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

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.audit.models import AuditSeal
from skarbnik.db import first_id_of
from skarbnik.receivables.models import CreditorAccount, Kind
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.formats import account

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
class Actor:
    """Somebody who acts; the portal itself and the operator have no id."""

    actor: str
    id: UUID | None = None


@dataclass(frozen=True)
class TrailFilter:
    """Which entries a list is of; None is any. Days are of Warsaw, both included."""

    actors: list[Actor] | None = None
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
        words |= {"payers": wanted.whose.payers, "subjects": wanted.whose.subjects}
        statement = _OF_WHOM.format(where=where)
    elif wanted.actors is not None:
        words |= {"who": [each.actor for each in wanted.actors], "ids": [each.id for each in wanted.actors]}
        same = {_NAMED if each.id else _NAMELESS for each in wanted.actors} or {_NAMED}
        statement = _EITHER.join(f"({_BY.format(where=where, same=each)})" for each in same)
    elif wanted.actions is not None:
        statement = _ACTIONS.format(where=where)
    else:
        statement = _ANY.format(where=where)
    return session.execute(text(_WITH_NAMES.format(statement)), words).all()


# A payer or a payment has few entries: all of them are found, whatever else is asked, and put in order.
_OF_WHOM = f"""
    WITH found AS MATERIALIZED (
        SELECT {_COLUMNS} FROM audit_entries a
        WHERE (a.payers && CAST(:payers AS uuid[]) AND a.payers <> '{{{{}}}}')
            OR a.subject_id = ANY (CAST(:subjects AS uuid[]))
    )
    SELECT * FROM found AS a WHERE {{where}} ORDER BY a.id DESC LIMIT :most
"""  # noqa: S608  # our own words
# BETWEEN one and the same act: with `=` PostgreSQL may walk the newest entries for one that nobody has. Only the index
# of acts is in this order.
#
# The newest of each act somebody did, and of these the newest. Which acts there are the index tells, one by one.
_BY = f"""
    WITH RECURSIVE acts AS (
        SELECT w.actor, w.actor_id, (
            SELECT a.action FROM audit_entries a WHERE {{same}} ORDER BY a.actor, a.actor_id, a.action LIMIT 1
        ) AS action
        FROM unnest(CAST(:who AS varchar[]), CAST(:ids AS uuid[])) AS w (actor, actor_id)
        UNION ALL
        SELECT w.actor, w.actor_id, (
            SELECT a.action FROM audit_entries a WHERE {{same}} AND a.action > w.action
            ORDER BY a.actor, a.actor_id, a.action LIMIT 1
        )
        FROM acts w WHERE w.action IS NOT NULL
    )
    SELECT e.* FROM acts w CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM audit_entries a WHERE {{same}} AND a.action BETWEEN w.action AND w.action AND {{where}}
        ORDER BY a.actor DESC, a.actor_id DESC, a.action DESC, a.id DESC LIMIT :most
    ) AS e
    WHERE w.action IS NOT NULL AND (CAST(:actions AS varchar[]) IS NULL OR w.action = ANY (CAST(:actions AS varchar[])))
    ORDER BY e.id DESC LIMIT :most
"""  # noqa: S608  # our own words
_EITHER = " UNION ALL "  # the page takes the newest of both
_NAMED = "a.actor = w.actor AND a.actor_id = w.actor_id"
_NAMELESS = "a.actor = w.actor AND a.actor_id IS NULL AND w.actor_id IS NULL"
_ACTIONS = f"""
    SELECT e.* FROM unnest(CAST(:actions AS varchar[])) AS act CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM audit_entries a WHERE a.action BETWEEN act AND act AND {{where}}
        ORDER BY a.action DESC, a.id DESC LIMIT :most
    ) AS e ORDER BY e.id DESC LIMIT :most
"""  # noqa: S608  # our own words
_ANY = f"SELECT {_COLUMNS} FROM audit_entries a WHERE {{where}} ORDER BY a.id DESC LIMIT :most"  # noqa: S608  # our words
_WITH_NAMES = """
    SELECT p.*, coalesce(nullif(u.name, ''), s.operator_name || ' (operator)') AS name FROM ({}) AS p
    LEFT JOIN users u ON u.id = p.actor_id
    LEFT JOIN LATERAL (
        SELECT operator_name FROM support_accesses WHERE operator_id = p.actor_id LIMIT 1
    ) AS s ON p.actor = 'operator'
    ORDER BY p.id DESC LIMIT :most
"""


def _conditions(wanted: TrailFilter, before: UUID | None) -> tuple[list[str], dict[str, Any]]:
    conditions: list[str] = []
    words: dict[str, Any] = {}
    words["actions"] = wanted.actions
    if wanted.actions is not None:
        conditions.append("a.action = ANY (CAST(:actions AS varchar[]))")
    if wanted.whose is not None and wanted.actors is not None:
        conditions.append("a.actor = ANY (CAST(:who AS varchar[])) AND (a.actor_id IS NULL OR a.actor_id = ANY (:ids))")
        words |= {"who": [each.actor for each in wanted.actors], "ids": [each.id for each in wanted.actors if each.id]}
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


def find_actors(session: Session, who: str) -> list[Actor] | None:
    """Whom an address means: `system`, `operator`, `api` for all programs, or somebody's id. None for nobody."""
    if who == "system":
        return [Actor(who)]
    if who == "operator":  # by a command, and those who were let in
        known = session.scalars(text("SELECT DISTINCT operator_id FROM support_accesses LIMIT 100"))
        return [Actor("operator"), *(Actor("operator", each) for each in known)]
    if who == "api":
        return [Actor("api", each) for each in session.scalars(text("SELECT id FROM api_clients LIMIT 500"))]
    try:
        return [Actor(kind, UUID(who)) for kind in ("user", "api", "operator")]
    except ValueError:
        return None


def list_officials(session: Session) -> Sequence[Any]:
    return session.execute(_OFFICIALS).all()


def numbers_of(session: Session, rows: Sequence[Any]) -> dict[UUID, str]:
    """Of payments and payers on a page, what people call them."""
    ids = {row.subject_id for row in rows if row.subject in {"payment_order", "payer"} and row.subject_id}
    return {row.id: row.number for row in session.execute(_NUMBERS, {"ids": list(ids)})} if ids else {}


def name_scopes(session: Session, subjects: Sequence[str] | None = None) -> dict[str, str]:
    """What parts of scopes of work are called, by their codes (`ScopeOfWork.codes`): those among some subjects, or all.

    A gmina has few kinds and fewer accounts.
    """
    if subjects is not None and not any(each.startswith(("kind:", "unit:")) for each in subjects):
        return {}
    kinds = session.execute(select(Kind.id, Kind.title))
    units = session.execute(select(CreditorAccount.id, CreditorAccount.owner, CreditorAccount.nrb))
    names = {f"kind:{row.id.hex}": row.title for row in kinds}
    return names | {f"unit:{row.id.hex}": f"{row.owner}, {account(row.nrb)}" for row in units}


@dataclass(frozen=True)
class Sealing:
    """How the chain stands."""

    newest: AuditSeal | None
    waiting: int
    verified_at: datetime | None
    holds: bool


_LOOKED = text("""
    SELECT e.action, e.at FROM (VALUES ('audit.verified'), ('audit.broken')) AS act (action) CROSS JOIN LATERAL (
        SELECT a.action, a.at, a.id FROM audit_entries a WHERE a.action BETWEEN act.action AND act.action
        ORDER BY a.action DESC, a.id DESC LIMIT 1
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
