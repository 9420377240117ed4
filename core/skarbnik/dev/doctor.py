"""`dev.py doctor`: what this machine has, which choices follow, and whether each part would work."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator

from skarbnik.dev import browser, postgres, postgres_binaries, valkey
from skarbnik.dev.ports import has_ipv6, is_free
from skarbnik.dev.processes import LIBC, DidNotStart
from skarbnik.dev.state import CHECKOUT, commit, holder, open_state
from skarbnik.dev.unprivileged import unprivileged


class Trouble(Exception):
    """A part that would not work, and what would help."""


def doctor() -> int:
    """0 when the demo and the tests would run."""
    bad = 0
    for part, look in PARTS.items():
        try:
            for line in look():
                print(f"ok    {part:10} {line}")
        except (Trouble, DidNotStart, OSError) as trouble:
            bad += 1
            print(f"BAD   {part:10} {trouble}")
    print("everything needed is there" if not bad else f"{bad} part(s) would not work")
    return 1 if bad else 0


def machine() -> Iterator[str]:
    yield f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    account = unprivileged()
    yield f"user {os.getuid()}" + (f"; root, so PostgreSQL runs as user {account.uid}" if account else "")
    yield f"checkout {commit() or 'without git'}, packages in {sys.prefix}"
    if LIBC is None:
        yield "not Linux: a killed supervisor cannot take its children with it; use `dev.py stop`"


def state() -> Iterator[str]:
    folder = open_state().folder
    free = shutil.disk_usage(folder).free // 2**20
    if free < 1024:
        raise Trouble(f"{folder} has only {free} MB left; 1024 are wanted")
    yield f"{folder}, {free // 1024} GB free"
    running = holder(open_state())
    yield f"the demo is running as process {running}" if running else "the demo is not running"


def database() -> Iterator[str]:
    url = os.environ.get("DATABASE_URL")
    if url:
        if not postgres.answers(url):
            raise Trouble("DATABASE_URL is set and nothing answers there")
        yield "DATABASE_URL"
        return
    found = postgres_binaries.find_binaries(os.environ)
    yield f"PostgreSQL {found.version} from {found.origin}"
    runnable = found.runnable_by(unprivileged(), open_state().folder)
    if runnable != found:
        yield f"copied to {runnable.folder}, which the other user can reach"


def cache() -> Iterator[str]:
    url = os.environ.get("REDIS_URL")
    if url:
        if not valkey.answers(url):
            raise Trouble("REDIS_URL is set and nothing answers there")
        yield "REDIS_URL"
        return
    found = valkey.find_binary(os.environ)
    yield f"Valkey {found.version} from {found.origin}"


def chromium() -> Iterator[str]:
    program = browser.find_chromium(os.environ)
    if program is None:
        yield browser.MISSING
        return
    version = browser.version_of(program)
    if version is None:
        raise Trouble(f"{program} does not run")
    yield f"{version}, {program}"


def network() -> Iterator[str]:
    yield "port 8000 is free" if is_free(8000) else "port 8000 is taken; the next free one is used"
    yield "::1 is served too" if has_ipv6() else "no ::1 on this machine; 127.0.0.1 only"


def tools() -> Iterator[str]:
    for name in ("git", "node"):
        yield f"{name}: {shutil.which(name) or 'absent, and not needed'}"
    if not (CHECKOUT / "requirements.lock").exists():
        raise Trouble("requirements.lock is missing")


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "machine": machine,
    "state": state,
    "postgresql": database,
    "valkey": cache,
    "chromium": chromium,
    "network": network,
    "tools": tools,
}
