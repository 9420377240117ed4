"""PostgreSQL from binaries alone, under our own supervisor: one data folder, 127.0.0.1, a password, no root.

A server given by `DATABASE_URL` takes precedence; system binaries are used, a system cluster never.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psycopg

from skarbnik.dev.leftovers import PROC, command_line, is_alive, send
from skarbnik.dev.postgres_binaries import PostgresBinaries
from skarbnik.dev.processes import DidNotStart, Program
from skarbnik.dev.state import State, discard, made, write_private
from skarbnik.dev.unprivileged import unprivileged

SUPERUSER = "postgres"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_locks_per_transaction": "256",  # a full import and a migration touch every table of a gmina
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
# Data somebody wants to keep, or to measure with: what any server of a real gmina has.
CAREFUL = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A PostgreSQL of our own. `durable=False` is for data that nobody will miss: the tests'."""

    def __init__(self, state: State, binaries: PostgresBinaries, *, durable: bool = True) -> None:
        self.state = state
        self.account = unprivileged()
        self.binaries = binaries.runnable_by(self.account, state.folder)
        self.settings = SETTINGS | (CAREFUL if durable else CARELESS)
        self.data = state.folder / "postgres" / f"data{self.binaries.major}"
        self.password = state.secret("postgres")
        self.port = state.port("postgres")

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        secret = quote(self.password if password is None else password, safe="")
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def program(self) -> Program:
        """What the supervisor runs. SIGINT is PostgreSQL's fast stop; SIGTERM would wait for clients."""
        settings = {**self.settings, "port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            command=(str(self.binaries.folder / "postgres"), "-D", str(self.data), *options),
            environment=plain_environment(),
            ready=functools.partial(answers, self.url()),
            before=self.prepare,
            folder=self.data.parent,
            account=self.account,
            stop_signal=signal.SIGINT,
            grace=30.0,
        )

    def prepare(self) -> None:
        made(self.data.parent, 0o711 if self.account else 0o700)
        if (self.data / "PG_VERSION").exists():
            end_stale(self.data)
        else:
            self._create()

    def _create(self) -> None:
        """Make the data folder beside its place and move it there whole, so that a killed initdb leaves nothing."""
        fresh = self.data.with_suffix(".new")
        discard(fresh)
        made(fresh)
        password = fresh.with_suffix(".password")
        write_private(password, self.password)
        if self.account:
            self.account.own(fresh)
            self.account.own(password)
        modern = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        locale = modern if self.binaries.major >= 17 else ["--locale=C.UTF-8"]
        answer = subprocess.run(
            [
                *(str(self.binaries.folder / "initdb"), "-D", str(fresh), "-U", SUPERUSER, "--encoding=UTF8"),
                *("--auth=scram-sha-256", f"--pwfile={password}", "--no-instructions", *locale),
            ],
            cwd=fresh,
            env=plain_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
        )
        password.unlink()
        if answer.returncode != 0:
            raise DidNotStart(f"initdb failed\n{answer.stdout}{answer.stderr}")
        fresh.replace(self.data)


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def end_stale(data: Path) -> None:
    """Clear the way for a new postmaster: stop one that outlived its supervisor, forget one that is dead.

    PostgreSQL takes a zombie, and any process that got the old number, for a running server. Without /proc we leave
    the judgement to it.
    """
    path = data / "postmaster.pid"
    if not path.exists() or not PROC.is_dir():
        return
    lines = path.read_text().splitlines()
    pid = int(lines[0]) if lines and lines[0].strip().isdecimal() else 0
    if pid and is_alive(pid) and str(data) in command_line(pid):
        stop_process(pid)
    path.unlink(missing_ok=True)


def stop_process(pid: int) -> None:
    for number, patience in ((signal.SIGINT, 20.0), (signal.SIGKILL, 5.0)):
        send(pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not is_alive(pid):
                return
            time.sleep(0.02)


def plain_environment() -> dict[str, str]:
    """Ours without what would steer PostgreSQL from outside."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG") and name != "LC_ALL"}


def remove_data(state: State) -> None:
    shutil.rmtree(state.folder / "postgres", ignore_errors=True)
