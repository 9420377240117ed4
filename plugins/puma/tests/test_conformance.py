"""PUMA keeps the contract of finance systems."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from skarbnik.testing.conformance import FinanceSystemContract
from skarbnik.testing.finance import batch_of, booking
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

MAIN = Path(__file__).parents[1] / "simulator" / "main.py"
ANSWER = """<?xml version="1.0" encoding="UTF-8"?>
<acknowledgement xmlns="urn:skarbnik:exchange:acknowledgement:1" batch="{number}" tenant="LIPOWO" sha256="{digest}"
  created="2026-11-23T13:05:00+01:00" system="PUMA 7.2" format="1">
  <refused booking="{first}" reason="Rata jest zamknięta"/>
  <booked booking="{second}" reference="WB 231/2026" on="2026-11-23"/>
</acknowledgement>
"""


TOKEN = "t0ken-of-lipowo-1234"
PDF = b"%PDF-1.4\nDecyzja\n%%EOF\n"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory, sample):
    """The address of a PUMA that offers the samples of the specification."""
    folder = tmp_path_factory.mktemp("puma")
    (folder / "in" / "documents").mkdir(parents=True)
    (folder / "in" / "documents" / f"{sha256(PDF).hexdigest()}.pdf").write_bytes(PDF)
    for name in ("export", "ack"):
        (folder / "in" / f"puma-{name}-000017.xml").write_bytes(sample(name))
    command = ("serve", "--port", "0", "--ledger", folder / "books.sqlite", "--gmina", f"LIPOWO={folder}")
    pipes = {"stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, MAIN, *command, "--token", f"LIPOWO={TOKEN}"], **pipes) as process:
        yield f"{process.stdout.readline().split()[-1]}LIPOWO/exchange"
        process.kill()


class TestPuma(FinanceSystemContract):
    """From a folder."""

    plugin_type = PumaFinanceSystem

    @pytest.fixture
    def plugin_settings(self):
        return PumaSettings(tenant_code="LIPOWO")

    @pytest.fixture
    def export(self, sample):
        return sample("export")

    @pytest.fixture
    def batch(self):
        return batch_of(booking(1), booking(2))

    @pytest.fixture
    def answer(self):
        def write(batch, body):
            first, second = (each.booking_id for each in batch.items)
            digest = sha256(body).hexdigest()
            return ANSWER.format(number=batch.number, digest=digest, first=first, second=second).encode()

        return write


class TestPumaOverHttp(TestPuma):
    """At an address."""

    @pytest.fixture
    def plugin_settings(self, simulator):
        return PumaSettings(tenant_code="LIPOWO", address=simulator, token=TOKEN)

    @pytest.fixture
    def offered(self, sample):
        return {f"puma-{name}-000017.xml": sample(name) for name in ("export", "ack")}

    @pytest.fixture
    def offered_document(self):
        return PDF
