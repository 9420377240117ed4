"""A supervisor of child processes: starts them, sees them ready, restarts the dead, leaves no orphans.

Every child leads a process group of its own and is signalled by the kernel when we die. What outlives even that
(children of children) carries our mark in its environment and is ended by the next start.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skarbnik.dev.leftovers import MARK, end_leftovers
from skarbnik.dev.state import State
from skarbnik.dev.unprivileged import Account

PR_SET_PDEATHSIG = 1
LONG_ENOUGH = 10.0  # a child that lived this long was healthy; its next death is not counted as a series
LONGEST_REST = 15.0
ATTEMPTS = 4

LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class DidNotStart(Exception):
    """A child was not ready in time or died again and again; the message ends with what it logged."""


@dataclass(frozen=True)
class Program:
    """What to run and how to know that it is ready."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready: Callable[[], bool] = lambda: True
    before: Callable[[], None] = lambda: None  # each time before it is started
    folder: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0


@dataclass
class Child:
    program: Program
    process: subprocess.Popen[bytes]
    started_at: float
    deaths: int = 0
    again_at: float | None = None
    was_ready: bool = field(default=False)


class Supervisor:
    """Owns children from the thread that made it: the kernel signals them when that thread ends."""

    def __init__(self, state: State, changed: Callable[[dict[str, int]], None] = lambda pids: None) -> None:
        self.state = state
        self.children: list[Child] = []
        self.changed = changed
        end_leftovers(state.name)

    def start(self, program: Program, seconds: float = 60.0) -> None:
        self.spawn(program)
        self.wait(seconds)

    def spawn(self, program: Program) -> None:
        self.children.append(Child(program, self._popen(program), time.monotonic()))
        self._tell()

    def wait(self, seconds: float = 60.0) -> None:
        """Return when all children are ready. DidNotStart when they are not."""
        deadline = time.monotonic() + seconds
        while waiting := [child for child in self.children if not child.was_ready]:
            self.tend()
            for child in waiting:
                if child.again_at is None and child.process.poll() is None and child.program.ready():
                    child.was_ready = True
                elif child.deaths >= ATTEMPTS or time.monotonic() > deadline:
                    raise DidNotStart(f"{child.program.name} did not start\n{self.tail(child.program.name)}")
            time.sleep(0.02)

    def finish(self, program: Program) -> None:
        """Run a program that ends by itself. DidNotStart when it fails."""
        process = self._popen(program)
        try:
            status = process.wait()
        except BaseException:
            end(Child(program, process, 0.0))
            raise
        if status != 0:
            raise DidNotStart(f"{program.name} failed\n{self.tail(program.name)}")

    def tend(self) -> None:
        """Look after everybody once: bury the dead with their children, and start them again after a rest."""
        now = time.monotonic()
        for child in self.children:
            if child.again_at is not None:
                if now >= child.again_at:
                    child.process, child.started_at, child.again_at = self._popen(child.program), now, None
                    self._tell()
            elif is_dead(child.process):
                bury(child.process)
                child.deaths = 1 if now - child.started_at > LONG_ENOUGH else child.deaths + 1
                child.again_at = now + min(0.2 * 3 ** (child.deaths - 1), LONGEST_REST)

    def stop(self) -> None:
        """End everybody, the last started first."""
        while self.children:
            child = self.children.pop()
            if child.again_at is None:
                end(child)
        self._tell()

    def tail(self, name: str, lines: int = 25) -> str:
        path = self.state.logs / f"{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def _popen(self, program: Program) -> subprocess.Popen[bytes]:
        program.before()
        with (self.state.logs / f"{program.name}.log").open("ab") as log:
            return subprocess.Popen(
                program.command,
                env={**program.environment, MARK: self.state.name},
                cwd=program.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=dies_with_us(program.stop_signal),  # we have no threads
                user=program.account.uid if program.account else None,
                group=program.account.gid if program.account else None,
                extra_groups=[] if program.account else None,
            )

    def _tell(self) -> None:
        self.changed({child.program.name: child.process.pid for child in self.children})


def dies_with_us(number: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: ask the kernel to signal the child when we end, however we end."""
    parent = os.getpid()

    def ask() -> None:
        if LIBC is not None:
            LIBC.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)  # we ended before the kernel knew

    return ask


def is_dead(process: subprocess.Popen[bytes]) -> bool:
    """Whether it ended, without reaping it yet: until then its process group cannot be anybody else's."""
    if process.returncode is not None:
        return True
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def bury(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a dead child's process group, and reap it."""
    if process.returncode is None:
        signal_group(process.pid, signal.SIGKILL)
    process.wait()


def end(child: Child) -> None:
    """Ask a child to stop; insist when its grace is over."""
    if not is_dead(child.process):
        child.process.send_signal(child.program.stop_signal)
        deadline = time.monotonic() + child.program.grace
        while not is_dead(child.process) and time.monotonic() < deadline:
            time.sleep(0.01)
    bury(child.process)


def signal_group(leader: int, number: signal.Signals) -> None:
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        return
