"""A PUMA that offers its files over HTTP: the simulator as a process of its own, and a gmina that asks it.

Fixtures and words of the tests that import them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from skarbnik import http, outbox
from skarbnik.errands import Runner
from skarbnik.exchange import fetching, systems, tasks
from skarbnik.exchange.models import ImportRun, Source
from skarbnik.exchange.sources import connect_source
from skarbnik.payers.models import Payer
from skarbnik.payments.services import record_report
from skarbnik.payments.states import PaymentOrderState
from skarbnik.receivables.models import Instalment
from skarbnik.tenancy.plugin_settings import store_settings
from skarbnik.testing.factories import (
    OrderLineFactory,
    PaymentOrderFactory,
    TransactionFactory,
    bound_to,
    report_on,
)
from skarbnik_puma.settings import PumaSettings

SIMULATOR = Path(__file__).parents[2] / "plugins" / "puma" / "simulator" / "main.py"
CODE = "PL-LIPOWO"
TOKEN = "t0ken-of-lipowo-that-no-log-may-show"


class Puma:
    """One gmina's PUMA with the whole cast in its books."""

    def __init__(self, folder: Path) -> None:
        ledger = ("--ledger", str(folder / "books.sqlite"))
        seed = ("--gmina", CODE, "--name", "Gmina Lipowo", "--payers", "12", "--today", "2026-11-23")
        subprocess.run([sys.executable, str(SIMULATOR), "seed", *ledger, *seed], check=True, capture_output=True)
        self.folder = folder / CODE
        self.serve()

    def serve(self) -> None:
        """Begin to serve, at a free port."""
        ledger = ("--ledger", str(self.folder.parent / "books.sqlite"))
        given = ("--port", "0", "--gmina", f"{CODE}={self.folder}", "--token", f"{CODE}={TOKEN}")
        self.process = subprocess.Popen(
            [sys.executable, str(SIMULATOR), "serve", *ledger, *given], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.root = self.process.stdout.readline().split()[-1]
        self.address = f"{self.root}{CODE}/exchange"

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def post(self, path: str, **values: object) -> Any:
        body = json.dumps(values).encode()
        request = urllib.request.Request(f"{self.root}_sim/{path}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def see(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.root}_sim/{CODE}/{what}", timeout=20) as answer:
            return json.load(answer)

    def faulty(self, **faults: int) -> None:
        self.post("faults", **faults)

    def export(self, kind: str = "full") -> bytes:
        """The bytes of its next file, which it offers from now on."""
        written: bytes = (self.folder / "in" / self.post(f"{CODE}/export", kind=kind)["file"]).read_bytes()
        return written

    def served(self) -> dict[str, int]:
        seen: dict[str, int] = self.see("served")
        return seen


@pytest.fixture
def puma(tmp_path):
    puma = Puma(tmp_path)
    yield puma
    puma.stop()


@pytest.fixture
def connect(tenant, monkeypatch):
    """`connect(address)`: PUMA is asked there by Lipowo."""
    monkeypatch.setattr(systems, "_clients", {})
    monkeypatch.setattr(http, "READ_SECONDS", 1.0)

    def go(address, token=TOKEN, **changed):
        settings = PumaSettings(tenant_code=CODE, address=address, token=token)
        with tenant.session() as session:
            version = store_settings(session, tenant, "source:puma", settings)
            made = connect_source(
                session, "puma", plugin="puma", title="PUMA", tenant_code=CODE, settings_version=version,
                remote=bool(address),
            )  # fmt: skip
            for name, value in changed.items():
                setattr(made, name, value)
        return made

    return go


@pytest.fixture
def asked(tenant, puma, connect):
    """The source that is asked at the simulator."""
    return connect(puma.address)


@pytest.fixture
def ask(tenant):
    """Ask the source once. What a clerk is told when it goes wrong."""

    def go():
        with tenant.session() as session:
            source = session.get_one(Source, "puma")
        systems._clients.clear()  # a breaker that opened in the line before is not what is tested
        return fetching.fetch(tenant, source)

    return go


def runs(tenant):
    with tenant.session() as session:
        return list(session.scalars(select(ImportRun).order_by(ImportRun.id)))


def source_of(tenant):
    with tenant.session() as session:
        return session.get_one(Source, "puma")


def read_all(tenant):
    for run in runs(tenant):
        if run.finished_at is None:
            assert tasks.read_file(tenant, run.id) is None
    return [run.state for run in runs(tenant)]


def errands(lab, topic="exchange.fetch"):
    with lab.as_admin() as connection:
        return connection.execute(
            "SELECT subject_id, due_at FROM work.outbox WHERE topic = %s ORDER BY id", (topic,)
        ).fetchall()


def relay(lab, topic):
    """Run what is due, of that topic only."""
    with lab.instance.engine.begin() as connection:
        due = [each for each in outbox.claim(connection) if each.topic == topic]
    Runner(lab.instance).run([each.id for each in due])
    with lab.as_admin() as connection:
        connection.execute("UPDATE work.outbox SET lease_until = NULL")
    return len(due)


def pay(tenant):
    with tenant.session() as session, bound_to(session):
        instalment = session.scalars(select(Instalment).where(Instalment.external_id == "N-000002-3")).one()
        payer = session.scalars(select(Payer).where(Payer.external_id == "P-000001")).one()
        amount = instalment.principal + instalment.interest + instalment.costs
        order = PaymentOrderFactory(payer_id=payer.id, amount=amount, state=PaymentOrderState.STARTED)
        parts = {name: getattr(instalment, name) for name in ("principal", "interest", "costs")}
        account = instalment.receivable.kind.creditor_account_id
        OrderLineFactory(
            order=order, instalment=instalment, payer_id=payer.id, creditor_account_id=account, **parts
        )  # fmt: skip
        transaction = TransactionFactory(started=True, instalment=instalment, amount=amount, order=order)
        record_report(session, transaction.id, report_on(transaction, f"E-{uuid4()}"))
