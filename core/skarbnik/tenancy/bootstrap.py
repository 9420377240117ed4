"""The roles of an instance on a PostgreSQL cluster. Done once, with an administrator's login."""

from __future__ import annotations

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from skarbnik.settings import Settings


def make_roles(admin_url: str, settings: Settings) -> None:
    """Make the owner, the runtime login and the group of gminas, or renew their passwords. Safe to repeat.

    Passwords and the database are those of the two configured addresses. The owner may make roles and schemas;
    the runtime login owns nothing, inherits nothing and makes nothing.
    """
    owner = make_url(settings.owner_database_url or "")
    runtime = make_url(settings.database_url)
    group = f"{settings.instance}_tenants"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        _role(connection, owner.username or "", sql.SQL("LOGIN CREATEROLE"), owner.password)
        _role(connection, runtime.username or "", sql.SQL("LOGIN NOINHERIT"), runtime.password)
        _role(connection, group, sql.SQL("NOLOGIN"), None)
        may_hand_out = sql.SQL("GRANT {} TO {} WITH ADMIN OPTION")
        connection.execute(may_hand_out.format(sql.Identifier(group), sql.Identifier(owner.username or "")))
        connection.execute(
            sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(
                sql.Identifier(owner.database or ""), sql.Identifier(owner.username or "")
            )
        )
        connection.execute(sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC"))


def _role(connection: psycopg.Connection, name: str, options: sql.SQL, password: str | None) -> None:
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
    verb = sql.SQL("ALTER ROLE {}") if exists else sql.SQL("CREATE ROLE {}")
    connection.execute(verb.format(sql.Identifier(name)) + sql.SQL(" ") + options)
    if password is not None:
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(password)))
