"""`import`: 100,000 receivables from a file of PUMA into a gmina, against the same file poured into one bare table.

Ours: the plugin's reader, staging, checks, merge and report, in a fresh gmina each round, with every index, unique,
check and foreign key there is. The reference: an lxml loop and COPY, one row per element, nothing looked at.
`--receivables=N` takes another size, `--rounds=N` another number of rounds.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from _imports import MOST_MEMORY, Reference, connect, generate, peak, read
from _rows import ROUNDS, Target, interleave, leave

from skarbnik.testing.database import Lab, make_lab


class Product:
    """The whole import, each time into a gmina that has nothing yet."""

    def __init__(self, lab: Lab, path: Path) -> None:
        self.lab = lab
        self.path = path
        self.made = 0

    def __call__(self) -> float:
        self.made += 1
        tenant = self.lab.make_tenant(f"import{self.made}")
        connect(tenant)
        return read(tenant, self.path)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--receivables", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"puma-{options.receivables}.xml"
        generate(options.receivables, path)
        lab = make_lab("bench")
        product = Product(lab, path)
        print(f"  first import, not counted: {product():.3f} s", flush=True)
        memory = Target("import memory", MOST_MEMORY, "MB").close(peak())  # before the reference adds its own
        ours, bare = interleave(product, Reference(lab, path), rounds=options.rounds)
    leave(memory, Target("import", 0.45, least=True).close(bare / ours))


if __name__ == "__main__":
    main()
