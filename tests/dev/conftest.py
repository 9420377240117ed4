from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skarbnik.dev.leftovers import marked, send
from skarbnik.dev.processes import Program, Supervisor
from skarbnik.dev.state import State, throw_away


@pytest.fixture
def state() -> Iterator[State]:
    """A throw-away state; nothing that carries its mark may be alive afterwards."""
    with throw_away() as made:
        yield made
        gone = eventually(lambda: marked(made.name) == [])  # the killed ones' children are still leaving
        for pid in marked(made.name):
            send(pid, signal.SIGKILL)
    assert gone


@pytest.fixture
def supervisor(state) -> Iterator[Supervisor]:
    made = Supervisor(state)
    yield made
    made.stop()


@pytest.fixture
def script(state) -> Callable[..., Program]:
    """A program of a few lines of Python."""

    def write(name: str, text: str, **options: object) -> Program:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        return Program(name, (sys.executable, "-c", text), environment, **options)

    return write


@pytest.fixture
def another_supervisor(state) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """A supervisor in a process of its own, so that it can be killed. It says `ready` when its children are."""
    started: list[subprocess.Popen[str]] = []

    def begin(text: str) -> subprocess.Popen[str]:
        head = (
            "import os, sys, time, functools\nfrom pathlib import Path\n"
            "from skarbnik.dev.processes import Program, Supervisor\nfrom skarbnik.dev.state import State\n"
            f"state = State(Path({str(state.folder)!r}))\nsupervisor = Supervisor(state)\n"
        )
        tail = "\nsupervisor.wait()\nprint('ready', flush=True)\ntime.sleep(120)\n"
        process = subprocess.Popen([sys.executable, "-c", head + text + tail], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return holds()


@pytest.fixture(name="eventually")
def give_eventually() -> Callable[..., bool]:
    return eventually


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name).resolve()
