"""A finance system's own first file for a small gmina, and a source that reads it."""

import subprocess
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import selectinload
from tests.exchange.remote import ask, asked, connect, puma  # noqa: F401  # fixtures

from skarbnik.exchange import imports
from skarbnik.exchange.models import ImportRun, Source
from skarbnik.exchange.tasks import read_file, spool_of, take_documents
from skarbnik.tenancy.plugin_settings import store_settings
from skarbnik_puma.settings import PumaSettings

CODE = "PL-LIPOWO"
SIMULATOR = Path(__file__).parents[2] / "plugins" / "puma" / "simulator" / "main.py"


def simulate(*words):
    subprocess.run([sys.executable, str(SIMULATOR), *words], check=True, capture_output=True)


@pytest.fixture(scope="session")
def first_file(tmp_path_factory):
    """The bytes of `puma-export-000001.xml`: full, with the whole cast."""
    folder = tmp_path_factory.mktemp("puma")
    ledger = ("--ledger", str(folder / "books.sqlite"))
    simulate("seed", *ledger, "--gmina", CODE, "--name", "Gmina Lipowo", "--payers", "12", "--today", "2026-11-23")
    simulate("export", *ledger, "--gmina", f"{CODE}={folder}", "--kind", "full")
    (file,) = (folder / "in").glob("*.xml")
    return file.read_bytes()


def connect_puma(tenant, source_id="puma"):
    """PUMA is connected to a gmina, under this name. Its folders."""
    with tenant.session() as session:
        version = store_settings(session, tenant, f"source:{source_id}", PumaSettings(tenant_code=CODE))
        session.add(Source(id=source_id, plugin="puma", title="PUMA", tenant_code=CODE, settings_version=version))
    return spool_of(tenant, source_id).make()


@pytest.fixture
def source(tenant):
    """PUMA is connected to Lipowo."""
    return connect_puma(tenant)


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


def tag(element, /, *children, **attributes):
    words = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(str(value))}"
        for key, value in attributes.items()
        if value is not None
    )
    if not children:
        return f"<{element}{words}/>"
    return f"<{element}{words}>\n" + "\n".join(children) + f"\n</{element}>"


def payer(own, name="Kowalska Anna", kind="person", **more):
    return tag("payer", id=own, kind=kind, name=name, **more)


def liability(payer, role="owner", part=1, whole=1, **more):
    return tag("liability", payer=payer, role=role, part=part, whole=whole, **more)


def instalment(
    own, principal="100.00", number=1, due="2026-11-15", interest="0.00", costs="0.00", charged=None, **more
):
    return tag(
        "instalment", id=own, number=number, due=due, charged=charged or principal, principal=principal,
        interest=interest, costs=costs, **more,
    )  # fmt: skip


def operation(own, principal, kind="payment", document="WB 1/2026", **more):
    return tag(
        "operation", id=own, kind=kind, booked="2026-10-01", happened="2026-10-01", document=document,
        principal=principal, interest="0.00", costs="0.00", **more,
    )  # fmt: skip


def receivable(own, *children, kind="PODN", title="Podatek od nieruchomości 2026", **more):
    return tag("receivable", *children, id=own, kind=kind, title=title, **more)


def document(own, sha256="a" * 64, size=1000, title="Decyzja wymiarowa", issued="2026-01-20"):
    return tag("document", id=own, title=title, issued=issued, file=sha256, size=size)


def overpayment(own, payer, amount, **more):
    return tag("overpayment", id=own, payer=payer, amount=amount, arose="2026-06-01", **more)


KINDS = (
    tag("kind", code="PODN", title="Podatek od nieruchomości", regime="tax", account="61109010140000071219812874"),
    tag("kind", code="UPOMN", title="Koszty upomnienia", regime="none"),
)


@dataclass
class Export:
    """One export. Totals are counted from what is written unless `said` says something else."""

    payers: tuple[str, ...] = (payer("P-1"),)
    receivables: tuple[str, ...] = (receivable("R-1", liability("P-1"), instalment("I-1")),)
    overpayments: tuple[str, ...] = ()
    kinds: tuple[str, ...] = KINDS
    number: int = 1
    kind: str = "full"
    tenant: str = CODE
    said: dict[str, object] = field(default_factory=dict)

    def totals(self):
        whole = "\n".join((*self.kinds, *self.payers, *self.receivables, *self.overpayments))

        def amounts(name, *parts):
            lines = [line for line in whole.splitlines() if line.startswith(f"<{name} ")]
            found = [line.split(f' {part}="')[1].split('"')[0] for line in lines for part in parts]
            return sum(map(Decimal, found), Decimal(0))

        counts = {f"{name}s" if name != "liability" else "liabilities": whole.count(f"<{name} ") for name in (
            "payer", "kind", "receivable", "liability", "instalment", "operation", "overpayment",
            "document")}  # fmt: skip
        sums = {part: f"{amounts('instalment', part):.2f}" for part in ("principal", "interest", "costs")}
        sums["operations-amount"] = f"{amounts('operation', 'principal', 'interest', 'costs'):.2f}"
        sums["overpayments-amount"] = f"{amounts('overpayment', 'amount'):.2f}"
        return counts | sums | self.said

    def body(self):
        words = {name.replace("-", "_"): value for name, value in self.totals().items()}
        manifest = tag(
            "manifest", tag("totals", **words), number=self.number, kind=self.kind, tenant=self.tenant,
            as_of="2026-11-23T02:00:00+01:00", created="2026-11-23T02:04:11+01:00", system="PUMA 7.2", format="1",
        )  # fmt: skip
        sections = [
            tag(name, *rows) if rows else f"<{name}/>"
            for name, rows in (
                ("kinds", self.kinds),
                ("payers", self.payers),
                ("receivables", self.receivables),
                ("overpayments", self.overpayments),
            )
        ]
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<export xmlns="urn:skarbnik:exchange:export:1">\n'
            + "\n".join([manifest, *sections])
            + "\n</export>\n"
        ).encode()


class Words:
    """What a test writes a file with."""

    payer, liability, instalment, operation = map(staticmethod, (payer, liability, instalment, operation))
    receivable, overpayment, document = map(staticmethod, (receivable, overpayment, document))
    Export = Export
    KINDS = KINDS


@pytest.fixture
def words():
    return Words


@pytest.fixture
def lay(tenant, source):
    """`lay(bytes)`: the file lies in the folder and is registered; nobody reads it yet. The id of its run."""

    def put(content, name=None):
        name = name or f"puma-export-{len(list(source.root.glob('*/*'))) + 1:06d}.xml"
        (source.incoming / name).write_bytes(content)
        with tenant.session() as session:
            (run,) = imports.register_arrivals(session, session.get_one(Source, "puma"), [name])
        return run.id

    return put


@pytest.fixture
def report(tenant):
    """`report(run id)`: a run with its problems."""

    def read(run_id):
        with tenant.session() as session:
            return session.get_one(ImportRun, run_id, options=[selectinload(ImportRun.problems)])

    return read


@pytest.fixture
def receive(tenant, lay, report):
    """`receive(export)`: a file from its arrival to its report."""

    def go(export):
        run_id = lay(export if isinstance(export, bytes) else export.body())
        assert read_file(tenant, run_id) is None
        return report(run_id)

    return go


@pytest.fixture
def checksum(clean, tenant):
    """md5 over every table but the reports of imports."""

    def count():
        with clean.as_admin() as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename NOT LIKE 'import\\_%%' ORDER BY 1",
                (tenant.schema,),
            ).fetchall()
            digest = sql.SQL("SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} AS t")
            return {
                table: connection.execute(digest.format(sql.Identifier(tenant.schema, table))).fetchone()
                for (table,) in tables
            }

    return count


@pytest.fixture
def rows(tenant):
    """`rows("SELECT …")`: what the gmina's tables hold."""

    def read(statement, **words):
        with tenant.session() as session:
            return [tuple(row) for row in session.execute(text(statement), words)]

    return read


@pytest.fixture
def take(tenant, rows):
    """`take()`: the worker looks for everything that waits. What it says of each document."""

    def look():
        for (own,) in rows("SELECT id FROM documents LIMIT 1"):
            take_documents(tenant, own)
        return rows("SELECT external_id, arrived_at IS NOT NULL, trouble FROM documents ORDER BY 1")

    return look
