"""How fast exports become rows, against a bare parse of the same file. Interleaved rounds, ratio of medians.

    python benchmarks/reading.py FILE --tenant CODE [--rounds 7] [--least 0.55]

FILE comes from `simulator/main.py generate --receivables 100000`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import deque
from pathlib import Path

from lxml import etree

from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem


def bare(path: Path) -> None:
    """The limit: every element's attributes as a dict, nothing looked at."""
    with path.open("rb") as stream:
        for _, element in etree.iterparse(stream):
            dict(element.attrib)
            element.clear()


def rows(path: Path, tenant: str) -> None:
    puma = PumaFinanceSystem(PumaSettings(tenant_code=tenant))
    with path.open("rb") as stream:
        deque(puma.read_rows(stream), maxlen=0)


def timed(work, *arguments) -> float:
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--least", type=float, default=0.0, help="fail below this ratio")
    options = parser.parse_args()
    pairs = [(timed(bare, options.file), timed(rows, options.file, options.tenant)) for _ in range(options.rounds)]
    limit, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"bare parse {limit:.3f} s, rows {ours:.3f} s, ratio {limit / ours:.2f}")
    return int(limit / ours < options.least)


if __name__ == "__main__":
    sys.exit(main())
