"""Each gmina is served by the connection that served it before, and never waits for it."""

import threading
from contextlib import ExitStack

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from skarbnik import db
from skarbnik.db import TenantSession, make_engine
from skarbnik.pool import home_of

SIZE = 3


@pytest.fixture
def engine(lab):
    made = make_engine(lab.settings.database_url, size=SIZE)
    yield made
    made.dispose()


@pytest.fixture
def gminas(lab):
    """One for each home: their role and schema are of two, their ids choose the homes."""
    real = [lab.tenant("lipowo"), lab.tenant("debina")]
    found = {}
    for number in range(1000):
        found.setdefault(home_of(f"id{number}", SIZE), f"id{number}")
    return [(tenant_id, real[home % 2]) for home, tenant_id in sorted(found.items())]


def opened(engine, gmina):
    tenant_id, tenant = gmina
    return TenantSession(engine, tenant_id=tenant_id, role=tenant.role, schema=tenant.schema)


def by_reading(session):
    return session.read("SELECT pg_backend_pid() AS id")[0].id


def by_the_orm(session):
    return session.scalar(text("SELECT pg_backend_pid()"))


def backend(engine, gmina, ask=by_reading):
    session = opened(engine, gmina)
    found = ask(session)
    session.commit()
    session.close()
    return found


def test_a_gmina_comes_home(engine, gminas):
    homes = [backend(engine, gmina) for gmina in gminas]

    assert len(set(homes)) == SIZE
    for ask in (by_reading, by_the_orm, by_reading):
        assert [backend(engine, gmina, ask) for gmina in reversed(gminas)] == homes[::-1]


def test_who_finds_the_home_in_use_takes_another_one(engine, gminas):
    homes = [backend(engine, gmina) for gmina in gminas]
    with ExitStack() as stack:
        first = stack.enter_context(opened(engine, gminas[0]))
        assert by_reading(first) == homes[0]
        second = stack.enter_context(opened(engine, gminas[0]))
        assert by_reading(second) in homes[1:]
        third = stack.enter_context(opened(engine, gminas[0]))
        assert {by_the_orm(third), by_reading(first), by_reading(second)} == set(homes)
        for session in (first, second, third):
            session.commit()

    assert [backend(engine, gmina) for gmina in gminas] == homes


def test_there_are_never_more_connections_than_the_pool_may_have(lab, gminas):
    engine = make_engine(lab.settings.database_url, size=SIZE)
    engine.pool._timeout = 0.2
    with ExitStack() as stack:
        taken = [stack.enter_context(opened(engine, gminas[0])) for _ in range(SIZE)]
        assert len({by_reading(session) for session in taken}) == SIZE
        with pytest.raises(PoolTimeout):
            by_reading(stack.enter_context(opened(engine, gminas[0])))
        for session in taken:
            session.commit()
    engine.dispose()


def test_homes_stay_one_each_whoever_comes_first(engine, gminas):
    """All at once and all of one gmina: the connections that are made get the numbers that are left."""
    together = threading.Barrier(SIZE)

    def visit():
        with opened(engine, gminas[0]) as session:
            together.wait()
            by_reading(session)
            together.wait()
            session.commit()

    threads = [threading.Thread(target=visit) for _ in range(SIZE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    homes = [backend(engine, gmina) for gmina in gminas]
    assert len(set(homes)) == SIZE
    assert [backend(engine, gmina) for gmina in reversed(gminas)] == homes[::-1]  # by turns it would be another order


def test_a_connection_for_no_gmina_is_any_one(engine, gminas):
    homes = [backend(engine, gmina) for gmina in gminas]
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) in homes


def test_a_server_that_takes_no_more_connections_leaves_nobody_without_one(engine, gminas):
    home = backend(engine, gminas[0])

    @event.listens_for(engine, "do_connect")
    def refuse(*words):
        raise psycopg.OperationalError("too many clients already")

    assert backend(engine, gminas[1]) == home
    with opened(engine, gminas[0]) as session:
        assert by_reading(session) == home
        with pytest.raises(OperationalError), opened(engine, gminas[1]) as other:
            by_reading(other)
        session.commit()
    event.remove(engine, "do_connect", refuse)

    assert len({backend(engine, gmina) for gmina in gminas}) == SIZE


def test_all_connections_end_with_the_pool_whoever_was_served_last(engine, gminas):
    homes = [backend(engine, gmina) for gmina in gminas]
    session = opened(engine, gminas[0])
    for _ in range(2):
        assert by_the_orm(session) == homes[0]
    session.commit()

    pool = engine.pool
    engine.dispose()
    assert pool.checkedin() == 0
    session.close()


def test_the_plans_of_a_hot_statement_are_the_gminas_own_and_bounded(engine, gminas, monkeypatch):
    monkeypatch.setattr(db, "PLANS_PER_CONNECTION", 3)
    one, two = (opened(engine, (gminas[0][0], tenant)) for tenant in (gminas[0][1], gminas[1][1]))
    prepared = "SELECT statement FROM pg_prepared_statements"
    for number in range(5):
        for session in (one, two):
            for _ in range(6):
                assert session.read(f"SELECT %(a)s::int + {number} AS sum, %(a)s::int AS a", a=2)[0].sum == 2 + number
            session.commit()
    with engine.connect() as connection:
        kept = [row[0] for row in connection.exec_driver_sql(prepared)]

    assert 2 <= len(kept) <= 4  # of ten; the driver lets the oldest go a little late
    assert {each.rpartition(" -- ")[2] for each in kept} == {one.schema, two.schema}


@pytest.mark.parametrize(
    ("statement", "words", "row"),
    [
        ("SELECT %(b)s::int AS b, %(a)s::int AS a, %(b)s::int AS c", {"a": 1, "b": 2, "unused": 3}, (2, 1, 2)),
        ("SELECT 'Anna' LIKE 'A%%' AS a, 7 %% 4 AS b", {}, (True, 3)),
        ("SELECT 1 = ANY(%(ids)s) AS a -- a remark", {"ids": [1, 2]}, (True,)),
    ],
)
def test_words_become_numbers(tenant, statement, words, row):
    with tenant.session() as session:
        assert tuple(session.read(statement, **words)[0]) == row


def test_a_word_that_is_missing_is_told(tenant):
    with pytest.raises(KeyError), tenant.session() as session:
        session.read("SELECT %(a)s::int AS a")
