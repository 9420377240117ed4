"""Two officials, and money that came."""

import pytest
from sqlalchemy import select
from tests.payments.refunding import propose

from skarbnik.money import Money
from skarbnik.payments.models import Capture
from skarbnik.payments.refunds import (
    approve_refund,
)
from skarbnik.payments.services import record_report
from skarbnik.payments.states import RefundKind
from skarbnik.testing.factories import (
    InstalmentFactory,
    OfficialFactory,
    PayerFactory,
    TransactionFactory,
    report_on,
)


@pytest.fixture
def people(session):
    return OfficialFactory(), OfficialFactory()


@pytest.fixture
def paid(session):
    """`paid()`: a capture of an instalment with 100,00 zł, interest 9,00 and costs 16,00; more is of the report."""

    def make(amount=None, **report):
        instalment = InstalmentFactory(interest=Money(900), costs=Money(1_600), payer=PayerFactory())
        transaction = TransactionFactory(started=True, instalment=instalment, amount=Money(12_500))
        record_report(session, transaction.id, report_on(transaction, f"E-{transaction.id}", amount, **report))
        return session.scalars(select(Capture).where(Capture.transaction_id == transaction.id)).one()

    return make


@pytest.fixture
def give_back(session, people):
    """`give_back(capture, grosze)`: recorded by one, confirmed by another. `of_rest` is of what is on no line."""

    def do(capture, grosze=0, *, of_rest=0, kind=RefundKind.OUTSIDE):
        made = propose(session, capture, people[0], grosze, of_rest=of_rest, kind=kind)
        return approve_refund(session, made.id, by=people[1].id)

    return do
