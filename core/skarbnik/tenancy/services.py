"""Making a gmina, closing it to people, choosing its plugins. Called by commands with the owner's login."""

from __future__ import annotations

import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from skarbnik.colours import check_colour
from skarbnik.errors import Conflict, Invalid
from skarbnik.tenancy.ledger import CORE, Names, Text, core_texts, migrate_tenants

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
RESERVED = {"www", "api", "operator", "admin", "mail", "static", "app"}


@dataclass(frozen=True)
class NewTenant:
    """What the operator sets for a gmina at its creation (`tenants/<slug>.toml`, never a secret)."""

    slug: str
    name: str
    colour: str = "#0b5394"
    address: str | None = None
    email: str | None = None
    phone: str | None = None
    plugins: tuple[str, ...] = ()


def read_tenant_file(path: Path) -> NewTenant:
    """Read `<slug>.toml`. Invalid names every wrong field at once."""
    problems: dict[str, str] = {}
    with path.open("rb") as file:
        try:
            found = tomllib.load(file)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Invalid(f"{path.name} is no TOML: {error}") from None
    known = {"name", "colour", "address", "email", "phone", "plugins"}
    for name in sorted(set(found) - known):
        problems[name] = "nobody reads this"
    for name in sorted(known - {"plugins"}):
        if name in found and not isinstance(found[name], str):
            problems[name] = "must be text"
    if not found.get("name"):
        problems["name"] = "is missing"
    plugins = found.get("plugins", [])
    if not isinstance(plugins, list) or not all(isinstance(each, str) for each in plugins):
        problems["plugins"] = "must be a list of names"
    try:
        check_colour(str(found.get("colour", NewTenant.colour)))
    except Invalid as error:
        problems["colour"] = str(error)
    if not _fits_host(path.stem):
        problems["slug"] = f"{path.stem!r} cannot be part of a host name here"
    if problems:
        lines = ", ".join(f"{field} {reason}" for field, reason in sorted(problems.items()))
        raise Invalid(f"{path.name}: {lines}", problems)
    return NewTenant(slug=path.stem, **{**found, "plugins": tuple(plugins)})


def _fits_host(slug: str) -> bool:
    return re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", slug) is not None and slug not in RESERVED


def create_tenant(
    owner: Engine, instance: str, new: NewTenant, *, plugin_texts: Mapping[str, list[Text]] | None = None
) -> str:
    """Make the gmina's role and schema with all tables, those of its plugins too, and list it in the registry. Its id.

    One transaction: there is either a whole gmina or none. Conflict when the slug is or was another gmina's.
    """
    tenant_id = secrets.choice(ALPHABET[:23]) + "".join(secrets.choice(ALPHABET) for _ in range(7))
    names = Names(instance)
    texts = {CORE: core_texts("tenant"), **{name: (plugin_texts or {}).get(name, []) for name in new.plugins}}
    role, schema = f"{instance}_t_{tenant_id}", f"t_{tenant_id}"
    statements = [
        f"CREATE ROLE {role} NOLOGIN",
        f"GRANT {names.fill('{tenants}')} TO {role}",
        f"GRANT {role} TO {names.fill('{app}')}" + membership_options(owner),
        f"CREATE SCHEMA {schema}",
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
        f"SET LOCAL search_path TO {schema}",
        *(names.fill(text.sql, tenant_id=tenant_id) for steps in texts.values() for text in steps),
    ]
    with owner.connect() as wrapped:
        connection = wrapped.connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        try:
            with connection.transaction():
                connection.execute("\n;\n".join(statements).encode())
                _list_tenant(connection, tenant_id, new, {name: len(steps) for name, steps in texts.items() if steps})
        except psycopg.errors.UniqueViolation:
            raise Conflict(f"there is a gmina with the slug {new.slug!r}") from None
    return tenant_id


def membership_options(owner: Engine) -> str:
    """The runtime login may become a gmina's role and inherits nothing from it. NOINHERIT says so before version 16."""
    with owner.connect() as connection:
        version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
        connection.commit()
    return " WITH INHERIT FALSE, SET TRUE" if version >= 160000 else ""


_FORMER = "SELECT 1 FROM platform.tenant_hosts WHERE host LIKE %(slug)s || '.%%' AND tenant_id <> %(tenant)s"


def _list_tenant(connection: psycopg.Connection, tenant_id: str, new: NewTenant, versions: Mapping[str, int]) -> None:
    if connection.execute(_FORMER, {"slug": new.slug, "tenant": tenant_id}).fetchone() is not None:
        raise Conflict(f"there was a gmina with the slug {new.slug!r}, and its host is still its own")
    connection.cursor().executemany(
        "INSERT INTO work.schema_versions (tenant_id, distribution, version) VALUES (%s, %s, %s)",
        [(tenant_id, distribution, version) for distribution, version in versions.items()],
    )
    connection.execute(
        "INSERT INTO platform.tenants (id, slug, name, state, colour, address, email, phone)"
        " VALUES (%s, %s, %s, 'active', %s, %s, %s, %s)",
        (tenant_id, new.slug, new.name, new.colour, new.address, new.email, new.phone),
    )
    connection.cursor().executemany(
        "INSERT INTO platform.tenant_plugins (tenant_id, plugin) VALUES (%s, %s)",
        [(tenant_id, plugin) for plugin in new.plugins],
    )


def set_state(owner: Engine, tenant_id: str, state: str) -> None:
    """Suspend a gmina or open it again. Its money goes on either way."""
    with owner.begin() as connection:
        connection.exec_driver_sql("UPDATE platform.tenants SET state = %s WHERE id = %s", (state, tenant_id))


def rename(owner: Engine, tenant_id: str, *, slug: str, host: str) -> None:
    """Give a gmina another slug. The old host stays its own: gateways go on calling it."""
    if not _fits_host(slug):
        raise Invalid(f"{slug!r} cannot be part of a host name here")
    try:
        with owner.begin() as connection:
            _rename(connection, tenant_id, slug=slug, host=host)
    except IntegrityError:
        raise Conflict(f"there is a gmina with the slug {slug!r}") from None


def _rename(connection: Connection, tenant_id: str, *, slug: str, host: str) -> None:
    old = connection.exec_driver_sql("SELECT slug FROM platform.tenants WHERE id = %s", (tenant_id,)).scalar_one()
    if connection.exec_driver_sql(_FORMER, {"slug": slug, "tenant": tenant_id}).first() is not None:
        raise Conflict(f"there was a gmina with the slug {slug!r}, and its host is still its own")
    connection.exec_driver_sql(
        "INSERT INTO platform.tenant_hosts (host, tenant_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (f"{old}.{host}", tenant_id),
    )
    connection.exec_driver_sql("UPDATE platform.tenants SET slug = %s WHERE id = %s", (slug, tenant_id))


def enable_plugin(owner: Engine, instance: str, tenant_id: str, plugin: str, texts: list[Text]) -> None:
    """Choose a plugin for a gmina. Its tables are there before anybody can use it; they stay when it is disabled."""
    if texts:
        with owner.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO work.schema_versions (tenant_id, distribution, version) VALUES (%s, %s, 0)"
                " ON CONFLICT DO NOTHING",
                (tenant_id, plugin),
            )
        migrate_tenants(owner, Names(instance), plugin, texts)
    with owner.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO platform.tenant_plugins (tenant_id, plugin) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (tenant_id, plugin),
        )


def disable_plugin(owner: Engine, tenant_id: str, plugin: str) -> None:
    """Nothing new is started with it; money already on its way goes on."""
    with owner.begin() as connection:
        connection.exec_driver_sql(
            "DELETE FROM platform.tenant_plugins WHERE tenant_id = %s AND plugin = %s", (tenant_id, plugin)
        )
