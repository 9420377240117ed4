"""What people are written when their money went back: once, how much, where to, and nothing of anybody else."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from tests.payments.refunding import propose

from skarbnik import clock
from skarbnik.crypto import new_secret
from skarbnik.db import new_id
from skarbnik.mail.models import Mail
from skarbnik.money import Money
from skarbnik.payers.models import Payer
from skarbnik.payments.models import Capture, PaymentLink, PaymentOrder, Transaction
from skarbnik.payments.refunds import approve_refund, record_refund_report
from skarbnik.payments.services import record_report
from skarbnik.payments.states import LinkOrigin, RefundKind
from skarbnik.plugin_api import RefundReport, RefundState
from skarbnik.portal import tasks
from skarbnik.portal.tasks import tell_refunded
from skarbnik.testing.factories import InstalmentFactory, OfficialFactory, TransactionFactory, bound_to, report_on

REASON = "Anna Kowalska zapłaciła dwa razy"


@pytest.fixture
def capture(tenant):
    """Of 100,00 zł, paid by somebody who reads English."""
    with tenant.session() as session, bound_to(session):
        transaction = TransactionFactory(started=True)
        transaction.order.language = "en"
        return paid(session, transaction)


def paid(session, transaction, **report):
    return record_report(session, transaction.id, report_on(transaction, f"E-{transaction.id}", **report)).captures[-1]


@pytest.fixture
def send_back(tenant):
    """`send_back(capture, grosze, kind)`: it went, two people having agreed. The id of the refund."""

    def send(capture, grosze=0, kind=RefundKind.OUTSIDE, **more):
        with tenant.session() as session, bound_to(session):
            refund = propose(session, capture, OfficialFactory(), grosze, kind=kind, reason=REASON, **more)
            approve_refund(session, refund.id, by=OfficialFactory().id)
            if kind is RefundKind.GATEWAY:
                answer = RefundReport(refund.id, "R-1", refund.amount, "PLN", RefundState.COMPLETED)
                record_refund_report(session, refund.id, answer)
            return refund.id

    return send


def mails(tenant):
    with tenant.session() as session:
        return session.scalars(select(Mail).order_by(Mail.created_at)).all()


def rung(tenant):
    """What refunds the payers are to be told of."""
    with tenant.instance.engine.begin() as connection:
        query = text("SELECT subject_id FROM work.outbox WHERE topic = 'payments.refunded' AND tenant_id = :tenant")
        return connection.scalars(query, {"tenant": tenant.id}).all()


def test_who_paid_is_told_once_that_money_went_back(tenant, capture, send_back):
    refund_id = send_back(capture, 4_000, RefundKind.GATEWAY)
    assert rung(tenant) == [refund_id]
    for _ in range(3):
        tell_refunded(tenant, refund_id)

    (mail,) = mails(tenant)
    with tenant.session() as session:
        order = session.get_one(Transaction, capture.transaction_id).order
        payer = session.get_one(Payer, order.payer_id).name
    assert mail.recipient == order.email
    assert order.number in mail.subject
    assert "40,00\u00a0zł of your payment went back" in mail.text
    assert "account or card it was paid from" in mail.text
    assert "may have to be paid again" in mail.text
    assert tenant.url(f"/payments/{order.number}") in mail.text
    assert not any(hidden in mail.text + mail.subject for hidden in (REASON, payer, "Kowalska"))


def test_two_refunds_of_a_payment_are_two_messages(tenant, capture, send_back):
    for grosze in (1_000, 2_000):
        tell_refunded(tenant, send_back(capture, grosze))

    assert ["10,00" in mail.text for mail in mails(tenant)] == [True, False]
    assert ["20,00" in mail.text for mail in mails(tenant)] == [False, True]


def test_nobody_is_told_of_money_that_did_not_go(tenant, capture):
    with tenant.session() as session, bound_to(session):
        asks, decides = OfficialFactory(), OfficialFactory()
        propose(session, capture, asks, 100)
        refused = propose(session, capture, asks, 200, kind=RefundKind.GATEWAY)
        approve_refund(session, refused.id, by=decides.id)
        answer = RefundReport(refused.id, "R-1", refused.amount, "PLN", RefundState.REJECTED)
        record_refund_report(session, refused.id, answer)
        going = propose(session, capture, asks, 300, kind=RefundKind.GATEWAY)
        approve_refund(session, going.id, by=decides.id)

    assert rung(tenant) == []


@pytest.mark.parametrize(
    ("kind", "words", "title"),
    [
        (RefundKind.OUTSIDE, "The office sent it on", "Money sent back"),
        (RefundKind.CHARGEBACK, "Your bank took it back on", "Payment taken back"),
    ],
)
def test_money_that_went_without_us_is_told_with_its_day(tenant, capture, send_back, kind, words, title):
    tell_refunded(tenant, send_back(capture, 4_000, kind))

    (mail,) = mails(tenant)
    assert f"{words} {clock.today():%d.%m.%Y}" in mail.text
    assert mail.subject.startswith(title)


@pytest.mark.parametrize(
    ("wrong", "words", "amount"),
    [
        ("paid already", "The debt had been paid already.", "100,00\u00a0zł"),
        ("closed", "The debt was closed before the money came.", "100,00\u00a0zł"),
        ("currency", "It was more than the order, or did not match it.", "100,00\u00a0EUR"),
    ],
)
def test_money_that_was_nobodys_debt_is_not_asked_for_again(tenant, send_back, wrong, words, amount):
    with tenant.session() as session, bound_to(session):
        instalment = InstalmentFactory()
        if wrong == "paid already":
            paid(session, TransactionFactory(started=True, instalment=instalment))
        transaction = TransactionFactory(started=True, instalment=instalment)
        transaction.order.language = "en"
        if wrong == "closed":
            instalment.closed_at = clock.now()
        capture = paid(session, transaction, **({"currency": "EUR"} if wrong == "currency" else {}))
    part = {"of_rest": 10_000} if wrong == "currency" else {"grosze": 10_000}
    tell_refunded(tenant, send_back(capture, **part))

    mail = mails(tenant)[-1]
    assert words in mail.text
    assert f"{amount} of your payment went back" in mail.text
    assert "again" not in mail.text


def test_who_paid_for_somebody_by_a_link_gets_no_address_of_a_page_they_may_not_see(tenant, capture, send_back):
    with tenant.session() as session, bound_to(session):
        order = session.get_one(Transaction, capture.transaction_id).order
        link = PaymentLink(
            id=new_id(), secret_hash="x" * 64, origin=LinkOrigin.CODE, payer_id=order.payer_id,
            instalment_ids=[order.lines[0].instalment_id], created_at=clock.now(),
            expires_at=clock.now() + timedelta(hours=2),
        )  # fmt: skip
        session.add(link)
        session.flush()
        order.link_id, order.return_secret = link.id, new_secret()
        number = order.number
    tell_refunded(tenant, send_back(capture, 10_000))

    (mail,) = mails(tenant)
    assert number in mail.text
    assert "://" not in mail.text


def test_who_left_no_address_is_not_written_to(tenant, capture, send_back):
    with tenant.session() as session:
        session.get_one(Transaction, capture.transaction_id).order.email = None
    tell_refunded(tenant, send_back(capture, 10_000))

    assert mails(tenant) == []


def test_it_is_written_in_the_language_of_who_paid(tenant, capture, send_back, monkeypatch):
    asked = []
    real = tasks.load_catalogue
    monkeypatch.setattr(tasks, "load_catalogue", lambda language: asked.append(language) or real(language))
    refund_id = send_back(capture, Money(10_000).grosze)
    with tenant.session() as session:
        number = session.get_one(Capture, capture.id).transaction.order.number
        session.scalars(select(PaymentOrder).where(PaymentOrder.number == number)).one().language = "uk"
    tell_refunded(tenant, refund_id)

    assert asked == ["uk"]
