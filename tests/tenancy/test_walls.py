"""Two walls: who forgets the gmina finds no table, who names the wrong one is refused by PostgreSQL itself."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from skarbnik.db import SET_TENANT

DENIED = psycopg.errors.InsufficientPrivilege
NO_TABLE = psycopg.errors.UndefinedTable


@pytest.fixture
def plain(lab):
    """The runtime login as it comes: no gmina was named. Each statement stands alone."""
    with psycopg.connect(lab.settings.database_url, autocommit=True) as connection:
        yield connection


def attempts(table):
    return [f"SELECT 1 FROM {table}", f"INSERT INTO {table} DEFAULT VALUES", f"DELETE FROM {table}"]


def enter_and_try(connection, role, schema, statement):
    with connection.transaction():
        connection.execute(SET_TENANT, (role, schema))
        connection.execute(statement)


def test_without_a_gmina_no_table_is_found(plain, tables):
    assert len(tables) > 30
    for table in tables:
        for statement in attempts(table):
            with pytest.raises(NO_TABLE):
                plain.execute(statement)


def test_the_runtime_login_reads_no_gmina_by_itself(plain, lab, tables):
    for slug in ("lipowo", "debina"):
        for table in tables:
            for statement in attempts(f"{lab.tenant(slug).schema}.{table}"):
                with pytest.raises(DENIED):
                    plain.execute(statement)


@pytest.mark.parametrize(("own", "foreign"), [("lipowo", "debina"), ("debina", "lipowo")])
def test_the_role_of_one_gmina_is_refused_every_table_of_another(plain, lab, tables, own, foreign):
    role, schema = lab.tenant(own).role, lab.tenant(foreign).schema
    for table in tables:
        for statement in attempts(f"{schema}.{table}"):
            with pytest.raises(DENIED):
                enter_and_try(plain, role, schema, statement)
        with pytest.raises(NO_TABLE):
            enter_and_try(plain, role, schema, f"SELECT 1 FROM {table}")


def test_a_planted_wrong_search_path_leaves_the_neighbour_as_it_was(tenant, neighbour):
    with pytest.raises(ProgrammingError, match="permission denied"), tenant.session() as session:
        session.execute(text(f"UPDATE {neighbour.schema}.users SET name = 'x'"))
    with tenant.session() as session:
        session.execute(text("SELECT set_config('search_path', :schema, true)"), {"schema": neighbour.schema})
        with pytest.raises(ProgrammingError, match="does not exist"):
            session.execute(text("SELECT name FROM users"))


def test_the_runtime_login_owns_nothing(admin, lab):
    login = f"{lab.settings.instance}_app"
    owned = {
        "relations": "SELECT count(*) FROM pg_class WHERE relowner = %s::regrole",
        "schemas": "SELECT count(*) FROM pg_namespace WHERE nspowner = %s::regrole",
        "functions": "SELECT count(*) FROM pg_proc WHERE proowner = %s::regrole",
        "databases": "SELECT count(*) FROM pg_database WHERE datdba = %s::regrole",
    }
    assert {what: admin.execute(query, (login,)).fetchone()[0] for what, query in owned.items()} == dict.fromkeys(
        owned, 0
    )
    assert (
        admin.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = %s",
            (login,),
        ).fetchone()
        == (False,) * 4
    )


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.planted (id int)",
        "CREATE TABLE work.planted (id int)",
        "CREATE TABLE platform.planted (id int)",
        "CREATE SCHEMA planted",
        "CREATE ROLE planted",
        "UPDATE platform.tenants SET name = 'x'",
        "UPDATE work.schema_versions SET version = 0",
        "INSERT INTO platform.tenants (id, slug, name, state) VALUES ('planted1', 'planted', 'x', 'active')",
    ],
)
def test_the_runtime_login_creates_and_arranges_nothing(plain, statement):
    with pytest.raises(DENIED):
        plain.execute(statement)


def test_the_role_of_a_gmina_creates_nothing_in_its_own_schema(tenant):
    with pytest.raises(ProgrammingError, match="permission denied"), tenant.session() as session:
        session.execute(text("CREATE TABLE planted (id int)"))


def test_membership_in_a_gmina_is_never_inherited(admin, lab, tenant):
    login = f"{lab.settings.instance}_app"
    options = admin.execute(
        "SELECT inherit_option, set_option, admin_option FROM pg_auth_members"
        " WHERE roleid = %s::regrole AND member = %s::regrole",
        (tenant.role, login),
    ).fetchall()
    assert options == [(False, True, False)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM work.outbox",
        "INSERT INTO work.outbox (tenant_id, topic, subject_id, due_at) SELECT 'x', 'x', gen_random_uuid(), now()",
        "SELECT * FROM work.schema_versions",
        "SELECT * FROM platform.tenants",
    ],
)
def test_a_gmina_sees_nothing_of_the_common_tables(tenant, statement):
    with pytest.raises(ProgrammingError, match="permission denied"), tenant.session() as session:
        session.execute(text(statement))


def test_what_a_gmina_publishes_is_stamped_by_its_role(tenant, neighbour, admin):
    publish = text("SELECT work.publish('tested', gen_random_uuid(), now())")
    for each in (tenant, neighbour):
        with each.session() as session:
            session.execute(publish)

    rows = admin.execute("SELECT tenant_id FROM work.outbox WHERE topic = 'tested' ORDER BY id").fetchall()
    assert rows == [(tenant.id,), (neighbour.id,)]


def test_without_a_gmina_nothing_is_published(plain, admin):
    with pytest.raises(DENIED):
        plain.execute("SELECT work.publish('tested', gen_random_uuid(), now())")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="no gmina"):
        admin.execute("SELECT work.publish('tested', gen_random_uuid(), now())")


def test_a_gmina_occupies_few_relations(admin, tenant):
    (count,) = admin.execute(
        """
        WITH own AS (SELECT oid, reltoastrelid FROM pg_class WHERE relnamespace = %s::regnamespace)
        SELECT (SELECT count(*) FROM own)
            + (SELECT count(*) FROM own WHERE reltoastrelid <> 0)
            + (SELECT count(*) FROM pg_index WHERE indrelid IN (SELECT reltoastrelid FROM own))
        """,
        (tenant.schema,),
    ).fetchone()
    assert 60 < count <= 241  # docs/decisions/0008: the first feature set is 120, everything with plugins 250
