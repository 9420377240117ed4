"""`changes`: a full file in which one per cent changed, against the same file poured into one bare table.

100,000 receivables lie in the gmina; each round reads the next full file, whose amounts differ from those before in one
receivable of a hundred. Then once more while payers order from another process: nobody may meet an error or a
deadlock, and 95 of 100 wait less than a second. `--receivables=N` and `--rounds=N` as with `import`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path

from _imports import MOST_MEMORY, Reference, connect, generate, peak, read
from _rows import ROUNDS, Target, interleave, leave

from skarbnik.tenancy.registry import Tenant
from skarbnik.testing.database import Lab, make_lab

PAYERS = Path(__file__).with_name("_payers.py")


class Changes:
    """The next full file each time; writing it is not counted."""

    def __init__(self, tenant: Tenant, folder: Path, receivables: int) -> None:
        self.tenant = tenant
        self.path = folder / "puma.xml"
        self.receivables = receivables
        self.numbers = count(2)

    def __call__(self) -> float:
        number = next(self.numbers)
        generate(self.receivables, self.path, number=number, changed=number - 1)
        return read(self.tenant, self.path)


def order_meanwhile(lab: Lab, changes: Changes) -> tuple[bool, bool]:
    """One more round beside payers who choose at random and order. Whether nobody failed, and whether few waited."""
    with subprocess.Popen(
        (sys.executable, str(PAYERS), "lipowo"),
        env={**os.environ, **lab.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as payers:
        assert payers.stdout is not None
        assert payers.stdout.readline() == "ready\n"
        seconds = changes()
        told = json.loads(payers.communicate("stop\n")[0])
    print(f"  with payers: {seconds:.3f} s; {told['orders']} orders, {told['changed']} had to look again", flush=True)
    print(f"  they waited: median {told['median']:.3f} s, longest {told['longest']:.3f} s {told['errors']}", flush=True)
    failed = Target("changes payers failed", 0, "orders").close(len(told["errors"]))
    return failed, Target("changes payers p95", 1, "s").close(told["p95"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--receivables", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lab = make_lab("bench")
        tenant = lab.tenant("lipowo")
        connect(tenant)
        first = Path(folder) / "first.xml"
        generate(options.receivables, first)
        print(f"  first import, not counted: {read(tenant, first):.3f} s", flush=True)
        changes = Changes(tenant, Path(folder), options.receivables)
        print(f"  first changes, not counted: {changes():.3f} s", flush=True)
        memory = Target("changes memory", MOST_MEMORY, "MB").close(peak())
        ours, bare = interleave(changes, Reference(lab, first), rounds=options.rounds)
        payers = order_meanwhile(lab, changes)
    leave(memory, Target("changes", 0.6, least=True).close(bare / ours), *payers)


if __name__ == "__main__":
    main()
