"""Ending what a killed supervisor could not: processes that still carry its mark in their environment."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

MARK = "SKARBNIK_DEV_STATE"
PROC = Path("/proc")


def end_leftovers(name: str, patience: float = 5.0) -> int:
    """End the processes marked with a state's name; they have been asked by the kernel already. How many there were."""
    found = marked(name)
    deadline = time.monotonic() + patience
    for pid in found:
        send(pid, signal.SIGTERM)
    while (alive := marked(name)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in alive:
        send(pid, signal.SIGKILL)
    return len(found)


def marked(name: str) -> list[int]:
    """Processes with the mark, ourselves and our parents excepted; none where there is no /proc."""
    wanted = f"{MARK}={name}".encode()
    ours = lineage()
    found = []
    for entry in PROC.glob("[0-9]*"):
        pid = int(entry.name)
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue  # ended meanwhile, or not ours to read
        if wanted in environment.split(b"\0") and pid not in ours:
            found.append(pid)
    return found


def lineage() -> set[int]:
    """This process and those it descends from: a program started by the demo may start servers of its own."""
    pid, found = os.getpid(), set[int]()
    while pid > 0 and pid not in found:
        found.add(pid)
        try:
            pid = int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            break
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs. A zombie does not: nobody has reaped it, but it holds nothing any more."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def command_line(pid: int) -> list[str]:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return
