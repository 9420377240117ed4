"""Two officials, money that came, and what a gateway says of it."""

from datetime import UTC, datetime
from itertools import count

import pytest
from sqlalchemy import select
from tests.payments.refunding import propose

from skarbnik.money import ZERO, Money
from skarbnik.payments.models import BookingLine, Capture, Refund
from skarbnik.payments.refunds import approve_refund
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, RefundKind, RefundStage
from skarbnik.plugin_api import SettlementKind, SettlementLine
from skarbnik.testing.factories import (
    InstalmentFactory,
    MerchantAccountFactory,
    OfficialFactory,
    PayerFactory,
    TransactionFactory,
    report_on,
)

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
def went_back(session):
    """`went_back(capture, grosze, number)`: a refund that was done, with its negative line; words change it."""

    def make(capture, grosze, number="BACK-1", *, at=NOON, **words):
        asks, decides = OfficialFactory(), OfficialFactory()
        said = {"kind": RefundKind.GATEWAY, "external_id": number, "state": RefundStage.COMPLETED, **words}
        made = Refund(
            capture_id=capture.id, amount=Money(grosze), reason="nadpłata", requested_by=asks.id, requested_at=at,
            decided_by=decides.id, decided_at=at, settled_at=at, **said,
        )  # fmt: skip
        session.add(made)
        session.flush()
        (line,) = [each for each in capture.booking_lines if each.refund_id is None]
        session.add(
            BookingLine(
                capture_id=capture.id, order_line_id=line.order_line_id, refund_id=made.id,
                instalment_id=line.instalment_id, principal=Money(-grosze), interest=ZERO, costs=ZERO,
                state=BookingState.WAITING, recorded_at=at,
            )
        )  # fmt: skip
        session.flush()
        return made

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
