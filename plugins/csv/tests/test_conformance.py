"""A spreadsheet keeps the contract of finance systems."""

import pytest

from skarbnik.testing.conformance import FinanceSystemContract
from skarbnik.testing.finance import batch_of, booking
from skarbnik_csv.settings import CsvSettings
from skarbnik_csv.system import CsvFinanceSystem


class TestSpreadsheet(FinanceSystemContract):
    plugin_type = CsvFinanceSystem

    @pytest.fixture
    def plugin_settings(self):
        return CsvSettings(tenant_code="LIPOWO")

    @pytest.fixture
    def export(self, sample):
        return sample("naleznosci-000017")

    @pytest.fixture
    def batch(self):
        return batch_of(booking(1), booking(2))

    @pytest.fixture
    def answer(self):
        def write(batch, body):
            *above, first, second = body.splitlines()
            first = first.removesuffix(b";;") + ";;Rata jest zamknięta".encode()
            second = second.removesuffix(b";;") + b"WB 231/2026;23.11.2026;"
            return b"\r\n".join([*above, first, second, b""])

        return write
