"""Going in on the bare host: first the password, then the second factor, and only then is there a session.

Between the two the browser only remembers whose password was right, sealed (`operator.sign_in_views.HALF`).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, text

from skarbnik import clock
from skarbnik.accounts.codes import new_app_key
from skarbnik.accounts.passwords import check_password
from skarbnik.accounts.services import WrongSignIn, hash_token, mark_of_password
from skarbnik.crypto import KeyRing
from skarbnik.db import new_id
from skarbnik.errors import Conflict, Forbidden
from skarbnik.operator import factor
from skarbnik.operator.acts import record

SESSION, IDLE = timedelta(hours=8), timedelta(minutes=30)
SEEN_EVERY = timedelta(minutes=1)
MOST_WRONG, WITHIN = 10, timedelta(minutes=15)
PAGE = 25


class WrongCode(Forbidden):
    """Not a code of now, or one that was used already."""


class TooManyCodes(Forbidden):
    """So many wrong codes that no code is looked at for a while, not even a right one."""


@dataclass(frozen=True)
class Operator:
    """Who is signed in on the bare host."""

    id: UUID
    name: str
    email: str


@dataclass(frozen=True)
class HalfSignIn:
    """Somebody whose password was right. `mark` is that of the password they gave.

    `secret`: the factor they are setting up, when they have none yet.
    """

    operator_id: UUID
    email: str
    mark: str
    secret: str | None


_BY_EMAIL = text("SELECT id, email, password_hash, factor, blocked_at FROM platform.operators WHERE email = :email")
_BY_ID = text("SELECT id, email, password_hash, factor, blocked_at FROM platform.operators WHERE id = :id")
_LOCKED = text("""
    SELECT id, name, email, password_hash, factor, factor_step, blocked_at
    FROM platform.operators WHERE id = :id FOR UPDATE
""")
_WRONG = text("""
    SELECT count(*) FROM platform.operator_attempts
    WHERE operator_id = :id AND outcome = 'wrong_code' AND at > :since
""")
_ATTEMPT = text("""
    INSERT INTO platform.operator_attempts (id, at, operator_id, outcome, ip)
    VALUES (:id, :at, :operator, :outcome, :ip)
""")


def check_operator(engine: Engine, *, email: str, password: str, ip: str) -> HalfSignIn:
    """Whose e-mail address and password these are. WrongSignIn for anybody else, after the same time.

    Either is kept.
    """
    with engine.begin() as connection:
        found = connection.execute(_BY_EMAIL, {"email": email.strip().lower()}).one_or_none()
    right = check_password(found.password_hash if found else None, password) and found is not None
    outcome = "wrong_password"
    if found is not None and right:
        outcome = "blocked" if found.blocked_at else "password"
    with engine.begin() as connection:
        _attempt(connection, found.id if found else None, outcome, ip)
    if found is None or outcome != "password":
        raise WrongSignIn("no such operator, or not their password")
    secret = None if found.factor else new_app_key()
    return HalfSignIn(found.id, found.email, mark_of_password(found.password_hash), secret)


def find_half(engine: Engine, operator_id: UUID, *, mark: str, secret: str | None) -> HalfSignIn | None:
    """Whose password was right a moment ago. None when the account is another one by now."""
    with engine.begin() as connection:
        found = connection.execute(_BY_ID, {"id": operator_id}).one_or_none()
    if found is None or found.blocked_at or mark_of_password(found.password_hash) != mark:
        return None
    if (found.factor is None) != (secret is not None):
        return None  # set up, or reset, in the meantime: from the beginning
    return HalfSignIn(found.id, found.email, mark, secret)


def set_up_factor(
    engine: Engine, keys: KeyRing, who: HalfSignIn, *, code: str, ip: str, agent: str
) -> tuple[str, list[str]]:
    """The first code shows that the telephone has the secret: a session's token, and recovery codes told this once.

    WrongCode, TooManyCodes; Conflict when a factor was set up by somebody else a moment ago.
    """
    if who.secret is None:
        raise Conflict("there is a second factor already")
    with engine.begin() as connection:
        operator = _lock(connection, who.operator_id)
        if operator.factor is not None:
            raise Conflict("there is a second factor already")
        step = factor.find_step(who.secret, code)
        if step is not None:
            codes = factor.keep_factor(connection, keys, operator.id, who.secret, step=step)
            record(connection, "operator.factor_set", operator_id=operator.id, ip=ip[:45])
            return open_session(connection, operator.id, ip=ip, agent=agent), codes
        _attempt(connection, operator.id, "wrong_code", ip)
    raise WrongCode("not a code of this secret")


def give_code(engine: Engine, keys: KeyRing, who: HalfSignIn, *, code: str, ip: str, agent: str) -> str:
    """A session's token for who also has the second factor. WrongCode, TooManyCodes."""
    with engine.begin() as connection:
        if _is_right(connection, keys, who.operator_id, code=code, ip=ip):
            return open_session(connection, who.operator_id, ip=ip, agent=agent)
    raise WrongCode("not a code of now, or used already")


def check_again(engine: Engine, keys: KeyRing, operator_id: UUID, *, code: str, ip: str) -> None:
    """A code once more, before what matters. WrongCode, TooManyCodes."""
    with engine.begin() as connection:
        right = _is_right(connection, keys, operator_id, code=code, ip=ip)
    if not right:
        raise WrongCode("not a code of now, or used already")


def _is_right(connection: Connection, keys: KeyRing, operator_id: UUID, *, code: str, ip: str) -> bool:
    """Use a code up. A wrong one is written down, so the caller commits either way and raises afterwards."""
    operator = _lock(connection, operator_id)
    if operator.factor is not None and factor.use_code(connection, keys, operator, code):
        return True
    _attempt(connection, operator_id, "wrong_code", ip)
    return False


def open_session(connection: Connection, operator_id: UUID, *, ip: str, agent: str) -> str:
    """Sign a browser in: the token for its cookie."""
    token, now = secrets.token_urlsafe(32), clock.now()
    _attempt(connection, operator_id, "signed_in", ip)
    record(connection, "operator.signed_in", operator_id=operator_id, ip=ip[:45])
    connection.execute(text("DELETE FROM platform.operator_sessions WHERE expires_at < :now"), {"now": now})
    connection.execute(
        text(
            "INSERT INTO platform.operator_sessions"
            " (token_hash, operator_id, created_at, seen_at, expires_at, ip, agent)"
            " VALUES (:hash, :operator, :now, :now, :expires, :ip, :agent)"
        ),
        {
            "hash": hash_token(token),
            "operator": operator_id,
            "now": now,
            "expires": now + SESSION,
            "ip": ip[:45],
            "agent": agent[:160],
        },
    )
    return token


def find_operator(engine: Engine, token: str | None) -> Operator | None:
    """Who this browser signed in as; None when the session ended, was idle too long, or its owner is blocked."""
    if not token:
        return None
    now, key = clock.now(), hash_token(token)
    with engine.begin() as connection:
        found = connection.execute(
            text(
                "SELECT o.id, o.name, o.email, s.seen_at FROM platform.operator_sessions s"
                " JOIN platform.operators o ON o.id = s.operator_id"
                " WHERE s.token_hash = :hash AND s.expires_at > :now AND s.seen_at > :idle AND o.blocked_at IS NULL"
            ),
            {"hash": key, "now": now, "idle": now - IDLE},
        ).one_or_none()
        if found is None:
            return None
        if now - found.seen_at > SEEN_EVERY:
            connection.execute(
                text("UPDATE platform.operator_sessions SET seen_at = :now WHERE token_hash = :hash"),
                {"now": now, "hash": key},
            )
    return Operator(found.id, found.name, found.email)


def sign_out(engine: Engine, token: str) -> None:
    with engine.begin() as connection:
        ended = connection.execute(
            text("DELETE FROM platform.operator_sessions WHERE token_hash = :hash RETURNING operator_id"),
            {"hash": hash_token(token)},
        ).scalar_one_or_none()
        if ended is not None:
            record(connection, "operator.signed_out", operator_id=ended)


def list_sessions(engine: Engine, operator_id: UUID) -> Sequence[Any]:
    """The browsers an operator is signed in with, the latest used first."""
    now = clock.now()
    with engine.begin() as connection:
        return connection.execute(
            text(
                "SELECT * FROM platform.operator_sessions"
                " WHERE operator_id = :id AND expires_at > :now AND seen_at > :idle ORDER BY seen_at DESC LIMIT 50"
            ),
            {"id": operator_id, "now": now, "idle": now - IDLE},
        ).all()


def end_session(engine: Engine, operator_id: UUID, key: str) -> bool:
    """Sign out one browser of this operator; False when it is not theirs or ended already."""
    with engine.begin() as connection:
        ended = connection.execute(
            text("DELETE FROM platform.operator_sessions WHERE operator_id = :id AND token_hash = :key"),
            {"id": operator_id, "key": key},
        )
        if ended.rowcount:
            record(connection, "operator.session_ended", operator_id=operator_id)
    return bool(ended.rowcount)


def list_attempts(engine: Engine, operator_id: UUID, *, before: UUID | None) -> Sequence[Any]:
    """Sign-ins with this account, the newest first, one more than a page shows."""
    with engine.begin() as connection:
        return connection.execute(
            text(
                "SELECT id, at, outcome, ip FROM platform.operator_attempts WHERE operator_id = :id"
                " AND id < COALESCE(CAST(:before AS uuid), 'ffffffff-ffff-ffff-ffff-ffffffffffff')"
                " ORDER BY id DESC LIMIT :most"
            ),
            {"id": operator_id, "before": before, "most": PAGE + 1},
        ).all()


def _lock(connection: Connection, operator_id: UUID) -> Row[Any]:
    """The operator, for one code at a time. WrongCode when blocked, TooManyCodes after MOST_WRONG within WITHIN."""
    operator = connection.execute(_LOCKED, {"id": operator_id}).one()
    if operator.blocked_at is not None:
        raise WrongCode("blocked")
    wrong = connection.execute(_WRONG, {"id": operator_id, "since": clock.now() - WITHIN}).scalar_one()
    if wrong >= MOST_WRONG:
        raise TooManyCodes("too many wrong codes")
    return operator


def _attempt(connection: Connection, operator_id: UUID | None, outcome: str, ip: str) -> None:
    words = {"id": new_id(), "at": clock.now(), "operator": operator_id, "outcome": outcome, "ip": ip[:45]}
    connection.execute(_ATTEMPT, words)
    connection.execute(text("SELECT platform.forget_operator_attempts()"))
