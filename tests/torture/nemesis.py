"""What goes wrong in a round: processes die, hang and are replaced, lines break, Redis forgets, outsiders misbehave."""

from __future__ import annotations

import heapq
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random
from threading import Event, Thread

from skarbnik.testing.stack import Stack
from skarbnik.testing.visitor import call

# Share of the calls or notifications that go wrong, and how (see the README of each plugin).
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
    ("refund_canceled", 0.10, None),
)
PRZELEWY24 = (
    ("lose_notification", 0.10, None),
    ("double_notification", 0.15, None),
    ("late_notification", 0.10, 3),
    ("forge_notification", 0.15, None),
    ("foreign_notification", 0.15, None),
    ("changed_notification", 0.10, None),
    ("text_notification", 0.10, None),
    ("timeout_after_register", 0.04, 1.5),
    ("error_after_register", 0.03, None),
    ("drop_register", 0.03, None),
    ("timeout_after_verify", 0.06, 1.5),
    ("error_after_verify", 0.06, None),
    ("drop_verify", 0.06, None),
    ("error_500", 0.02, None),
    ("html_error", 0.02, None),
    ("maintenance", 0.02, None),
    ("rate_limit", 0.02, None),
    ("unauthorized", 0.02, None),
    ("wrong_amount", 0.04, 100),
    ("wrong_currency", 0.01, None),
    ("slow_get", 0.06, 1.5),
    ("stale_get", 0.10, 2),
    ("late_payment", 0.12, 4),
    ("timeout_after_refund", 0.15, 1.5),
    ("no_balance", 0.05, None),
    ("concurrent_refund", 0.10, None),
    ("refund_rejected", 0.10, None),
)
# How lines may behave, each for some seconds; chances are for each piece of bytes. A network that loses a reply of
# PostgreSQL's leaves it open whether something was committed.
WEATHER = {
    "payu": ({"delay": 0.2, "longest": 1.5}, {"lose_request": 0.05, "lose_reply": 0.1, "reset": 0.03}),
    "przelewy24": ({"delay": 0.2, "longest": 1.5}, {"lose_request": 0.05, "lose_reply": 0.1, "reset": 0.03}),
    "postgres": ({"delay": 0.02, "longest": 0.3}, {"lose_reply": 0.0005, "reset": 0.0005, "patience": 1.5}),
    "valkey": ({"delay": 0.05, "longest": 1.0}, {"lose_request": 0.005, "lose_reply": 0.005, "reset": 0.005}),
}
# Damaged exports are refused whole, so each of these is one refused file at most.
DAMAGED = ("wrong_totals", "truncate_export", "duplicate_number", "dtd")
TARGETS = ("web", "web child", "web child", "worker", "worker", "worker child", "scheduler", "scheduler", "valkey")
HANGING = ("web child", "worker child", "scheduler", "valkey")
PRODUCT = ("web", "worker", "scheduler")


class Nemesis:
    """A seeded list of evil deeds, done at their moments while the round lasts."""

    def __init__(
        self, stack: Stack, *, seed: int, seconds: float, kills: int = 12, flushes: int = 3, malice: float = 1.0
    ) -> None:
        """`malice` multiplies the chances of what gateways do wrong: a short round has few payments to hurt."""
        self.stack = stack
        self.malice = malice
        self.did: Counter[str] = Counter()
        self.log: list[str] = []
        chance = self._chance = Random(f"nemesis {seed}")
        moments = [(chance.uniform(1, seconds), f"kill {chance.choice(TARGETS)}") for _ in range(kills)]
        moments += [(chance.uniform(1, seconds * 0.8), f"hang {chance.choice(HANGING)}") for _ in range(3)]
        moments += [(chance.uniform(2, seconds), "flush redis") for _ in range(flushes)]
        moments += [(chance.uniform(5, seconds * 0.9), "stop postgres"), (chance.uniform(5, seconds), "replace all")]
        for place, what in enumerate(("payu", "przelewy24", "puma", "weather")):
            moments += [(second + place * 0.9, f"change {what}") for second in range(0, int(seconds), 4)]
        self._order = count()
        self._moments = [(moment, next(self._order), deed) for moment, deed in moments]
        heapq.heapify(self._moments)
        self._hanging: set[int] = set()
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
        for pid in list(self._hanging):
            self._wake(pid)
        self.did += self.stack.weather({name: {} for name in WEATHER})
        for url in (self.stack.payu_url, self.stack.przelewy24_url):
            call(f"{url}/_sim/faults", {"clear": True})
        call(f"{self.stack.puma_url}/_sim/faults", {"reset": True})

    def _run(self) -> None:
        began = time.monotonic()
        while self._moments:
            moment, _, deed = heapq.heappop(self._moments)
            if self._stop.wait(max(0.0, began + moment - time.monotonic())):
                return
            try:
                self._do(deed, moment)
            except Exception as error:  # what cannot be hurt just now is left alone
                self.log.append(f"{moment:.1f} s: {deed} failed: {type(error).__name__} {error}")

    def _do(self, deed: str, moment: float) -> None:
        verb, _, what = deed.partition(" ")
        match verb:
            case "flush":
                self.stack.flush_redis()
                self.did[deed] += 1
            case "change":
                getattr(self, f"_change_{what}")()
            case "kill":
                self._send(what, signal.SIGKILL, "kill -9")
            case "stop":
                self._send(what, signal.SIGQUIT, "stop at once")  # PostgreSQL's word for it
            case "replace":  # as a deploy does it: one after another, each told to finish
                for name in PRODUCT:
                    self._send(name, signal.SIGTERM, "replace")
            case "hang":
                pid = self._send(what, signal.SIGSTOP, "hang")
                if pid is not None:
                    self._hanging.add(pid)
                    again = moment + self._chance.uniform(2, 9)
                    heapq.heappush(self._moments, (again, next(self._order), f"wake {pid}"))
            case "wake":
                self._wake(int(what))

    def _send(self, target: str, number: signal.Signals, word: str) -> int | None:
        """One that was killed a moment ago and is not back yet is waited for."""
        name, _, child = target.partition(" ")
        for _ in range(20):
            try:
                pid = self.stack.pids()[name]
                pid = self._chance.choice(children(pid)) if child else pid
                os.kill(pid, number)
            except (ProcessLookupError, FileNotFoundError, IndexError):
                time.sleep(0.1)
                continue
            self.did[f"{word} {target}"] += 1
            return pid
        return None

    def _wake(self, pid: int) -> None:
        self._hanging.discard(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def _change_weather(self) -> None:
        words = {name: self._chance.choice(({}, *kinds)) for name, kinds in WEATHER.items()}
        self.stack.weather(words)

    def _change_payu(self) -> None:
        self._change_gateway(self.stack.payu_url, PAYU)

    def _change_przelewy24(self) -> None:
        self._change_gateway(self.stack.przelewy24_url, PRZELEWY24)

    def _change_gateway(self, url: str, faults: Sequence[tuple[str, float, float | None]]) -> None:
        chosen = self._chance.sample(faults, len(faults) * 2 // 3)
        wishes = [
            {"name": name, "probability": min(share * self.malice, 0.5), **({} if value is None else {"value": value})}
            for name, share, value in chosen
        ]
        call(f"{url}/_sim/faults", [{"clear": True}, *wishes])

    def _change_puma(self) -> None:
        chance = self._chance
        wish: dict[str, object] = {
            "double_ack": chance.random() < 0.4,
            "never_ack": chance.random() < 0.2,
            "delay_ack": chance.choice((0, 0, 1.5)),
            "drop_echo": chance.choice((0, 0, 1)),
        }
        if chance.random() < 0.4 * self.malice:
            wish[DAMAGED[0] if self.malice > 1 else chance.choice(DAMAGED)] = 1
        call(f"{self.stack.puma_url}/_sim/faults", wish)
        self.did.update(name for name, value in wish.items() if value)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
