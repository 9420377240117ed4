"""An upgrade of all gminas can be killed anywhere, run twice at once, or fail in one of them."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql

from skarbnik.tenancy.ledger import (
    CORE,
    MigrationFailed,
    Names,
    Text,
    core_texts,
    migrate_central,
    migrate_tenants,
    read_texts,
)

PLUGIN = "skarbnik-tested"


def step(number, statement):
    return Text(number, f"{number:04d}_step.sql", statement)


TABLE = step(1, "-- A table of the plugin.\nCREATE TABLE tested (id int);\n")
COLUMN = step(2, "ALTER TABLE tested ADD COLUMN amount bigint;\nINSERT INTO tested VALUES (1, 1);\n")
INDEX = step(3, "-- outside a transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS tested_idx ON tested (id)")


@pytest.fixture
def towns(lab, admin):
    """Twelve bare schemas that have the plugin at version 0."""
    ids = [f"zz{number:06d}" for number in range(12)]
    for each in ids:
        name = sql.Identifier(f"t_{each}")
        admin.execute(
            sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(name, sql.Identifier(f"{lab.settings.instance}_owner"))
        )
        admin.execute(
            "INSERT INTO work.schema_versions (tenant_id, distribution, version) VALUES (%s, %s, 0)", (each, PLUGIN)
        )
    yield ids
    for each in ids:
        admin.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(f"t_{each}")))
    admin.execute("DELETE FROM work.schema_versions WHERE distribution = %s", (PLUGIN,))


@pytest.fixture
def versions(admin):
    def read():
        rows = admin.execute(
            "SELECT tenant_id, version FROM work.schema_versions WHERE distribution = %s", (PLUGIN,)
        ).fetchall()
        return dict(rows)

    return read


def rows_of(admin, town):
    return admin.execute(sql.SQL("SELECT count(*) FROM {}.tested").format(sql.Identifier(f"t_{town}"))).fetchone()[0]


def test_every_gmina_gets_every_step_once(owner, names, towns, versions, admin):
    assert migrate_tenants(owner, names, PLUGIN, [TABLE, COLUMN]) == 24
    assert versions() == dict.fromkeys(towns, 2)
    assert [rows_of(admin, town) for town in towns] == [1] * 12


def test_a_later_release_applies_only_what_is_new(owner, names, towns, versions):
    assert migrate_tenants(owner, names, PLUGIN, [TABLE]) == 12
    assert migrate_tenants(owner, names, PLUGIN, [TABLE, COLUMN, INDEX]) == 24
    assert versions() == dict.fromkeys(towns, 3)


def test_when_there_is_nothing_to_do_one_question_is_asked(owner, names, towns, counted):
    migrate_tenants(owner, names, PLUGIN, [TABLE])
    with counted(owner) as asked:
        assert migrate_tenants(owner, names, PLUGIN, [TABLE]) == 0

    assert len(asked) == 2
    assert asked[1] == "COMMIT"


def test_two_upgrades_at_once_apply_each_step_once(lab, names, towns, versions, admin):
    engines = [lab.instance.owner_engine() for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(migrate_tenants, engine, names, PLUGIN, [TABLE, COLUMN]) for engine in engines]
        applied = sum(run.result() for run in runs)
    if set(versions().values()) != {2}:  # one of them may have ended while the other held the last gminas
        applied += migrate_tenants(engines[0], names, PLUGIN, [TABLE, COLUMN])
    for engine in engines:
        engine.dispose()

    assert applied == 24
    assert [rows_of(admin, town) for town in towns] == [1] * 12


def test_a_step_that_fails_in_one_gmina_leaves_that_one_behind_and_the_others_go_on(
    owner, names, towns, versions, admin
):
    admin.execute(sql.SQL("CREATE TABLE {}.tested (id int)").format(sql.Identifier(f"t_{towns[5]}")))

    with pytest.raises(MigrationFailed, match="already exists") as caught:
        migrate_tenants(owner, names, PLUGIN, [TABLE, COLUMN])

    assert set(caught.value.failures) == {towns[5]}
    assert versions() == dict.fromkeys(towns, 2) | {towns[5]: 0}

    admin.execute(sql.SQL("DROP TABLE {}.tested").format(sql.Identifier(f"t_{towns[5]}")))
    assert migrate_tenants(owner, names, PLUGIN, [TABLE, COLUMN]) == 2
    assert versions() == dict.fromkeys(towns, 2)


def test_a_failed_step_leaves_nothing_of_itself(owner, names, towns, admin):
    with pytest.raises(MigrationFailed):
        migrate_tenants(owner, names, PLUGIN, [step(1, "CREATE TABLE half (id int);\nSELECT 1 / 0")])

    assert admin.execute("SELECT count(*) FROM pg_class WHERE relname = 'half'").fetchone() == (0,)


def test_a_gmina_that_is_busy_for_a_moment_is_tried_again(lab, owner, names, towns, versions):
    migrate_tenants(owner, names, PLUGIN, [TABLE])
    holder = psycopg.connect(lab.admin_url)
    holder.execute(sql.SQL("LOCK TABLE {}.tested").format(sql.Identifier(f"t_{towns[0]}")))
    threading.Timer(2.5, holder.close).start()

    assert migrate_tenants(owner, names, PLUGIN, [TABLE, COLUMN]) == 12
    assert versions() == dict.fromkeys(towns, 2)


DYING = """
import os
from skarbnik.db import make_engine
from skarbnik.tenancy.ledger import Names, Text, migrate_tenants
slow = "CREATE TABLE tested (id int); SELECT pg_sleep(CASE WHEN current_schema() >= 't_zz000006' THEN 60 ELSE 0 END)"
migrate_tenants(make_engine(os.environ["OWNER"], application="dying"), Names("x"), "skarbnik-tested",
                [Text(1, "0001_step.sql", slow)], workers=1)
"""


def test_an_upgrade_killed_in_the_middle_goes_on_where_it_stopped(lab, owner, names, towns, versions, admin):
    url = lab.settings.owner_database_url
    process = subprocess.Popen([sys.executable, "-c", DYING], env={**os.environ, "OWNER": url})
    deadline = time.monotonic() + 60
    while sum(versions().values()) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'dying'")
    done = sum(versions().values())
    assert 3 <= done < 12

    assert migrate_tenants(owner, names, PLUGIN, [TABLE, COLUMN]) == (12 - done) + 12
    assert versions() == dict.fromkeys(towns, 2)


def test_a_step_outside_a_transaction_may_be_repeated(owner, names, towns, versions, admin):
    migrate_tenants(owner, names, PLUGIN, [TABLE, COLUMN, INDEX])
    forget = "UPDATE work.schema_versions SET version = 2 WHERE tenant_id = %s AND distribution = %s"
    admin.execute(forget, (towns[0], PLUGIN))

    assert migrate_tenants(owner, names, PLUGIN, [TABLE, COLUMN, INDEX]) == 1
    assert versions() == dict.fromkeys(towns, 3)
    assert admin.execute("SELECT count(*) FROM pg_class WHERE relname = 'tested_idx'").fetchone() == (12,)


def test_an_index_that_was_left_half_built_is_built_again(owner, names, towns, versions, admin):
    unique = step(3, INDEX.sql.replace("CREATE INDEX", "CREATE UNIQUE INDEX"))
    migrate_tenants(owner, names, PLUGIN, [TABLE, COLUMN])
    admin.execute(f"INSERT INTO t_{towns[0]}.tested VALUES (1, 1)")  # a second one of the kind
    with pytest.raises(MigrationFailed, match=towns[0]):
        migrate_tenants(owner, names, PLUGIN, [TABLE, COLUMN, unique])
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass"
    assert admin.execute(valid, (f"t_{towns[0]}.tested_idx",)).fetchone() == (False,)

    admin.execute(f"DELETE FROM t_{towns[0]}.tested")
    assert migrate_tenants(owner, names, PLUGIN, [TABLE, COLUMN, unique]) == 1
    assert versions() == dict.fromkeys(towns, 3)
    assert admin.execute(valid, (f"t_{towns[0]}.tested_idx",)).fetchone() == (True,)


def test_the_common_tables_are_made_once(lab):
    with psycopg.connect(lab.settings.owner_database_url) as connection:
        assert migrate_central(connection, Names(lab.settings.instance)) == []


def test_roles_are_put_into_a_text_and_nothing_else_is():
    names = Names("skb")

    assert names.fill("GRANT {app} {tenants} {tenant} {schema} {instance} {other}", tenant_id="lipowo1") == (
        "GRANT skb_app skb_tenants skb_t_lipowo1 t_lipowo1 skb {other}"
    )


@pytest.mark.parametrize(
    "files", [["0001_a.sql", "0003_c.sql"], ["0001_a.sql", "0001_b.sql"], ["0002_b.sql"], ["1_a.sql"], ["0001-A.sql"]]
)
def test_steps_that_are_not_numbered_one_after_another_are_refused(tmp_path, files):
    for name in files:
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(ValueError):
        read_texts(tmp_path)


def test_a_new_gmina_starts_with_all_steps_of_the_core(lab, admin, scratch):
    made = scratch("nowa")
    version = admin.execute(
        "SELECT version FROM work.schema_versions WHERE tenant_id = %s AND distribution = %s", (made.id, CORE)
    ).fetchone()

    assert version == (len(core_texts("tenant")),)
