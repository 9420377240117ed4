"""Gminas made for one test and gone after it, and a look behind the walls."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from psycopg import sql

from skarbnik.db import make_engine
from skarbnik.tenancy.ledger import Names


@pytest.fixture
def admin(lab):
    with lab.as_admin() as connection:
        yield connection


@pytest.fixture
def owner(lab):
    engine = lab.instance.owner_engine()
    yield engine
    engine.dispose()


@pytest.fixture
def runtime(lab):
    """The runtime login over a pool of one connection."""
    engine = make_engine(lab.settings.database_url, size=1)
    yield engine
    engine.dispose()


@pytest.fixture
def names(lab):
    return Names(lab.settings.instance)


@pytest.fixture
def tables(lab, admin):
    """Names of all tables and views of a gmina."""
    rows = admin.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'v') ORDER BY 1",
        (lab.tenant("lipowo").schema,),
    )
    return [name for (name,) in rows]


@pytest.fixture
def known(lab, admin):
    """Everything there is of gminas: ids in the registry, slugs, schemas and roles."""

    def look():
        return {
            "registry": set(admin.execute("SELECT id, slug FROM platform.tenants").fetchall()),
            "schemas": set(admin.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%'").fetchall()),
            "roles": set(
                admin.execute(
                    "SELECT rolname FROM pg_roles WHERE rolname LIKE %s", (f"{lab.settings.instance}\\_t\\_%",)
                ).fetchall()
            ),
            "versions": set(admin.execute("SELECT tenant_id FROM work.schema_versions").fetchall()),
        }

    return look


def forget_tenant(lab, admin, tenant_id):
    role = f"{lab.settings.instance}_t_{tenant_id}"
    for table in ("tenant_hosts", "tenant_plugins"):
        admin.execute(
            sql.SQL("DELETE FROM platform.{} WHERE tenant_id = %s").format(sql.Identifier(table)), (tenant_id,)
        )
    admin.execute("DELETE FROM platform.tenants WHERE id = %s", (tenant_id,))
    admin.execute("DELETE FROM work.schema_versions WHERE tenant_id = %s", (tenant_id,))
    admin.execute("DELETE FROM work.outbox WHERE tenant_id = %s", (tenant_id,))
    admin.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(f"t_{tenant_id}")))
    admin.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
    admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    lab.instance.registry.forget()


@pytest.fixture
def scratch(lab, admin):
    """Makes a gmina that is gone after the test, whatever became of its slug."""
    made = []

    def make(slug):
        tenant = lab.make_tenant(slug)
        made.append(tenant.id)
        return tenant

    yield make
    for tenant_id in made:
        forget_tenant(lab, admin, tenant_id)


@pytest.fixture
def forget(lab, admin):
    return lambda tenant_id: forget_tenant(lab, admin, tenant_id)


@pytest.fixture
def counted():
    """Counts what an engine is asked: `with counted(engine) as asked: …`."""
    from sqlalchemy import event

    @contextmanager
    def count(engine):
        asked = []

        def note(connection, cursor, statement, *rest):
            asked.append(statement)

        def note_end(name):
            return lambda connection: asked.append(name)

        commit, rollback = note_end("COMMIT"), note_end("ROLLBACK")
        event.listen(engine, "before_cursor_execute", note)
        event.listen(engine, "commit", commit)
        event.listen(engine, "rollback", rollback)
        yield asked
        event.remove(engine, "before_cursor_execute", note)
        event.remove(engine, "commit", commit)
        event.remove(engine, "rollback", rollback)

    return count
