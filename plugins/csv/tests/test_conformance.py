"""A spreadsheet keeps the contract of finance systems."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from skarbnik.plugin_api import Amounts, BookingBatch, BookingItem, Money
from skarbnik.testing.conformance import FinanceSystemContract
from skarbnik_csv.settings import CsvSettings
from skarbnik_csv.system import CsvFinanceSystem


def item(number):
    return BookingItem(
        booking_id=UUID(int=number),
        receivable="N-1",
        instalment=f"N-1/{number}",
        payer="P-1",
        amounts=Amounts(Money(12_050), Money(300), Money(0)),
        account="61109010140000071219812874",
        paid_at=datetime(2026, 11, 23, 11, 58, tzinfo=UTC),
        gateway="payu",
        gateway_id=f"WZHF5FFDRJ{number}",
        order_number="ABCDE-FGHJK",
    )


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
        return BookingBatch(7, "LIPOWO", datetime(2026, 11, 23, 12, tzinfo=UTC), (item(1), item(2)))

    @pytest.fixture
    def answer(self):
        def write(batch, body):
            *above, first, second = body.splitlines()
            first = first.removesuffix(b";;") + ";;Rata jest zamknięta".encode()
            second = second.removesuffix(b";;") + b"WB 231/2026;23.11.2026;"
            return b"\r\n".join([*above, first, second, b""])

        return write
