"""Every broken file of the corpus, read as a worker reads it: refused for its reason, and nothing else has happened."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from tests.exchange.conftest import connect_puma
from tests.exchange.corpus import CORPUS
from tests.exchange.corpus.good import CODE, Portal, good
from tests.exchange.test_bad_files import checksum

from skarbnik.exchange import batches, imports
from skarbnik.exchange.models import ImportRun, Source
from skarbnik.exchange.states import RunState
from skarbnik.exchange.tasks import spool_of
from skarbnik.payments.models import BookingLine
from skarbnik.payments.services import record_report
from skarbnik.receivables.models import Instalment
from skarbnik.testing.database import empty
from skarbnik.testing.factories import TransactionFactory, bound_to, report_on
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

ROOT = Path(__file__).parents[2]
MOST_SECONDS = 5.0
MOST_MEGABYTES = 60.0
POLISH = re.compile(r"[A-ZĄĆĘŁŃÓŚŹŻ][^\n]*\.")
ENGLISH = re.compile(r"\b(the|is|not|for|type|value|error|invalid)\b")


@dataclass
class Town:
    """A gmina that read a good file and has two bookings under way, and a worker that reads what comes."""

    lab: Any
    tenant: Any
    worker: subprocess.Popen
    portal: Portal = field(default_factory=Portal)
    needed: float = 0.0  # megabytes, for the good file
    holds: str = ""  # a checksum over every row of every table, as they were last

    def receive(self, content: bytes, *, source: str = "puma", dry: bool = False) -> tuple[ImportRun, dict[str, Any]]:
        """A file from its arrival to its report, and what reading it cost."""
        spool = spool_of(self.tenant, source)
        name = f"puma-{len(list(spool.root.glob('*/*'))) + 1:06d}.xml"
        (spool.incoming / name).write_bytes(content)
        with self.tenant.session() as session:
            (run,) = imports.register_arrivals(session, session.get_one(Source, source), spool.list_arrived("puma-*"))
            run.dry = dry
        self.worker.stdin.write(json.dumps([self.tenant.id, str(run.id)]) + "\n")
        self.worker.stdin.flush()
        cost = json.loads(self.worker.stdout.readline())
        kept_in = {RunState.REFUSED: "refused", RunState.TRIED: "tried", RunState.APPLIED: "done"}
        assert [path.parent.name for path in spool.root.glob(f"*/*{name}")] == [kept_in[self.report(run.id).state]]
        return self.report(run.id), cost

    def report(self, run_id) -> ImportRun:
        with self.tenant.session() as session:
            return session.get_one(ImportRun, run_id, options=[selectinload(ImportRun.problems)])

    def pay(self) -> Portal:
        """Money came for I-4 and I-5 and was handed over. What the finance system knows of it."""
        system = PumaFinanceSystem(PumaSettings(tenant_code=CODE))
        with self.tenant.session() as session, bound_to(session):
            for name in ("I-4", "I-5"):
                instalment = session.scalars(select(Instalment).where(Instalment.external_id == name)).one()
                transaction = TransactionFactory(started=True, instalment=instalment, amount=instalment.principal)
                record_report(session, transaction.id, report_on(transaction, f"E-{name}"))
            batch = batches.make_batch(session, "puma", system)
            batches.mark_delivered(session, batch.id)
            lines = session.scalars(
                select(BookingLine).order_by(BookingLine.principal.desc())
            )  # 100,00 zł and 50,00 zł
            return Portal(tuple(str(line.id) for line in lines), batch.number, batch.sha256)


@pytest.fixture(scope="module")
def town(lab):
    tenant = lab.tenant("lipowo")
    for source in ("puma", "fresh"):
        connect_puma(tenant, source)
    command = [sys.executable, "-m", "tests.exchange.reader"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | lab.environment, **pipes) as worker:
        town = Town(lab, tenant, worker)
        for number in (1, 2):  # a first load leaves the digests to the next full file
            run, cost = town.receive(good(number))
            assert run.state is RunState.APPLIED, [problem.message for problem in run.problems]
        with tenant.session() as session:
            session.get_one(Source, "puma").last_import = 1  # so the broken ones have the number waited for
        town.portal, town.needed = town.pay(), cost["megabytes"]
        town.holds = checksum(lab, tenant)
        yield town
        worker.stdin.close()
    empty(lab)


def test_there_are_many_of_each_kind():
    groups = [each.group for each in CORPUS.values()]

    assert len(groups) >= 70
    assert {group for group in groups if groups.count(group) < 3} == set()


def test_the_good_file_they_are_made_from_would_be_taken(town):
    run, _cost = town.receive(good(), dry=True)

    assert [(problem.code, problem.message) for problem in run.problems] == []
    assert run.state is RunState.TRIED


@pytest.mark.parametrize("name", CORPUS)
def test_a_broken_file_is_refused_for_its_reason_and_changes_nothing(town, name):
    entry = CORPUS[name]
    before = town.holds

    run, cost = town.receive(entry.make(town.portal), source="fresh" if entry.fresh else "puma")

    town.holds = checksum(town.lab, town.tenant)
    assert town.holds == before
    assert run.state is RunState.REFUSED
    assert [(problem.code, problem.line) for problem in run.problems] == list(entry.places)
    for said in (run.message, *(problem.message for problem in run.problems)):
        assert POLISH.fullmatch(said), said
        assert not ENGLISH.search(said), said
    assert cost["seconds"] < MOST_SECONDS
    assert cost["megabytes"] - town.needed < MOST_MEGABYTES
    assert not cost["again"]
