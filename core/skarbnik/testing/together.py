"""What several do in one moment, for tests of races."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

LONGEST = 30.0  # seconds that any of them is waited for


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Run them at once, each in a thread of its own; what each gave or raised, in their order."""
    barrier = Barrier(len(calls))
    ends: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            ends[place] = call()
        except Exception as error:  # whatever it is, the test compares it
            ends[place] = error

    threads = [Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST)
    return ends
