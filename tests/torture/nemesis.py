"""What goes wrong in a round: processes are killed, Redis forgets, gateway and finance system misbehave."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path
from random import Random
from threading import Event, Thread

from skarbnik.testing.stack import Stack
from skarbnik.testing.visitor import call

# Share of the calls or notifications that go wrong, and how (see plugins/payu/README.md).
PAYU = (
    ("lose_notification", 0.10, None),
    ("double_notification", 0.15, None),
    ("late_notification", 0.10, 3),
    ("reorder_notifications", 0.10, 2),
    ("forge_notification", 0.15, None),
    ("foreign_notification", 0.15, None),
    ("timeout_after_create", 0.04, 1.5),
    ("error_after_create", 0.03, None),
    ("drop_create", 0.03, None),
    ("error_500", 0.02, None),
    ("html_error", 0.02, None),
    ("rate_limit", 0.02, None),
    ("token_expired", 0.03, None),
    ("wrong_amount", 0.04, 100),
    ("wrong_currency", 0.01, None),
    ("slow_get", 0.06, 1.5),
    ("stale_get", 0.10, 2),
    ("cancel_then_paid", 0.12, 4),
)
# Damaged exports are refused whole, so each of these is one refused file at most.
DAMAGED = ("truncate_export", "duplicate_number", "wrong_totals", "dtd")
TARGETS = ("web", "web child", "web child", "worker", "worker", "worker child", "scheduler", "scheduler")


class Nemesis:
    """A seeded list of evil deeds, done at their moments while the round lasts."""

    def __init__(self, stack: Stack, *, seed: int, seconds: float, kills: int = 12, flushes: int = 3) -> None:
        self.stack = stack
        self.did: Counter[str] = Counter()
        self.log: list[str] = []
        chance = self._chance = Random(f"nemesis {seed}")
        moments = [(chance.uniform(1, seconds), f"kill {chance.choice(TARGETS)}") for _ in range(kills)]
        moments += [(chance.uniform(2, seconds), "flush redis") for _ in range(flushes)]
        moments += [(second, "change payu") for second in range(0, int(seconds), 4)]
        moments += [(second + 2, "change puma") for second in range(0, int(seconds), 4)]
        self._moments = sorted(moments)
        self._stop = Event()
        self._thread = Thread(target=self._run, name="nemesis")

    def __enter__(self) -> Nemesis:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.calm()

    @property
    def damaged(self) -> int:
        """How many exports may have been damaged on their way."""
        return sum(self.did[name] for name in DAMAGED)

    def calm(self) -> None:
        """Everything heals."""
        call(f"{self.stack.payu_url}/_sim/faults", {"clear": True})
        call(f"{self.stack.puma_url}/_sim/faults", {"reset": True})

    def _run(self) -> None:
        began = time.monotonic()
        for moment, deed in self._moments:
            if self._stop.wait(max(0.0, began + moment - time.monotonic())):
                return
            try:
                self._do(deed)
            except Exception as error:  # what cannot be hurt just now is left alone
                self.log.append(f"{moment:.1f} s: {deed} failed: {type(error).__name__} {error}")

    def _do(self, deed: str) -> None:
        if deed == "flush redis":
            self.stack.flush_redis()
            self.did[deed] += 1
        elif deed == "change payu":
            self._change_payu()
        elif deed == "change puma":
            self._change_puma()
        else:
            self._kill(deed.removeprefix("kill "))

    def _kill(self, target: str) -> None:
        """One that was killed a moment ago and is not back yet is waited for."""
        name, _, child = target.partition(" ")
        for _ in range(20):
            pid = self.stack.pids()[name]
            try:
                os.kill(self._chance.choice(children(pid)) if child else pid, signal.SIGKILL)
            except (ProcessLookupError, FileNotFoundError, IndexError):
                time.sleep(0.1)
                continue
            self.did[f"kill -9 {target}"] += 1
            return

    def _change_payu(self) -> None:
        chosen = self._chance.sample(PAYU, len(PAYU) * 2 // 3)
        wishes = [
            {"name": name, "probability": share, **({} if value is None else {"value": value})}
            for name, share, value in chosen
        ]
        call(f"{self.stack.payu_url}/_sim/faults", [{"clear": True}, *wishes])

    def _change_puma(self) -> None:
        chance = self._chance
        wish: dict[str, object] = {
            "double_ack": chance.random() < 0.4,
            "never_ack": chance.random() < 0.2,
            "delay_ack": chance.choice((0, 0, 1.5)),
            "drop_echo": chance.choice((0, 0, 1)),
        }
        if chance.random() < 0.4:
            wish[chance.choice(DAMAGED)] = 1
        call(f"{self.stack.puma_url}/_sim/faults", wish)
        self.did.update(name for name, value in wish.items() if value)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
