"""Workers that stop at a named moment of their work and wait there to be killed.

This process only forks: a line of JSON with a moment and an errand makes a worker for that errand, with connections of
its own. It says when it is there; when it is dead this process says how it ended, and waits for the next line.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any

from skarbnik import outbox
from skarbnik.errands import Runner
from skarbnik.exchange import batches, checks, imports, staging
from skarbnik.exchange.merge import Merge
from skarbnik.exchange.spool import Spool
from skarbnik.exchange.staging import Stage
from skarbnik.logs import set_up_logs
from skarbnik.payments import bookings
from skarbnik.settings import read_settings
from skarbnik.tenancy.instance import Instance

SMALL_PIECE = 600  # characters, so that a file of some lines is read in several pieces


@dataclass(frozen=True)
class Moment:
    """Before something is called for the n-th time, or after it answered."""

    owner: Any
    name: str
    call: int = 1
    after: bool = False

    def stop_there(self) -> None:
        real, calls = getattr(self.owner, self.name), count(1)

        @wraps(real)
        def stopping(*args: Any, **words: Any) -> Any:
            is_it = next(calls) == self.call
            if is_it and not self.after:
                wait_for_death()
            answer = real(*args, **words)
            if is_it and self.after:
                wait_for_death()
            return answer

        setattr(self.owner, self.name, stopping)


class HalfWritten:
    """The first half of a file that is to be delivered is on the disk."""

    def stop_there(self) -> None:
        real: Callable[..., Any] = Path.open

        @wraps(real)
        def open_(path: Path, *args: Any, **words: Any) -> Any:
            file = real(path, *args, **words)
            return Half(file) if path.suffix == ".part" else file

        Path.open = open_


class Half:
    def __init__(self, file: Any) -> None:
        self.file = file

    def __enter__(self) -> Half:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def write(self, content: bytes) -> None:
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        wait_for_death()


MOMENTS = {
    "file taken": Moment(Spool, "take", after=True),
    "run begun": Moment(imports, "_apply"),
    "half read": Moment(Stage, "_take", call=3, after=True),
    "half read and written": Moment(Merge, "take_early", call=3, after=True),
    "read, to be checked": Moment(checks, "check_stage"),
    "checked, to be merged": Moment(Merge, "finish"),
    "half merged": Moment(Merge, "_add", call=10, after=True),
    "merged, to be reported": Moment(imports, "mark_seen"),
    "reported, to be committed": Moment(imports, "_report", after=True),
    "refusal to be written": Moment(imports, "refuse"),
    "refusal to be committed": Moment(imports, "_report", after=True),
    "to be put away": Moment(imports, "finish"),
    "put away, next to be rung": Moment(imports, "ring_next"),
    "next rung, to be committed": Moment(imports, "ring_next", after=True),
    "errand to be taken off": Moment(outbox, "take_off"),
    "batch made, to be committed": Moment(batches, "make_batch", after=True),
    "batch to be delivered": Moment(Spool, "deliver"),
    "batch half written": HalfWritten(),
    "batch to be renamed": Moment(Path, "rename"),
    "batch to be marked": Moment(batches, "mark_delivered"),
    "batch marked, to be committed": Moment(batches, "mark_delivered", after=True),
    "answer half applied": Moment(bookings, "mark_booked", call=2),
    "answer applied, to be committed": Moment(batches, "apply_acknowledgement", after=True),
}


def say(**words: object) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


def wait_for_death() -> None:
    say(here=os.getpid())
    time.sleep(60)


def work(moment: str, errand_id: int) -> None:
    """What a worker does for one errand."""
    settings = read_settings()
    set_up_logs(settings.log)
    staging.PIECE = SMALL_PIECE
    MOMENTS[moment].stop_there()
    Runner(Instance(settings, pool=4)).run([errand_id])


def main() -> None:
    for line in sys.stdin:
        worker = os.fork()
        if worker == 0:
            try:
                work(*json.loads(line))
            finally:
                os._exit(0)
        _, status = os.waitpid(worker, 0)
        say(signal=os.WTERMSIG(status))


if __name__ == "__main__":
    main()
