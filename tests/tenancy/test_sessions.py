"""A connection goes back to the pool without a gmina, whatever happened to its borrower."""

from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, OperationalError, PendingRollbackError

from skarbnik import db
from skarbnik.accounts.models import User
from skarbnik.db import TenantSession, _begin, committed
from skarbnik.testing.factories import UserFactory, bound_to


def session_of(tenant, engine):
    return TenantSession(engine, tenant_id=tenant.id, role=tenant.role, schema=tenant.schema)


def carried(engine):
    """What the next borrower of the connection finds."""
    with engine.connect() as connection:
        return tuple(connection.execute(text("SELECT current_setting('role'), current_setting('search_path')")).one())


def ends_well(session):
    session.execute(text("SELECT 1 FROM users"))


def raises(session):
    session.execute(text("SELECT 1 FROM users"))
    raise ValueError("the view stumbled")


def writes_and_raises(session):
    with bound_to(session):
        UserFactory()
    raise ValueError("the view stumbled")


def reads_writes_and_raises(session):
    session.read("SELECT 1 AS one")
    writes_and_raises(session)


def breaks_the_transaction(session):
    session.execute(text("SELECT 1 / 0"))


def rolls_back_itself(session):
    session.execute(text("SELECT 1 FROM users"))
    session.rollback()
    session.execute(text("SELECT 1 FROM users"))


def is_cut_off(session):
    session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


@pytest.mark.parametrize("borrower", [ends_well, raises, breaks_the_transaction, rolls_back_itself])
def test_the_next_borrower_of_a_connection_finds_no_gmina(lab, runtime, borrower):
    fresh = carried(runtime)
    try:
        with committed(session_of(lab.tenant("lipowo"), runtime)) as session:
            borrower(session)
    except (ValueError, DBAPIError):
        pass

    assert carried(runtime) == fresh
    assert fresh[0] == "none"
    assert "t_" not in fresh[1]


def test_a_connection_that_died_harms_only_who_held_it(lab, runtime):
    with pytest.raises(DBAPIError), committed(session_of(lab.tenant("lipowo"), runtime)) as session:
        is_cut_off(session)
    with committed(session_of(lab.tenant("debina"), runtime)) as session:
        assert session.scalar(text("SELECT current_schema()")) == lab.tenant("debina").schema


def test_every_transaction_of_a_session_enters_its_gmina_again(lab, runtime):
    tenant = lab.tenant("lipowo")
    session = session_of(tenant, runtime)
    for end in (session.commit, session.rollback, session.commit):
        assert (
            session.scalar(text("SELECT current_user || ' ' || current_schema()")) == f"{tenant.role} {tenant.schema}"
        )
        end()
    session.close()


def test_two_gminas_on_one_connection_see_each_their_own(clean, runtime):
    for slug in ("lipowo", "debina"):
        with committed(session_of(clean.tenant(slug), runtime)) as session, bound_to(session):
            UserFactory(name=f"Osoba z {slug}")
    for slug in ("lipowo", "debina", "lipowo"):
        with committed(session_of(clean.tenant(slug), runtime)) as session:
            assert session.scalars(select(User.name)).all() == [f"Osoba z {slug}"]


def test_reading_ends_with_a_commit(lab, runtime, counted):
    with counted(runtime) as asked, committed(session_of(lab.tenant("lipowo"), runtime)) as session:
        session.execute(text("SELECT 1 FROM users"))

    assert [each for each in asked if each in ("COMMIT", "ROLLBACK")] == ["COMMIT"]


def test_a_gmina_is_entered_in_one_trip_together_with_begin(lab, runtime, counted, monkeypatch):
    trips = []
    monkeypatch.setattr(db, "_begin", lambda *words: trips.append(words[1:]) or _begin(*words))
    with counted(runtime) as asked, committed(session_of(lab.tenant("lipowo"), runtime)) as session:
        session.execute(text("SELECT 1 FROM users"))

    tenant = lab.tenant("lipowo")
    assert trips == [(tenant.role, tenant.schema)]
    assert asked == ["SELECT 1 FROM users", "COMMIT"]


def test_a_role_that_is_not_ours_is_refused_and_leaves_the_connection_clean(lab, runtime):
    fresh = carried(runtime)
    tenant = lab.tenant("lipowo")
    with (
        pytest.raises(DBAPIError, match="does not exist"),
        committed(TenantSession(runtime, tenant_id=tenant.id, role="nobody_here", schema=tenant.schema)) as session,
    ):
        session.execute(text("SELECT 1 FROM users"))
    assert carried(runtime) == fresh


def test_a_server_that_dropped_its_connections_is_an_error_once(lab):
    engine = db.make_engine(lab.settings.database_url, size=2, application="skarbnik-dropped")
    with engine.connect() as one, engine.connect() as two:
        one.execute(text("SELECT 1")), two.execute(text("SELECT 1"))
    with lab.as_admin() as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'skarbnik-dropped'"
        )
    with pytest.raises(DBAPIError), committed(session_of(lab.tenant("lipowo"), engine)) as session:
        ends_well(session)
    with committed(session_of(lab.tenant("lipowo"), engine)) as session:
        ends_well(session)
    engine.dispose()


def test_what_was_written_before_an_error_is_not_kept(tenant):
    with pytest.raises(ValueError, match="stumbled"), tenant.session() as session:
        writes_and_raises(session)
    with tenant.session() as session:
        assert session.scalars(select(User)).all() == []


def test_a_gmina_with_the_schema_of_another_is_refused_by_postgresql(tenant, neighbour):
    class Mixed:
        role, schema, id = tenant.role, neighbour.schema, tenant.id

    with pytest.raises(DBAPIError) as caught, committed(session_of(Mixed, tenant.instance.engine)) as session:
        session.execute(text(f"SELECT * FROM {neighbour.schema}.users"))
    assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege)


def test_a_role_that_is_no_gminas_cannot_be_entered(tenant):
    session = TenantSession(tenant.instance.engine, tenant_id="x", role="postgres", schema=tenant.schema)
    with pytest.raises(DBAPIError) as caught:
        session.execute(text("SELECT 1"))
    session.close()
    assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege)


def test_a_connection_that_served_many_gminas_is_retired(lab, runtime, monkeypatch):
    monkeypatch.setattr(db, "TENANTS_PER_CONNECTION", 1)
    backends = []
    for slug in ("lipowo", "lipowo", "debina", "lipowo"):
        with committed(session_of(lab.tenant(slug), runtime)) as session:
            backends.append(session.scalar(text("SELECT pg_backend_pid()")))

    assert backends[0] == backends[1] == backends[2] != backends[3]


def test_a_gmina_is_known_by_its_id_and_not_by_its_slug(tenant):
    renamed = replace(tenant, slug="nowe-lipowo")

    assert (renamed.schema, renamed.role) == (tenant.schema, tenant.role)
    assert tenant.slug not in tenant.schema + tenant.role


def test_a_statement_of_a_hot_page_fails_as_any_other_when_the_server_goes(tenant, clean):
    session = tenant.open_session()
    (here,) = session.read("SELECT pg_backend_pid() AS id")
    with clean.as_admin() as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", (here.id,))

    with pytest.raises(OperationalError):
        session.read("SELECT 1 AS one")
    session.close()


def test_what_is_written_after_reading_stands_in_the_same_transaction(tenant, runtime, counted):
    with counted(runtime) as asked, committed(session_of(tenant, runtime)) as session, bound_to(session):
        (before,) = session.read("SELECT pg_current_xact_id() AS id, pg_backend_pid() AS backend")
        UserFactory(name="Anna")
        session.flush()
        (after,) = session.read("SELECT pg_current_xact_id() AS id, pg_backend_pid() AS backend")

    assert before == after
    assert [each for each in asked if each in ("COMMIT", "ROLLBACK")] == ["COMMIT"]
    with tenant.session() as session:
        assert session.scalars(select(User.name)).all() == ["Anna"]


def test_what_was_written_after_reading_goes_with_an_error(tenant):
    with pytest.raises(ValueError, match="stumbled"), tenant.session() as session:
        reads_writes_and_raises(session)
    with tenant.session() as session:
        assert session.scalars(select(User)).all() == []


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_a_session_that_only_read_gives_its_connection_back_without_a_gmina(lab, runtime, end):
    fresh = carried(runtime)
    session = session_of(lab.tenant("lipowo"), runtime)
    session.read("SELECT count(*) AS all FROM users")

    getattr(session, end)()

    assert carried(runtime) == fresh
    assert runtime.pool.checkedout() == 0
    assert session.read("SELECT current_user AS me")[0].me == lab.tenant("lipowo").role
    session.close()
    assert runtime.pool.checkedout() == 0


def test_a_read_that_fails_leaves_nothing_behind(lab, runtime):
    fresh = carried(runtime)
    with pytest.raises(psycopg.errors.DivisionByZero), committed(session_of(lab.tenant("lipowo"), runtime)) as session:
        session.read("SELECT 1 / 0 AS nothing")

    assert carried(runtime) == fresh
    assert runtime.pool.checkedout() == 0


def test_nobody_goes_on_after_an_error_and_believes_that_it_was_kept(tenant):
    session = tenant.open_session()
    session.read("SELECT 1 AS one")
    with pytest.raises(psycopg.errors.DivisionByZero):
        session.read("SELECT 1 / 0 AS nothing")

    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        session.commit()
    session.close()


def test_a_line_that_is_cut_before_the_commit_is_an_error(tenant, clean):
    session = tenant.open_session()
    (here,) = session.read("SELECT pg_backend_pid() AS id")
    with clean.as_admin() as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (here.id,))

    with pytest.raises(OperationalError):
        session.commit()
    session.close()


def test_objects_read_by_the_orm_after_a_plain_read_are_kept_by_the_commit(tenant):
    with tenant.session() as session, bound_to(session):
        UserFactory(name="Anna")
    with tenant.session() as session:
        session.read("SELECT 1 AS one")
        session.scalars(select(User)).one().name = "Anna Maria"
    with tenant.session() as session:
        assert session.scalars(select(User.name)).one() == "Anna Maria"


def interrupted_once(monkeypatch):
    """PostgreSQL itself cancels the first trip into a gmina, as it does when a statement takes too long."""
    real, left = db._begin_text.__wrapped__, ["once"]

    def slow(role, schema):
        if not left:
            return real(role, schema)
        left.pop()
        text = real(role, schema)
        return text.replace(b"BEGIN;", b"BEGIN; SET LOCAL statement_timeout = 1; SELECT pg_sleep(0.1);")

    monkeypatch.setattr(db, "_begin_text", slow)


def test_what_is_written_after_an_interrupted_beginning_is_kept(tenant, monkeypatch):
    interrupted_once(monkeypatch)
    with tenant.session() as session, bound_to(session):
        session.read("SELECT 1 AS one")
        UserFactory(name="Anna")
        session.flush()

    with tenant.session() as session:
        assert session.scalars(select(User.name)).all() == ["Anna"]


def test_an_interrupted_beginning_enters_the_gmina_all_the_same(lab, runtime, monkeypatch):
    interrupted_once(monkeypatch)
    tenant = lab.tenant("lipowo")
    with committed(session_of(tenant, runtime)) as session:
        assert session.read("SELECT current_user AS me")[0].me == tenant.role
    assert runtime.pool.checkedout() == 0
    assert "t_" not in carried(runtime)[1]


@pytest.mark.parametrize("go_on", ["read", "execute", "commit"])
def test_who_was_cut_off_while_reading_goes_nowhere_before_rolling_back(tenant, clean, go_on):
    session = tenant.open_session()
    (here,) = session.read("SELECT pg_backend_pid() AS id")
    with clean.as_admin() as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", (here.id,))
    with pytest.raises(OperationalError):
        session.read("SELECT 1 AS one")

    with pytest.raises(PendingRollbackError):
        {
            "read": lambda: session.read("SELECT current_user AS me"),
            "execute": lambda: session.execute(text("SELECT current_user")),
            "commit": session.commit,
        }[go_on]()
    session.rollback()
    assert session.read("SELECT current_user AS me")[0].me == tenant.role
    session.close()
