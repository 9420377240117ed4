"""Operators of the instance: made, blocked and given a new factor by commands. Gminas are what they see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from skarbnik.accounts.passwords import SHORTEST, hash_password
from skarbnik.crypto import KeyRing
from skarbnik.db import like_anywhere, new_id
from skarbnik.errors import Invalid, NotFound
from skarbnik.operator import factor
from skarbnik.operator.acts import record

PAGE = 50
LONGEST_NAME = 80


def make_operator(owner: Engine, *, email: str, name: str, password: str) -> None:
    """Make an operator, or give an existing one a new name and password; their open sessions end.

    A second factor stays as it is: whoever has none sets it up at the first sign-in.
    """
    if len(password) < SHORTEST:
        raise Invalid(f"a password has at least {SHORTEST} characters")
    if not 0 < len(name) <= LONGEST_NAME:
        raise Invalid(f"a name has from 1 to {LONGEST_NAME} characters")
    words: dict[str, Any] = {
        "id": new_id(),
        "email": email.strip().lower(),
        "name": name,
        "hash": hash_password(password),
    }
    with owner.begin() as connection:
        (operator_id,) = connection.execute(
            text(
                "INSERT INTO platform.operators (id, email, name, password_hash) VALUES (:id, :email, :name, :hash)"
                " ON CONFLICT (email) DO UPDATE SET name = :name, password_hash = :hash RETURNING id"
            ),
            words,
        ).one()
        _end_sessions(connection, operator_id)
        record(connection, "operator.made", words=words["email"])


def give_factor(owner: Engine, keys: KeyRing, *, email: str, secret: str) -> None:
    """Of the demo and tests: this secret is the operator's, without having been shown to be on a telephone."""
    with owner.begin() as connection:
        factor.keep_factor(connection, keys, _find(connection, email), secret, step=0)


def reset_factor(owner: Engine, *, email: str) -> None:
    """The telephone is lost: a new factor is set up after the next password. Sessions end. NotFound."""
    with owner.begin() as connection:
        operator_id = _find(connection, email)
        connection.execute(
            text("UPDATE platform.operators SET factor = NULL, factor_step = 0 WHERE id = :id"), {"id": operator_id}
        )
        connection.execute(
            text("DELETE FROM platform.operator_recovery_codes WHERE operator_id = :id"), {"id": operator_id}
        )
        _end_sessions(connection, operator_id)
        record(connection, "operator.factor_reset", words=email.strip().lower())


def set_blocked(owner: Engine, *, email: str, blocked: bool) -> None:
    """Nobody signs in with the account, or does again. Sessions end, those in gminas at the next click. NotFound."""
    moment = "coalesce(blocked_at, clock_timestamp())" if blocked else "NULL"
    with owner.begin() as connection:
        operator_id = _find(connection, email)
        connection.execute(
            text(f"UPDATE platform.operators SET blocked_at = {moment} WHERE id = :id"),  # noqa: S608  # our own words
            {"id": operator_id},
        )
        _end_sessions(connection, operator_id)
        act = "operator.blocked" if blocked else "operator.unblocked"
        record(connection, act, words=email.strip().lower())


def list_operators(owner: Engine) -> Sequence[Any]:
    """All of them by address, with whether they have a second factor."""
    with owner.begin() as connection:
        return connection.execute(
            text(
                "SELECT email, name, factor IS NOT NULL AS has_factor, blocked_at, (SELECT max(at)"
                " FROM platform.operator_attempts a WHERE a.operator_id = o.id AND outcome = 'signed_in') AS last_at"
                " FROM platform.operators o ORDER BY email"
            )
        ).all()


def is_open(engine: Engine, operator_id: UUID) -> bool:
    """Whether the operator's account is not blocked."""
    with engine.begin() as connection:
        return (
            connection.execute(
                text("SELECT blocked_at IS NULL FROM platform.operators WHERE id = :id"), {"id": operator_id}
            ).scalar_one_or_none()
            is True
        )


def _find(connection: Connection, email: str) -> UUID:
    found: UUID | None = connection.execute(
        text("SELECT id FROM platform.operators WHERE email = :email"), {"email": email.strip().lower()}
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("there is no such operator")
    return found


def _end_sessions(connection: Connection, operator_id: UUID) -> None:
    connection.execute(text("DELETE FROM platform.operator_sessions WHERE operator_id = :id"), {"id": operator_id})


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


def set_gmina_state(engine: Engine, tenant_id: str, state: str, *, operator_id: UUID, reason: str, ip: str) -> bool:
    """Close a gmina to people, or open it again, and write down who and why. False when it was so already."""
    with engine.begin() as connection:
        changed: bool = connection.execute(
            text("SELECT platform.set_tenant_state(:tenant, :state, :act, :operator, :why, :ip)"),
            {
                "tenant": tenant_id,
                "state": state,
                "act": new_id(),
                "operator": operator_id,
                "why": reason,
                "ip": ip[:45],
            },
        ).scalar_one()
    return changed
