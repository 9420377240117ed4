"""What every row shares: two sides taken in turns, medians, and the line that says whether the target is met."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 5


@dataclass(frozen=True)
class Target:
    """What a row promises. `least`: the figure must not be lower; otherwise it must not be higher."""

    name: str
    value: float
    unit: str = "ratio"
    least: bool = False

    def close(self, figure: float) -> bool:
        """Print the closing line. Whether the target is met."""
        direction = "higher-is-better" if self.least else "lower-is-better"
        print(f"{self.name} {self.unit}={figure:.2f} target={self.value:g} {direction}", flush=True)
        return figure >= self.value if self.least else figure <= self.value


def timed(work: Callable[[], object]) -> float:
    """Seconds by the clock on the wall: what a clerk or a resident waits."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def interleave(ours: Callable[[], float], theirs: Callable[[], float], *, rounds: int = ROUNDS) -> tuple[float, float]:
    """Medians of the seconds both sides tell, taken in turns so that a slow moment of the machine hits both."""
    pairs = []
    for number in range(1, rounds + 1):
        pair = (ours(), theirs()) if number % 2 else (theirs(), ours())[::-1]
        print(f"  round {number}: product {_shown(pair[0])}, reference {_shown(pair[1])}", flush=True)
        pairs.append(pair)
    product, reference = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(f"  median: product {_shown(product)}, reference {_shown(reference)}", flush=True)
    return product, reference


def _shown(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds >= 0.5 else f"{seconds * 1000:.2f} ms"


def leave(*met: bool) -> None:
    """The exit status: 1 when a target was missed."""
    sys.exit(0 if all(met) else 1)
