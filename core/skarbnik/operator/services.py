"""Operators of the instance: made by a command, signed in on the bare host. Gminas are all they see."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from skarbnik import clock
from skarbnik.accounts.passwords import SHORTEST, check_password, hash_password
from skarbnik.accounts.services import WrongSignIn, hash_token
from skarbnik.db import like_anywhere, new_id
from skarbnik.errors import Invalid

SESSION = timedelta(hours=8)
PAGE = 50


@dataclass(frozen=True)
class Operator:
    """Who is signed in on the bare host."""

    id: UUID
    name: str
    email: str


def make_operator(owner: Engine, *, email: str, name: str, password: str) -> None:
    """Make an operator, or give an existing one a new name and password; their open sessions end."""
    if len(password) < SHORTEST:
        raise Invalid(f"a password has at least {SHORTEST} characters")
    words = {"id": new_id(), "email": email.strip().lower(), "name": name, "hash": hash_password(password)}
    with owner.begin() as connection:
        (operator_id,) = connection.execute(
            text(
                "INSERT INTO platform.operators (id, email, name, password_hash) VALUES (:id, :email, :name, :hash)"
                " ON CONFLICT (email) DO UPDATE SET name = :name, password_hash = :hash RETURNING id"
            ),
            words,
        ).one()
        connection.execute(text("DELETE FROM platform.operator_sessions WHERE operator_id = :id"), {"id": operator_id})


def sign_in(engine: Engine, *, email: str, password: str, ip: str) -> str:
    """A new session's token. WrongSignIn for anybody else, after the same time. Either is written down."""
    with engine.begin() as connection:
        found = connection.execute(
            text("SELECT id, password_hash FROM platform.operators WHERE email = :email"),
            {"email": email.strip().lower()},
        ).one_or_none()
    right = check_password(found.password_hash if found else None, password) and found is not None
    token, now = secrets.token_urlsafe(32), clock.now()
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO platform.operator_attempts (id, at, operator_id, signed_in, ip)"
                " VALUES (:id, :at, :operator, :right, :ip)"
            ),
            {"id": new_id(), "at": now, "operator": found.id if found else None, "right": right, "ip": ip[:45]},
        )
    if found is None or not right:
        raise WrongSignIn("no such operator, or not their password")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM platform.operator_sessions WHERE expires_at < :now"), {"now": now})
        connection.execute(
            text(
                "INSERT INTO platform.operator_sessions (token_hash, operator_id, expires_at)"
                " VALUES (:hash, :operator, :expires)"
            ),
            {"hash": hash_token(token), "operator": found.id, "expires": now + SESSION},
        )
    return token


def sign_out(engine: Engine, token: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("DELETE FROM platform.operator_sessions WHERE token_hash = :hash"), {"hash": hash_token(token)}
        )


def find_operator(engine: Engine, token: str | None) -> Operator | None:
    if not token:
        return None
    with engine.begin() as connection:
        found = connection.execute(
            text(
                "SELECT o.id, o.name, o.email FROM platform.operator_sessions s"
                " JOIN platform.operators o ON o.id = s.operator_id WHERE s.token_hash = :hash AND s.expires_at > :now"
            ),
            {"hash": hash_token(token), "now": clock.now()},
        ).one_or_none()
    return Operator(found.id, found.name, found.email) if found else None


_GMINAS = text("""
    SELECT t.id, t.slug, t.name, t.state, t.created_at,
        array(SELECT p.plugin FROM platform.tenant_plugins p WHERE p.tenant_id = t.id ORDER BY p.plugin) AS plugins
    FROM platform.tenants t
    WHERE t.state <> 'deleted' AND t.slug > :after AND (:state = '' OR t.state = :state)
        AND (t.name ILIKE :like OR t.slug ILIKE :like)
    ORDER BY t.slug LIMIT :most
""")


def list_gminas(engine: Engine, *, wanted: str, state: str, after: str) -> list[Any]:
    """A page of gminas by slug, one more than a page shows."""
    like = like_anywhere(wanted)
    words = {"like": like, "state": state, "after": after, "most": PAGE + 1}
    with engine.begin() as connection:
        return list(connection.execute(_GMINAS, words))
