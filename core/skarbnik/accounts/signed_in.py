"""Who is signed in: read at each request in one query, with roles and the payer they act for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from sqlalchemy import text

from skarbnik import clock
from skarbnik.accounts.models import UserKind
from skarbnik.accounts.services import IDLE, hash_token
from skarbnik.db import TenantSession
from skarbnik.plugin_api import Permission, Role
from skarbnik.web.access import SupportNotice

SEEN_EVERY = timedelta(minutes=1)
FRESH = timedelta(minutes=10)  # for so long nobody is asked for the second factor again
MOST_IN_HEADER = 5  # payers one switches between with one click


@dataclass(frozen=True)
class ActsFor:
    """A payer somebody may act for today: as what, until which last day, and whether they may pay for them."""

    payer_id: UUID
    name: str
    basis: str
    until_on: date | None
    may_pay: bool


@dataclass(frozen=True)
class SignedIn:
    """A signed-in user. Fills the frame's slot for a person."""

    id: UUID
    name: str
    email: str | None
    kind: UserKind
    roles: frozenset[str]
    acts_for: tuple[ActsFor, ...]  # whom they act for now comes first; one more than MOST_IN_HEADER when there are more
    is_fresh: bool
    notices: tuple[SupportNotice, ...] = ()
    works_with: Mapping[UUID, str] | None = None
    access_id: None = None

    @property
    def payer_id(self) -> UUID | None:
        return self.acts_for[0].payer_id if self.acts_for else None

    @property
    def payer_name(self) -> str | None:
        return self.acts_for[0].name if self.acts_for else None

    @property
    def may_pay(self) -> bool:
        return bool(self.acts_for) and self.acts_for[0].may_pay

    @property
    def is_official(self) -> bool:
        return self.kind is UserKind.OFFICIAL

    def may(self, permission: Permission) -> bool:
        if self.is_official:
            return bool(self.roles & permission.roles) and (self.works_with is None or permission.limited is not None)
        return permission.residents


# A mandate `m` that is good on the day `today`. Mandates stand a floor higher; whom one acts for is read here.
GOOD_TODAY: LiteralString = "m.from_on <= %(today)s AND (m.until_on IS NULL OR m.until_on >= %(today)s)"

# The payer acted for must have a mandate that is good today; the mandates are looked at each time, as the roles are.
# One for a payer that was merged is for the payer it became; of several for one payer the one that gives more counts.
# Officials are told on every page which operators may look. A scope of work stands a floor higher, too: it lets see the
# kinds it names, and those paid to an account it names. An administrator has none, whatever is written there.
_LOAD: LiteralString = f"""
    SELECT u.id, u.name, u.email, u.kind, s.seen_at, s.second_at, s.created_at,
        u.roles,
        (SELECT json_agg(a) FROM (
            SELECT p.id, p.name, c.basis, c.until_on, c.may_pay FROM (
                SELECT DISTINCT ON (1) coalesce(n.merged_into, n.id) AS payer_id, m.basis, m.until_on, m.may_pay,
                    m.created_at
                FROM mandates m JOIN payers n ON n.id = m.payer_id
                WHERE m.user_id = u.id AND {GOOD_TODAY}
                ORDER BY 1, m.basis = 'self' DESC, m.may_pay DESC, m.until_on DESC NULLS FIRST
            ) AS c JOIN payers p ON p.id = c.payer_id
            ORDER BY p.id = coalesce((SELECT coalesce(w.merged_into, w.id) FROM payers w WHERE w.id = s.payer_id),
                s.payer_id) DESC NULLS LAST, c.basis = 'self' DESC, c.created_at, p.id
            LIMIT {MOST_IN_HEADER + 1}
        ) AS a) AS acts_for,
        CASE WHEN u.kind = 'official' THEN (
            SELECT json_agg(json_build_array(operator_name, reason, until_at, state = 'agreed') ORDER BY id)
            FROM support_accesses WHERE state IN ('asked', 'agreed') AND until_at > %(now)s
        ) END AS notices,
        CASE WHEN u.kind = 'official' AND '{Role.ADMINISTRATOR}' <> ALL (string_to_array(u.roles, ' ')) THEN (
            SELECT json_agg(json_build_array(k.id, k.title)) FROM official_scopes c
            LEFT JOIN kinds k ON k.id = c.kind_id OR k.creditor_account_id = c.creditor_account_id
            WHERE c.user_id = u.id
        ) END AS works_with
    FROM web_sessions s JOIN users u ON u.id = s.user_id
    WHERE s.token_hash = %(hash)s AND u.state = 'active' AND s.expires_at > %(now)s
"""  # noqa: S608  # our own words


def load_person(session: TenantSession, token: str) -> SignedIn | None:
    """Who this browser signed in as; None when its session ended or was idle too long."""
    now = clock.now()
    found = session.read(_LOAD, hash=hash_token(token), now=now, today=clock.today())
    if not found:
        return None
    row = found[0]
    kind = UserKind(row.kind)
    if now - row.seen_at > IDLE[kind]:
        return None
    if now - row.seen_at > SEEN_EVERY:
        session.execute(
            text("UPDATE web_sessions SET seen_at = :now WHERE token_hash = :hash"),
            {"now": now, "hash": hash_token(token)},
        )
    return SignedIn(
        id=row.id,
        name=row.name,
        email=row.email,
        kind=kind,
        roles=frozenset(row.roles.split()),
        acts_for=tuple(
            ActsFor(
                payer_id=UUID(each["id"]),
                name=each["name"],
                basis=each["basis"],
                until_on=date.fromisoformat(each["until_on"]) if each["until_on"] else None,
                may_pay=each["may_pay"],
            )
            for each in row.acts_for or ()
        ),
        is_fresh=_is_fresh(kind, row.second_at, row.created_at, now),
        notices=tuple(_notice(*each) for each in row.notices or ()),
        works_with=None if row.works_with is None else {UUID(kind): title for kind, title in row.works_with if kind},
    )


def _is_fresh(kind: UserKind, second_at: datetime | None, created_at: datetime, now: datetime) -> bool:
    """Whether they proved a moment ago who they are. A resident may have no second factor: signing in is proof too."""
    proven_at = second_at or (created_at if kind is UserKind.RESIDENT else None)
    return proven_at is not None and now - proven_at <= FRESH


def _notice(operator: str, reason: str, until: Any, agreed: bool) -> SupportNotice:
    return SupportNotice(operator, reason, datetime.fromisoformat(until), agreed)
