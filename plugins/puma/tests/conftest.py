"""What the tests of the plugin share: the plugin itself, the samples, the schemas."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from lxml import etree

from skarbnik.testing.finance import read_all
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="session")
def puma():
    return PumaFinanceSystem(PumaSettings(tenant_code="LIPOWO"))


@pytest.fixture(scope="session")
def sample():
    """Bytes of a sample of the specification: export, bookings, ack."""
    files = {path.name.split("-")[1]: path.read_bytes() for path in (DOCS / "samples").iterdir()}
    return files.__getitem__


@pytest.fixture(scope="session")
def schema():
    schemas = {path.stem: etree.XMLSchema(etree.parse(path)) for path in DOCS.glob("*.xsd")}
    return schemas.__getitem__


@pytest.fixture(scope="session")
def read(puma):
    """All rows of an export, and the BrokenFile it raised."""
    return partial(read_all, puma)
