"""`import`: 100,000 receivables from a file of PUMA into a gmina, against the same file poured into one bare table.

Ours: the plugin's reader, staging, checks, merge and report, in a fresh gmina each round, with every index, unique,
check and foreign key there is. The reference: an lxml loop and COPY, one row per element, nothing looked at.
`--receivables N` takes another size, `--rounds N` another number of rounds.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
from _rows import ROUNDS, Target, interleave, leave, timed
from lxml import etree

from skarbnik import clock
from skarbnik.exchange.imports import read_import
from skarbnik.exchange.models import ImportRun, Source
from skarbnik.exchange.states import RunState
from skarbnik.tenancy.registry import Tenant
from skarbnik.testing.database import Lab, make_lab
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

SIMULATOR = Path(__file__).parents[1] / "plugins" / "puma" / "simulator" / "main.py"
CODE = "PL1"


def generate(receivables: int, path: Path) -> None:
    size = ("--receivables", str(receivables), "--out", str(path), "--tenant", CODE)
    subprocess.run([sys.executable, str(SIMULATOR), "generate", *size], check=True)


class Product:
    """The whole import, each time into a gmina that has nothing yet."""

    def __init__(self, lab: Lab, path: Path) -> None:
        self.lab = lab
        self.path = path
        self.made = 0

    def __call__(self) -> float:
        self.made += 1
        tenant = self.lab.make_tenant(f"import{self.made}")
        run = _register(tenant, self.path)
        system = PumaFinanceSystem(PumaSettings(tenant_code=CODE))

        def read() -> None:
            state = read_import(tenant, system, run.id, self.path)
            assert state is RunState.APPLIED, state

        return timed(read)


def _register(tenant: Tenant, path: Path) -> ImportRun:
    with tenant.session() as session:
        session.add(Source(id="puma", plugin="puma", title="PUMA", tenant_code=CODE, settings_version=1))
        session.flush()
        run = ImportRun(source="puma", file_name=path.name, registered_at=clock.now())
        session.add(run)
    return run


class Reference:
    """The limit: parse, pour, commit. One table of texts without an index, a column for each attribute in the file."""

    def __init__(self, lab: Lab, path: Path) -> None:
        self.path = path
        self.connection = psycopg.connect(lab.admin_url)
        with path.open("rb") as stream:
            self.names = sorted({name for _, element in etree.iterparse(stream) for name in element.attrib})

    def __call__(self) -> float:
        columns = ", ".join(f'"{name}" text' for name in self.names)
        self.connection.execute(f"DROP TABLE IF EXISTS bare; CREATE TABLE bare (element text, {columns})".encode())
        self.connection.commit()
        return timed(self._pour)

    def _pour(self) -> None:
        names = self.names
        with self.connection.cursor().copy("COPY bare FROM STDIN") as copy, self.path.open("rb") as stream:
            for _, element in etree.iterparse(stream, resolve_entities=False, no_network=True):
                copy.write_row([element.tag, *map(element.get, names)])
                element.clear()
        self.connection.commit()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--receivables", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"puma-{options.receivables}.xml"
        generate(options.receivables, path)
        lab = make_lab("bench")
        before = _peak()
        product = Product(lab, path)
        print(
            f"  first import, not counted: {product():.3f} s; memory grew by {_peak() - before} MB at most", flush=True
        )
        ours, bare = interleave(product, Reference(lab, path), rounds=options.rounds)
    leave(Target("import", 0.35, least=True).close(bare / ours))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
