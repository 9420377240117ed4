from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from skarbnik.dev.leftovers import is_alive
from skarbnik.dev.postgres import EmbeddedPostgres, end_stale
from skarbnik.dev.postgres_binaries import NoPostgres, PostgresBinaries, find_binaries

START_POSTGRES = """
from skarbnik.dev.postgres import EmbeddedPostgres
from skarbnik.dev.postgres_binaries import find_binaries
supervisor.spawn(EmbeddedPostgres(state, find_binaries({})).program())
"""


@pytest.fixture
def postgres(state) -> EmbeddedPostgres:
    return EmbeddedPostgres(state, find_binaries({}))


def remembers(server: EmbeddedPostgres) -> bool:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("SELECT word FROM kept").fetchone() == ("łódź",)


def remember(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'łódź'::text AS word")


def test_postgresql_starts_keeps_its_data_and_starts_again_warm(supervisor, postgres):
    supervisor.start(postgres.program())
    remember(postgres)
    supervisor.stop()

    began = time.monotonic()
    supervisor.start(postgres.program())

    assert time.monotonic() - began < 5
    assert remembers(postgres)


def test_postgresql_is_set_up_as_the_product_expects_it(supervisor, postgres):
    supervisor.start(postgres.program())

    with psycopg.connect(postgres.url()) as connection:
        shown = connection.execute(
            "SELECT current_setting('max_connections'), current_setting('max_locks_per_transaction'),"
            " current_setting('jit'), current_setting('fsync'), current_setting('server_encoding'),"
            " upper('łódź'), lower('ŻÓŁW')"
        ).fetchone()
    assert shown == ("200", "256", "off", "on", "UTF8", "ŁÓDŹ", "żółw")


def test_only_the_tests_may_lose_data(supervisor, state):
    careless = EmbeddedPostgres(state, find_binaries({}), durable=False)
    supervisor.start(careless.program())

    with psycopg.connect(careless.url()) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)


def test_postgresql_wants_a_password(supervisor, postgres):
    supervisor.start(postgres.program())

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url(password="wrong"))


def test_postgresql_is_not_root(supervisor, postgres):
    supervisor.start(postgres.program())

    assert Path(f"/proc/{supervisor.children[0].process.pid}").stat().st_uid != 0


def test_a_killed_postgresql_comes_back_with_its_data(supervisor, postgres, eventually):
    supervisor.start(postgres.program())
    remember(postgres)
    os.kill(supervisor.children[0].process.pid, signal.SIGKILL)

    def back() -> bool:
        supervisor.tend()
        return postgres.program().ready()

    assert eventually(lambda: not postgres.program().ready() or back())
    assert eventually(back, 20)
    assert remembers(postgres)


def test_a_killed_supervisor_does_not_spoil_the_next_start(another_supervisor, state, eventually):
    supervisor = another_supervisor(START_POSTGRES)
    server = EmbeddedPostgres(state, find_binaries({}))
    server.port = int((server.data / "postmaster.pid").read_text().splitlines()[3])
    remember(server)
    supervisor.kill()

    second = another_supervisor(START_POSTGRES)

    server.port = int((server.data / "postmaster.pid").read_text().splitlines()[3])
    assert remembers(server)
    second.kill()
    assert eventually(lambda: not server.program().ready())


def test_a_postmaster_that_outlived_its_supervisor_is_stopped(supervisor, postgres, eventually):
    supervisor.start(postgres.program())
    orphan = supervisor.children[0].process

    end_stale(postgres.data)

    assert not is_alive(orphan.pid)
    assert not (postgres.data / "postmaster.pid").exists()


def test_a_zombie_in_postmaster_pid_does_not_count_as_alive(supervisor, postgres):
    supervisor.start(postgres.program())
    remember(postgres)
    supervisor.stop()
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    (postgres.data / "postmaster.pid").write_text(f"{zombie.pid}\n{postgres.data}\n")

    supervisor.start(postgres.program())

    assert remembers(postgres)
    zombie.wait()


def test_a_stranger_with_the_old_number_is_not_harmed(supervisor, postgres, script):
    supervisor.start(script("stranger", "import time; time.sleep(100)"))
    stranger = supervisor.children[0].process.pid
    postgres.prepare()
    (postgres.data / "postmaster.pid").write_text(f"{stranger}\n{postgres.data}\n")

    supervisor.start(postgres.program())

    assert is_alive(stranger)


def test_a_killed_initdb_leaves_nothing_behind(supervisor, postgres):
    half = postgres.data.with_suffix(".new")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    supervisor.start(postgres.program())

    assert not half.exists()


def test_binaries_named_by_hand_must_work(folder):
    with pytest.raises(NoPostgres, match="SKARBNIK_PG_BIN"):
        find_binaries({"SKARBNIK_PG_BIN": str(folder)})


def test_a_version_gives_its_major(folder):
    assert PostgresBinaries(folder, "test", "18.6").major == 18
