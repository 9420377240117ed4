"""Money that was captured, and what a gateway says of it."""

from datetime import UTC, datetime
from itertools import count

import pytest
from sqlalchemy import select

from skarbnik.money import Money
from skarbnik.payments.models import Capture
from skarbnik.payments.services import record_report
from skarbnik.plugin_api import SettlementKind, SettlementLine
from skarbnik.testing.factories import InstalmentFactory, MerchantAccountFactory, TransactionFactory, report_on

NOON = datetime(2026, 11, 24, 11, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture
def account(session):
    return MerchantAccountFactory(created_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def captured(session, account):
    """`captured(grosze, moment)`: money of one payment on the account, as the gateway confirmed it. `paid`: another."""

    def make(grosze=10_000, moment=NOON, *, on=None, paid=None, **more):
        to = on or account
        instalment = InstalmentFactory(
            principal=Money(grosze), receivable__kind__creditor_account=to.creditor_account, **more
        )
        number = f"CAPTURED-{next(_numbers)}"
        transaction = TransactionFactory(
            started=True, amount=Money(grosze), instalment=instalment, merchant_account=to, external_id=number
        )
        amount = Money(paid or grosze)
        record_report(session, transaction.id, report_on(transaction, number, amount, happened_at=moment))
        return session.scalars(select(Capture).where(Capture.transaction_id == transaction.id)).one()

    return make


@pytest.fixture
def told():
    """`told(capture)`: the line a report has for it; words change it. Without a capture: any line."""

    def make(capture=None, kind=SettlementKind.PAYMENT, **words):
        said = {
            "external_id": f"LINE-{next(_numbers)}",
            "amount": Money(10_000),
            "currency": "PLN",
            "happened_at": NOON,
        }
        if capture is not None:
            said |= {"external_id": capture.external_id, "amount": capture.amount, "happened_at": capture.captured_at}
        return SettlementLine(kind, **({"currency": "PLN"} | said | words))

    return make
