"""The two servers the product stands on: given by their addresses, or started by us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from skarbnik.dev import postgres, postgres_binaries, valkey
from skarbnik.dev.postgres import EmbeddedPostgres
from skarbnik.dev.processes import DidNotStart, Supervisor
from skarbnik.dev.state import State
from skarbnik.dev.valkey import EmbeddedValkey


@dataclass(frozen=True)
class Servers:
    """Where they are. `admin_url` is a login that may create roles and databases; `chosen` says what was taken."""

    admin_url: str
    redis_url: str
    chosen: tuple[str, ...]


def start_servers(supervisor: Supervisor, state: State, environ: Mapping[str, str], *, durable: bool = True) -> Servers:
    """Start what is not given by DATABASE_URL and REDIS_URL."""
    chosen = []
    admin_url = environ.get("DATABASE_URL", "")
    if admin_url:
        if not postgres.answers(admin_url):
            raise DidNotStart("DATABASE_URL is set, and nothing lets us in there")
        chosen.append("PostgreSQL: DATABASE_URL")
    else:
        server = EmbeddedPostgres(state, postgres_binaries.find_binaries(environ), durable=durable)
        supervisor.spawn(server.program())
        admin_url = server.url()
        chosen.append(f"PostgreSQL {server.binaries.version} ({server.binaries.origin})")
    redis_url = environ.get("REDIS_URL", "")
    if redis_url:
        if not valkey.answers(redis_url):
            raise DidNotStart("REDIS_URL is set, and nothing lets us in there")
        chosen.append("Redis: REDIS_URL")
    else:
        cache = EmbeddedValkey(state, valkey.find_binary(environ))
        supervisor.spawn(cache.program())
        redis_url = cache.url()
        chosen.append(f"Valkey {cache.binary.version} ({cache.binary.origin})")
    supervisor.wait()
    return Servers(admin_url, redis_url, tuple(chosen))


def with_login(url: str, user: str, password: str, database: str) -> str:
    """The same server by another login and database."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, f"{user}:{password}@{place}", f"/{database}", parts.query, ""))


def with_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def make_database(admin_url: str, name: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
