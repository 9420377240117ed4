"""One e-mail for one cause: sent once, tried again when the server is away, never again when it said no."""

from dataclasses import dataclass
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import select, text

from skarbnik import clock
from skarbnik.errors import ExternalSystemError, NotFound, OutcomeUnknown, Refused
from skarbnik.mail import tasks
from skarbnik.mail.models import Mail, MailState
from skarbnik.mail.services import send_mail
from skarbnik.money import Money
from skarbnik.payments.services import record_report
from skarbnik.plugin_api import MailSender
from skarbnik.portal.tasks import confirm_part, confirm_payment
from skarbnik.tenancy.plugin_settings import store_settings
from skarbnik.testing.factories import (
    InstalmentFactory,
    MerchantAccountFactory,
    OrderLineFactory,
    TransactionFactory,
    bound_to,
    report_on,
)


@dataclass(frozen=True)
class PostSettings:
    host: str = "poczta.example"


class Post(MailSender):
    """A post office that keeps what it was given, and has bad days."""

    id = "smtp"
    label = "Poczta"
    settings_type = PostSettings
    taken = []
    trouble = None

    def __init__(self, settings):
        pass

    def send(self, message):
        Post.taken.append(message)
        if Post.trouble is not None:
            raise Post.trouble


@pytest.fixture
def post(tenant, monkeypatch):
    monkeypatch.setitem(tenant.instance.plugins.mail_senders, "smtp", Post)
    monkeypatch.setattr(Post, "taken", [])
    monkeypatch.setattr(Post, "trouble", None)
    with tenant.session() as session:
        store_settings(session, tenant, "smtp", PostSettings())
    return Post


@pytest.fixture
def ask(tenant, some_id):
    cause = some_id()

    def put(subject="Wpłata przyjęta"):
        with tenant.session() as session:
            send_mail(
                session, cause="payment.paid", subject_id=cause, recipient="anna@example.pl", subject=subject, text="…"
            )
            return session.scalars(select(Mail.id)).one()

    return put


def state(tenant):
    with tenant.session() as session:
        return session.scalars(select(Mail.state)).one()


def test_an_email_is_sent_once_however_often_it_is_rung_for(tenant, post, ask):
    mail_id = ask()
    for _ in range(3):
        tasks.deliver(tenant, mail_id)

    (message,) = post.taken
    assert (message.recipient, message.sender_name) == ("anna@example.pl", tenant.name)
    assert message.message_id.partition("@")[0] == str(mail_id)
    assert state(tenant) is MailState.SENT


def test_one_cause_asks_for_one_email_and_rings_once(tenant, ask, clean):
    assert ask() == ask("Jeszcze raz")

    with clean.as_admin() as connection:
        assert connection.execute("SELECT topic FROM work.outbox").fetchall() == [("mail.asked",)]


@pytest.mark.parametrize("trouble", [ExternalSystemError("away"), OutcomeUnknown("cut")])
def test_a_server_that_is_away_is_tried_again_with_the_same_number(tenant, post, ask, monkeypatch, trouble):
    mail_id = ask()
    monkeypatch.setattr(post, "trouble", trouble)
    with pytest.raises(type(trouble)):
        tasks.deliver(tenant, mail_id)
    assert state(tenant) is MailState.WAITING

    monkeypatch.setattr(post, "trouble", None)
    tasks.deliver(tenant, mail_id)
    assert len({message.message_id for message in post.taken}) == 1
    assert state(tenant) is MailState.SENT


def test_an_address_that_was_refused_is_not_tried_again(tenant, post, ask, monkeypatch):
    mail_id = ask()
    monkeypatch.setattr(post, "trouble", Refused("no such mailbox"))
    tasks.deliver(tenant, mail_id)
    tasks.deliver(tenant, mail_id)

    assert len(post.taken) == 1
    assert state(tenant) is MailState.REFUSED


def test_a_gmina_without_a_server_says_so(tenant, ask, monkeypatch):
    monkeypatch.setattr(tenant.instance.plugins, "mail_senders", {})
    with pytest.raises(NotFound, match=tenant.id):
        tasks.deliver(tenant, ask())


def test_a_confirmation_says_what_was_paid_and_links_to_where_the_money_is(tenant, post):
    with tenant.session() as session, bound_to(session):
        transaction = TransactionFactory(started=True)
        record_report(session, transaction.id, report_on(transaction, "E-1"))
        order = transaction.order
    for _ in range(2):
        confirm_payment(tenant, order.id)

    with tenant.session() as session:
        mail = session.scalars(select(Mail)).one()
        payer = session.scalar(text("SELECT name FROM payers WHERE id = :id"), {"id": order.payer_id})
    assert "100,00" in mail.text
    assert tenant.url(f"/payments/{order.number}") in mail.text
    assert order.number in mail.subject
    assert payer not in mail.text
    assert mail.paper_name == f"potwierdzenie-{order.number}.pdf"
    text_of_paper = "\n".join(page.extract_text() for page in PdfReader(BytesIO(mail.paper)).pages)
    assert "100,00" in text_of_paper
    assert payer in text_of_paper


def test_a_confirmation_goes_with_its_paper_which_is_not_kept(tenant, post):
    with tenant.session() as session, bound_to(session):
        transaction = TransactionFactory(started=True)
        record_report(session, transaction.id, report_on(transaction, "E-1"))
    confirm_payment(tenant, transaction.order_id)
    with tenant.session() as session:
        mail = session.scalars(select(Mail)).one()

    tasks.deliver(tenant, mail.id)

    (paper,) = post.taken[0].attachments
    assert (paper.name, paper.media_type, paper.content) == (mail.paper_name, "application/pdf", mail.paper)
    with tenant.session() as session:
        assert session.scalars(select(Mail.paper)).one() is None


def test_money_that_waits_for_a_decision_is_confirmed_without_a_paper(tenant, post):
    with tenant.session() as session, bound_to(session):
        transaction = TransactionFactory(started=True)
        transaction.order.lines[0].instalment.closed_at = clock.now()
        record_report(session, transaction.id, report_on(transaction, "E-1"))
    confirm_payment(tenant, transaction.order_id)

    with tenant.session() as session:
        mail = session.scalars(select(Mail)).one()
    assert (mail.paper, mail.paper_name) == (None, None)
    assert "100,00" in mail.text


def test_who_paid_a_part_is_told_what_is_left_and_who_paid_all_of_it_is_not(tenant, post):
    with tenant.session() as session, bound_to(session):
        first = TransactionFactory(started=True)
        rest = InstalmentFactory(principal=Money(4_200))
        receives = rest.receivable.kind.creditor_account
        line = {"order": first.order, "instalment": rest, "payer_id": first.order.payer_id, "position": 2}
        OrderLineFactory(creditor_account_id=receives.id, principal=Money(4_200), **line)
        account = MerchantAccountFactory(creditor_account=receives)
        session.refresh(first.order)
        (capture,) = record_report(session, first.id, report_on(first, "E-1")).captures
        second = TransactionFactory(started=True, order=first.order, merchant_account=account, amount=Money(4_200))
    for _ in range(2):
        confirm_part(tenant, capture.id)
    with tenant.session() as session:
        mail = session.scalars(select(Mail)).one()
    assert "100,00" in mail.text
    assert "42,00" in mail.text

    with tenant.session() as session:
        (last,) = record_report(session, second.id, report_on(second, "E-2")).captures
    confirm_part(tenant, last.id)
    with tenant.session() as session:
        assert session.scalars(select(Mail)).one().id == mail.id
