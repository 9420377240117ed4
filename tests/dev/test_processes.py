from __future__ import annotations

import os
import signal

import pytest

from skarbnik.dev.leftovers import is_alive, marked
from skarbnik.dev.processes import DidNotStart, Supervisor

SLEEP = "import time; time.sleep(100)"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); {SLEEP}"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(100)"


def tend_until(supervisor, holds, eventually) -> bool:
    def look() -> bool:
        supervisor.tend()
        return holds()

    return eventually(look)


def test_a_killed_child_is_started_again_within_a_second(supervisor, script, eventually):
    supervisor.start(script("sleeper", SLEEP))
    first = supervisor.children[0].process.pid

    os.kill(first, signal.SIGKILL)

    assert tend_until(supervisor, lambda: supervisor.children[0].process.pid != first, eventually)
    assert is_alive(supervisor.children[0].process.pid)


def test_the_children_of_a_killed_child_die_with_it(supervisor, state, script, eventually):
    supervisor.start(script("parent", PARENT))
    assert eventually(lambda: len(marked(state.name)) == 2)
    before = set(marked(state.name))

    os.kill(supervisor.children[0].process.pid, signal.SIGKILL)

    assert tend_until(supervisor, lambda: not before & set(marked(state.name)), eventually)


def test_stopping_leaves_no_grandchild_either(supervisor, state, script, eventually):
    supervisor.start(script("parent", PARENT))
    assert eventually(lambda: len(marked(state.name)) == 2)

    supervisor.stop()

    assert eventually(lambda: marked(state.name) == [])


def test_who_does_not_want_to_stop_is_stopped(supervisor, state, script, eventually):
    supervisor.start(script("stubborn", STUBBORN, grace=0.3))
    assert eventually(lambda: "ready" in supervisor.tail("stubborn"))

    supervisor.stop()

    assert eventually(lambda: marked(state.name) == [])


def test_a_child_that_dies_at_once_is_reported_with_its_last_words(supervisor, script):
    with pytest.raises(DidNotStart, match="no such ledger"):
        supervisor.start(script("broken", "raise SystemExit('no such ledger')", ready=lambda: False), seconds=30)


def test_a_child_that_is_never_ready_is_reported(supervisor, script):
    with pytest.raises(DidNotStart, match="slow did not start"):
        supervisor.start(script("slow", SLEEP, ready=lambda: False), seconds=0.3)


def test_a_killed_supervisor_takes_its_children_along(another_supervisor, state, eventually):
    supervisor = another_supervisor(
        f"supervisor.spawn(Program('sleeper', (sys.executable, '-c', {SLEEP!r}), os.environ))"
    )
    assert len(marked(state.name)) == 1

    supervisor.kill()

    assert eventually(lambda: marked(state.name) == [])


def test_a_program_that_ends_is_waited_for_and_a_failure_is_told(supervisor, script):
    supervisor.finish(script("good", "print('done')"))
    assert supervisor.tail("good") == "done"

    with pytest.raises(DidNotStart, match="no such table"):
        supervisor.finish(script("bad", "raise SystemExit('no such table')"))


def test_what_outlives_a_killed_supervisor_is_ended_by_the_next(another_supervisor, state, eventually):
    supervisor = another_supervisor(
        f"supervisor.spawn(Program('parent', (sys.executable, '-c', {PARENT!r}), os.environ))"
    )
    assert eventually(lambda: len(marked(state.name)) == 2)
    supervisor.kill()
    assert eventually(lambda: len(marked(state.name)) == 1)  # the grandchild: the kernel told its parent only

    Supervisor(state)

    assert marked(state.name) == []


def test_processes_of_another_state_are_left_alone(supervisor, state, script):
    supervisor.start(script("sleeper", SLEEP))

    assert marked("0" * 16) == []
    assert marked(state.name) == [supervisor.children[0].process.pid]
