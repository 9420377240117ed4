"""One of everything a gmina can have."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select, text
from tests.tenancy.surveys import fill_surveys

from skarbnik import clock
from skarbnik.accounts import connections
from skarbnik.accounts.models import (
    ConnectedIdentity,
    Consent,
    EmailChange,
    FactorKind,
    PasswordLink,
    ProviderSession,
    Purpose,
    Registration,
    SecondFactor,
    SignInAttempt,
    SignInAway,
    SignInOutcome,
    SignInPurpose,
    UsedAnswer,
    UserKind,
    WebSession,
)
from skarbnik.accounts.services import make_api_client
from skarbnik.audit.sealing import seal_batch
from skarbnik.audit.services import keep_for, record_act
from skarbnik.content.models import ArticleKind, Key
from skarbnik.content.services import save_article
from skarbnik.exchange.models import BatchLine, BookingBatch, ImportProblem, ImportRun, ReplacedRow
from skarbnik.exchange.states import RunState
from skarbnik.mail.models import Mail
from skarbnik.mail.services import Paper, send_mail
from skarbnik.money import Money
from skarbnik.operator import support
from skarbnik.operator.sign_in import Operator
from skarbnik.payers.models import MandateBasis
from skarbnik.payments import settlements
from skarbnik.payments.links import make_link
from skarbnik.payments.models import (
    BookingLine,
    Difference,
    MerchantAccount,
    Notification,
    PaymentLink,
    Payout,
    SettlementOrigin,
)
from skarbnik.payments.refunds import propose_refund
from skarbnik.payments.services import open_difference, record_report
from skarbnik.payments.states import RefundKind
from skarbnik.plugin_api import Assurance, OperationKind, Role, SettlementKind, SettlementLine, Support
from skarbnik.receivables.models import DatedKind, Document, OfficialScope, Operation, Overpayment
from skarbnik.receivables.services import set_value
from skarbnik.remarks.models import Outcome, Topic
from skarbnik.remarks.services import answer_remark, take_up, write_remark
from skarbnik.tenancy.models import SwitchName
from skarbnik.tenancy.switches import set_switch
from skarbnik.testing.factories import (
    InstalmentFactory,
    MandateFactory,
    OfficialFactory,
    PayerFactory,
    SourceFactory,
    TransactionFactory,
    UserFactory,
    report_on,
)


def fill(session, tenant, open_account, **settings):
    """One of everything a gmina can have. Ids and numbers by the name they have in addresses."""
    now = clock.now()
    source = SourceFactory()
    payer = PayerFactory(nip="5260001246", email="osoba@example.pl")
    user, official = UserFactory(acts_for=[payer]), OfficialFactory(has_roles=list(Role))
    instalment = InstalmentFactory(payer=payer)
    unpaid = InstalmentFactory(receivable=instalment.receivable, number=2)
    account = open_account(session, tenant, instalment.receivable.kind.creditor_account, **settings)
    transaction = TransactionFactory(started=True, instalment=instalment, merchant_account=account)
    record_report(session, transaction.id, report_on(transaction, "E-1"))
    booking = session.scalars(select(BookingLine)).one()
    order = transaction.order
    order.user_id, order.payer_id = user.id, payer.id
    run = ImportRun(
        source=source.id, file_name="puma-export-000001.xml", state=RunState.REFUSED, message="Plik jest ucięty.",
        registered_at=now, finished_at=now,
    )  # fmt: skip
    batch = BookingBatch(
        source=source.id, number=1, file_name="puma-bookings-000001.xml", content=b"<x/>", sha256="0" * 64, made_at=now
    )
    session.add_all([run, batch])
    session.flush()
    open_difference(session, "overpaid", booking.id, order_id=order.id, amount=Money(1))
    words = {"recipient": "a@b.pl", "subject": "Wpłata", "text": "Wpłata", "paper": Paper("wplata.pdf", b"%PDF")}
    send_mail(session, cause="payment.paid", subject_id=order.id, **words)
    for each in session.scalars(select(MerchantAccount)):
        each.proposal_id, each.proposed_keys = each.id, b"sealed"
        each.proposed_by, each.proposed_at = official.id, now
    look = {"subject": "payer", "subject_id": payer.id, "payers": [payer.id]}
    record_act(session, "payer.viewed", **look, actor="user", actor_id=official.id)
    keep_for(session, 3, by=official.id)
    seal_batch(tenant, session)
    news = Key(ArticleKind.NEWS, "przerwa", "pl")
    save_article(session, news, version=0, title="Przerwa", body="W sobotę.", answers={"a": "b"}, by=official.id)
    client_id, _secret = make_api_client(session, name="Program", scopes=frozenset({"receivables:read"}))
    row = {"source": "puma", "digest": uuid4(), "run_id": run.id}
    session.add_all([
        Notification(
            merchant_account_id=account.id, key="k", transaction_id=transaction.id, headers="{}", body=b"{}",
            received_at=now,
        ),
        ImportProblem(run_id=run.id, position=0, line=3, code="duplicate", message="Numer 7 występuje dwa razy."),
        BatchLine(batch_id=batch.id, booking_line_id=booking.id),
        ReplacedRow(
            replaced_by=run.id, row_id=instalment.id, written_by=uuid4(), title="Podatek", number="1/2026",
            principal=Money(1), closed=False,
        ),
        Overpayment(external_id="NP-1", payer_id=payer.id, amount=Money(5), arose_on=clock.today(), **row),
        Document(
            external_id="D-1", receivable_id=instalment.receivable_id, title="Decyzja", issued_on=clock.today(),
            sha256="0" * 64, size=1000, **row,
        ),
        Operation(
            external_id="O-1", receivable_id=instalment.receivable_id, kind=OperationKind.CHARGE,
            booked_on=clock.today(), happened_on=clock.today(), document="PK 12/2026", principal=Money(1),
            interest=Money(0), costs=Money(0), **row,
        ),
        WebSession(
            token_hash="0" * 64, user_id=user.id, way="local", created_at=now, seen_at=now, expires_at=now,
            ip="127.0.0.1", agent="Mozilla",
        ),
        PasswordLink(
            user_id=official.id, secret_hash="0" * 64, made_by=user.id, created_at=now,
            expires_at=now + timedelta(days=1),
        ),
        OfficialScope(user_id=official.id, kind_id=instalment.receivable.kind_id),
        SecondFactor(
            user_id=official.id, mark="0" * 64, kind=FactorKind.PASSKEY, name="Telefon", credential_id=b"0",
            secret=b"0", created_at=now,
        ),
        Registration(
            number="12345678", secret_hash="0" * 64, email="nowa@example.pl", name="Nowa Osoba", password_hash="x",
            language="pl", terms_version="1", created_at=now, proven_at=now, expires_at=now + timedelta(days=60),
        ),
        EmailChange(
            user_id=user.id, email="inny@example.pl", secret_hash="1" * 64, created_at=now,
            expires_at=now + timedelta(days=1),
        ),
        Consent(
            user_id=user.id, purpose=Purpose.EMAIL_NOTICES, given_at=now, version=1, language="pl", text="Zgadzam się.",
        ),
        SignInAttempt(
            at=now, kind=UserKind.RESIDENT, user_id=user.id, outcome=SignInOutcome.WRONG, way="local", ip="127.0.0.1",
        ),
        SignInAway(
            handle_hash="0" * 64, cookie_hash="0" * 64, request_id=uuid4(), provider="epuap",
            purpose=SignInPurpose.ENTER, level=Assurance.SUBSTANTIAL, wanted="/dashboard", begun_at=now,
        ),
        UsedAnswer(answer_hash="0" * 64, until_at=now),
        ConnectedIdentity(
            subject_hash="0" * 64, user_id=user.id, provider="epuap", proves_pesel=True, created_at=now, used_at=now
        ),
        ProviderSession(id=uuid4(), provider="epuap", sealed=b"sealed", created_at=now),
    ])  # fmt: skip
    session.flush()
    connections.make_waiting_key(session, tenant, "epuap", "signing")
    propose_refund(
        session,
        booking.capture_id,
        kind=RefundKind.GATEWAY,
        lines={booking.id: Money(1)},
        reason="nadpłata",
        by=official.id,
    )
    report = SettlementOrigin.REPORT
    told = [
        SettlementLine(SettlementKind.PAYMENT, "E-1", Money(10_000), "PLN", now, payout="W-1"),
        SettlementLine(SettlementKind.PAYOUT, "W-1", Money(10_000), "PLN", now),
    ]
    settlements.keep(session, account.id, told, report)
    settlements.note_told(session, account.id, clock.today(), report)
    settlements.match(session, account.id)
    set_value(session, DatedKind.FREE_DAY, clock.today(), 1, note="dzień wolny urzędu")
    set_switch(session, SwitchName.NAME_CO_OWNERS, on=True, by=official.id)
    right = MandateFactory(user_id=user.id, payer_id=payer.id, basis=MandateBasis.PROXY)
    remark = write_remark(
        session, user_id=user.id, payer_id=payer.id, receivable_id=instalment.receivable_id, topic=Topic.AMOUNT,
        text="Mam 100 m², nie 120.", language="pl",
    )  # fmt: skip
    secret = make_link(session, payer_id=payer.id, user_id=user.id, instalment_ids=[unpaid.id])
    link = session.scalars(select(PaymentLink)).one()
    take_up(session, remark.id, by=official.id)
    operator = Operator(uuid4(), "Ola Operatorka", "ola@operator.example")
    access = {"access_id": uuid4(), "by": operator, "reason": "Zgłoszenie 7", "scope": Support.LOOK, "hours": 1}
    support.agree(session, support.ask(session, tenant, **access, ip="127.0.0.1").id, by=official.id)
    session.flush()
    for mail in session.scalars(select(Mail).where(Mail.paper.is_(None))):
        mail.paper, mail.paper_name = b"%PDF", "papier.pdf"  # a canary goes into each column by itself
    surveys = fill_surveys(session, user.id, official.id)
    answer_remark(session, remark.id, outcome=Outcome.NOT_WRONG, text="Tak jest w ewidencji.", by=official.id)
    session.execute(
        text(
            "INSERT INTO api_tokens (token_hash, client_id, scopes, expires_at)"
            " SELECT repeat('0', 64), id, scopes, :now FROM api_clients WHERE id = CAST(:client AS uuid)"
        ),
        {"now": now, "client": client_id},
    )
    return {
        "user": user, "official": official, "payer": payer, "instalment": instalment, "unpaid": unpaid, "run": run,
        "receivable": instalment.receivable_id, "booking": booking.id, "order": order, "account": account,
        "transaction": transaction, "batch": batch, "kind": instalment.receivable.kind_id,
        "mandate": right.id, "mandate_request": right.request_id,
        "remark": remark.id, "link": link.id, "secret": secret, "merchant_account": account.id,
        "difference": session.scalars(select(Difference.id).limit(1)).one(),
        "payout": session.scalars(select(Payout.id)).one(), **surveys,
    }  # fmt: skip
