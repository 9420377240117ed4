"""What both rows of imports share: files of the simulator, a gmina with a source, the bare reference, memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import psycopg
from _rows import timed
from lxml import etree

from skarbnik import clock
from skarbnik.exchange.imports import read_import
from skarbnik.exchange.models import ImportRun, Source
from skarbnik.exchange.states import RunState
from skarbnik.tenancy.registry import Tenant
from skarbnik.testing.database import Lab
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

SIMULATOR = Path(__file__).parents[1] / "plugins" / "puma" / "simulator" / "main.py"
CODE = "PL1"
MOST_MEMORY = 300  # MB, of the whole process


def generate(receivables: int, path: Path, *, number: int = 1, changed: int = 0) -> None:
    size = ("--receivables", str(receivables), "--number", str(number), "--changed", str(changed))
    where = ("--out", str(path), "--tenant", CODE)
    subprocess.run([sys.executable, str(SIMULATOR), "generate", *size, *where], check=True)


def connect(tenant: Tenant) -> None:
    with tenant.session() as session:
        session.add(Source(id="puma", plugin="puma", title="PUMA", tenant_code=CODE, settings_version=1))


def read(tenant: Tenant, path: Path) -> float:
    """Seconds for a whole import of this file: reading, staging, checks, merge, report."""
    with tenant.session() as session:
        run = ImportRun(source="puma", file_name=path.name, registered_at=clock.now())
        session.add(run)
    system = PumaFinanceSystem(PumaSettings(tenant_code=CODE))

    def whole() -> None:
        state = read_import(tenant, system, run.id, path)
        assert state is RunState.APPLIED, state

    return timed(whole)


class Reference:
    """The limit: parse, pour, commit. One table of texts without an index, a column for each attribute in the file."""

    def __init__(self, lab: Lab, path: Path) -> None:
        self.path = path
        self.connection = psycopg.connect(lab.admin_url)
        names = set()
        with path.open("rb") as stream:
            for _, element in etree.iterparse(stream):
                names.update(element.attrib)
                element.clear()
        self.names = sorted(names)

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


def peak() -> int:
    """The most memory this process ever had, in MB. A reference that ran in it counts too."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
