"""A database of its own for each test worker, with real roles, two gminas and nothing mocked."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from skarbnik.settings import Settings, read_settings
from skarbnik.tenancy.bootstrap import make_roles
from skarbnik.tenancy.instance import Instance
from skarbnik.tenancy.ledger import Names, migrate_central
from skarbnik.tenancy.registry import Tenant
from skarbnik.tenancy.services import NewTenant, create_tenant

ADMIN = "SKARBNIK_TEST_ADMIN_URL"
REDIS = "SKARBNIK_TEST_REDIS_URL"
HINT = f"{ADMIN} and {REDIS} are not set: run the tests with `python3 dev.py test`"
PLUGINS = ("epuap", "payu", "przelewy24", "puma", "smtp", "surveys")


@dataclass(frozen=True)
class Lab:
    """One instance of the product on a database of its own."""

    settings: Settings
    environment: dict[str, str]
    instance: Instance
    admin_url: str

    def tenant(self, slug: str) -> Tenant:
        return self.instance.registry.get_by_slug(slug)

    def make_tenant(self, slug: str, name: str | None = None, *, plugins: tuple[str, ...] = PLUGINS) -> Tenant:
        new = NewTenant(
            slug=slug, name=name or f"Gmina {slug.capitalize()}", email=f"urzad@{slug}.example", plugins=plugins
        )
        owner, texts = self.instance.owner_engine(), self.instance.plugins.migrations
        tenant_id = create_tenant(owner, self.settings.instance, new, plugin_texts=texts)
        self.instance.registry.forget()
        return self.instance.registry.get(tenant_id)

    def tenant_with(self, slug: str, *plugins: str) -> Tenant:
        """A gmina that chose these plugins; made once, and there for the next test that asks for it."""
        found = [each for each in self.instance.registry.list_all() if each.slug == slug]
        return found[0] if found else self.make_tenant(slug, plugins=plugins)  # whatever a test did to its plugins

    @cached_property
    def sweeper(self) -> psycopg.Connection:
        """For `empty` alone. Kept open: a new connection first learns of every table, and that takes the longest."""
        connection = self.as_admin()
        connection.execute("SET session_replication_role = replica")  # no triggers: rows that nobody may delete go, too
        return connection

    def close(self) -> None:
        """End its connections. The database stays until its server goes."""
        self.instance.engine.dispose()
        if "sweeper" in vars(self):
            self.sweeper.close()

    def as_admin(self) -> psycopg.Connection:
        """A superuser's connection, to look behind the walls. Close it."""
        return psycopg.connect(self.admin_url, autocommit=True)


def make_lab(name: str, *, redis_number: int = 0, public_url: str = "https://skarbnik.test") -> Lab:
    """Create the database, its roles, registry and two gminas: `lipowo` and `debina`."""
    admin_url, redis_url = os.environ[ADMIN], os.environ[REDIS]
    files = Path(tempfile.mkdtemp(prefix="skarbnik-lab-"))
    url = make_url(admin_url)
    words = {
        "SKARBNIK_ENV": "test",
        "SKARBNIK_INSTANCE": name,
        "DATABASE_URL": _login(admin_url, f"{name}_app", name),
        "SKARBNIK_OWNER_DATABASE_URL": _login(admin_url, f"{name}_owner", name),
        "REDIS_URL": f"{redis_url.rstrip('/').rpartition('/')[0]}/{redis_number}"
        if redis_url.rstrip("/").rpartition("/")[2].isdecimal()
        else f"{redis_url.rstrip('/')}/{redis_number}",
        "SKARBNIK_PUBLIC_URL": public_url,
        "SKARBNIK_KEYS": "1:c2VjcmV0IGtleSBvZiBhIHRlc3QgaW5zdGFuY2UgISE=",
        "SKARBNIK_FILES": str(files),
        "SKARBNIK_LOG": "json",
    }
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    settings = read_settings(words)
    own_admin = url.set(database=name).render_as_string(hide_password=False)
    make_roles(own_admin, settings)
    with psycopg.connect(settings.owner_database_url or "") as connection:
        migrate_central(connection, Names(settings.instance))
    lab = Lab(settings, words, Instance(settings, pool=8), own_admin)
    lab.make_tenant("lipowo", "Gmina Lipowo")
    lab.make_tenant("debina", "Gmina Dębina")
    return lab


def _login(admin_url: str, name: str, database: str) -> str:
    url = make_url(admin_url).set(
        drivername="postgresql", username=name, password=f"{name}-password", database=database
    )
    return url.render_as_string(hide_password=False)


def empty(lab: Lab) -> None:
    """Back to two gminas without a row, between tests that committed."""
    connection = lab.sweeper
    schemas = [*(tenant.schema for tenant in lab.instance.registry.list_all()), "work"]
    tables = connection.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s) AND tablename <> %s",
        (schemas, "schema_versions"),
    ).fetchall()
    # DELETE, all in one message: quicker than TRUNCATE for a hundred small tables.
    emptied = [sql.SQL("DELETE FROM {}.{}").format(*map(sql.Identifier, each)) for each in tables]
    with connection.transaction():
        connection.execute(sql.SQL("; ").join(emptied))
    for folder in ("exchange", "audit"):
        shutil.rmtree(lab.settings.files / folder, ignore_errors=True)
