"""A finance system's own first file for a small gmina, and a source that reads it."""

import subprocess
import sys
from pathlib import Path

import pytest

from skarbnik.exchange import imports
from skarbnik.exchange.models import ImportRun, Source
from skarbnik.exchange.tasks import read_file, spool_of
from skarbnik.tenancy.plugin_settings import store_settings

CODE = "PL-LIPOWO"
SIMULATOR = Path(__file__).parents[2] / "plugins" / "puma" / "simulator" / "main.py"


def puma(*words):
    subprocess.run([sys.executable, str(SIMULATOR), *words], check=True, capture_output=True)


@pytest.fixture(scope="session")
def first_file(tmp_path_factory):
    """The bytes of `puma-export-000001.xml`: full, with the whole cast."""
    folder = tmp_path_factory.mktemp("puma")
    ledger = ("--ledger", str(folder / "books.sqlite"))
    puma("seed", *ledger, "--gmina", CODE, "--name", "Gmina Lipowo", "--payers", "12", "--today", "2026-11-23")
    puma("export", *ledger, "--gmina", f"{CODE}={folder}", "--kind", "full")
    (file,) = (folder / "in").glob("*.xml")
    return file.read_bytes()


@pytest.fixture
def source(tenant):
    """PUMA is connected to Lipowo."""
    settings_type = tenant.instance.plugins.finance_systems["puma"].settings_type
    with tenant.session() as session:
        version = store_settings(session, tenant, "source:puma", settings_type(tenant_code=CODE))
        session.add(Source(id="puma", plugin="puma", title="PUMA", tenant_code=CODE, settings_version=version))
    return spool_of(tenant, "puma").make()


@pytest.fixture
def arrive(tenant, source):
    """`arrive(bytes)`: the file lies in the folder, is registered and read as the worker does. The finished run."""

    def put(content, name="puma-export-000001.xml"):
        (source.incoming / name).write_bytes(content)
        with tenant.session() as session:
            runs = imports.register_arrivals(session, session.get_one(Source, "puma"), source.list_arrived("puma-*"))
        for run in runs:
            read_file(tenant, run.id)
        with tenant.session() as session:
            run = session.get_one(ImportRun, runs[-1].id)
            _ = run.problems
        return run

    return put
