"""Where the demo keeps what it must remember: data, logs, secrets, ports."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skarbnik.dev.ports import is_free, random_port
from skarbnik.dev.unprivileged import unprivileged

CHECKOUT = Path(__file__).resolve().parents[3]
OUTSIDE = Path("/var/lib/skarbnik-demo")
THROW_AWAY = "skarbnik-test-"


@dataclass(frozen=True)
class State:
    """One folder of things that survive a restart; `name` marks the processes that belong to it."""

    folder: Path

    @property
    def name(self) -> str:
        return hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]

    @property
    def logs(self) -> Path:
        return made(self.folder / "logs")

    def secret(self, name: str, size: int = 24) -> str:
        """A random text that stays the same between starts."""
        path = made(self.folder / "secrets") / name
        if not path.exists():
            write_private(path, secrets.token_hex(size))
        return path.read_text()

    def port(self, name: str, preferred: int | None = None) -> int:
        """A free port: the preferred one or the next, or a random one that is kept between starts while it is free."""
        path = self.folder / "ports.json"
        kept = read_json(path)
        if preferred is not None:
            port = next(number for number in range(preferred, preferred + 200) if is_free(number))
        elif is_free(kept.get(name, 0)):
            port = kept[name]
        else:
            port = random_port()
        if kept.get(name) != port:
            write_private(path, json.dumps({**kept, name: port}))
        return port


def open_state() -> State:
    """The state of this checkout's demo."""
    folder = CHECKOUT / ".dev"
    account = unprivileged()
    if account and not account.reaches(made(folder, 0o711)):
        folder = OUTSIDE / hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:8]
        made(OUTSIDE, 0o711)
    return State(made(folder, 0o711 if account else 0o700))


@contextlib.contextmanager
def only_one(state: State) -> Iterator[None]:
    """Hold the state for one program at a time. BlockingIOError when another one has it."""
    with (state.folder / "lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def holder(state: State) -> int | None:
    """The process that holds the state, None when nobody does."""
    path = state.folder / "lock"
    if not path.exists():
        return None
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            return int(lock.read() or 0) or None
    return None


@contextlib.contextmanager
def throw_away() -> Iterator[State]:
    """A state for one run of tests. Those that a killed run left behind are removed on the way."""
    account = unprivileged()
    place = Path(tempfile.gettempdir())
    if account and not account.reaches(place):
        place = made(OUTSIDE, 0o711)
    for lock in place.glob(f"{THROW_AWAY}*/lock"):
        if is_ours_and_old(lock) and holder(State(lock.parent)) is None:
            discard(lock.parent)
    folder = Path(tempfile.mkdtemp(prefix=THROW_AWAY, dir=place)).resolve()
    folder.chmod(0o711 if account else 0o700)
    try:
        with only_one(State(folder)):
            yield State(folder)
    finally:
        discard(folder)


def is_ours_and_old(path: Path) -> bool:
    """A young one may belong to somebody who is just about to lock it."""
    with contextlib.suppress(OSError):
        found = path.stat()
        return found.st_uid == os.getuid() and time.time() - found.st_mtime > 60
    return False


def discard(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def made(folder: Path, mode: int = 0o700) -> Path:
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(mode)
    elif folder.stat().st_uid == os.getuid() and mode & ~folder.stat().st_mode:
        folder.chmod(folder.stat().st_mode | mode)
    return folder


def write_private(path: Path, text: str) -> None:
    """Replace a file that only its owner may read, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).replace(path)


def read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def commit() -> str:
    """The commit of the checkout, for reports; empty outside git."""
    answer = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True)
    return answer.stdout.strip()
