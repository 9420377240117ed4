"""Sending money back through a gateway: once, whatever is lost on the way, and asked about until it is known."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.errors import ExternalSystemError, Misconfigured, NotKnown, OutcomeUnknown, Refused
from skarbnik.money import Money
from skarbnik.payments import gateways, refund_tasks
from skarbnik.payments.models import BookingLine, Capture, Difference, Refund, Transaction
from skarbnik.payments.notifications import keep_notification
from skarbnik.payments.refunds import approve_refund, next_refund_question, propose_refund
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, RefundKind, RefundStage
from skarbnik.plugin_api import NotificationHint, RawNotification, RefundReport, RefundState
from skarbnik.receivables.models import CreditorAccount
from skarbnik.testing.factories import MerchantAccountFactory, OfficialFactory, TransactionFactory, bound_to, report_on

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Gateway:
    """A gateway that does as it is told: `answers` for `refund` and `fetch_refund` in turn, the last one for ever."""

    def __init__(self):
        self.asked = []
        self.sends, self.finds = [RefundState.PENDING], [RefundState.COMPLETED]

    def refund(self, request):
        self.asked.append(("refund", request))
        return self._answer(self.sends, request.refund_id, request.amount)

    def fetch_refund(self, key):
        self.asked.append(("fetch", key))
        with self.tenant.session() as session:
            amount = session.get_one(Refund, key.refund_id).amount
        return self._answer(self.finds, key.refund_id, amount)

    def _answer(self, answers, refund_id, amount):
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return RefundReport(refund_id, "R-1", amount, "PLN", answer)

    @property
    def calls(self):
        return [what for what, _request in self.asked]


@pytest.fixture
def gateway(monkeypatch, tenant):
    made = Gateway()
    made.tenant = tenant
    monkeypatch.setattr(gateways, "open_gateway", lambda tenant, account, version=None: made)
    return made


@pytest.fixture
def refund(tenant):
    """A refund of 40,00 zł out of 100,00 zł that was approved, and nobody was called yet."""
    return approved(tenant)


def approved(tenant, transaction=None):
    with tenant.session() as session, bound_to(session):
        transaction = transaction or TransactionFactory(started=True)
        transaction = session.get_one(Transaction, transaction.id)
        record_report(session, transaction.id, report_on(transaction, "E-1"))
        capture = session.scalars(select(Capture).where(Capture.transaction_id == transaction.id)).one()
        (line,) = capture.booking_lines
        made = propose_refund(
            session,
            capture.id,
            kind=RefundKind.GATEWAY,
            lines={line.id: Money(4_000)},
            reason="Anna Kowalska zapłaciła dwa razy",
            by=OfficialFactory().id,
        )
        return approve_refund(session, made.id, by=OfficialFactory().id)


def now(tenant, refund):
    with tenant.session() as session:
        return session.get_one(Refund, refund.id)


def lines(tenant):
    with tenant.session() as session:
        return sorted(line.state for line in session.scalars(select(BookingLine)))


def open_kinds(tenant):
    with tenant.session() as session:
        return sorted(session.scalars(select(Difference.kind).where(Difference.closed_at.is_(None))))


def test_it_is_sent_once_and_asked_about_until_it_is_done(tenant, refund, gateway):
    again = refund_tasks.refund(tenant, refund.id)
    assert (now(tenant, refund).state, now(tenant, refund).external_id) == (RefundStage.SENT, "R-1")
    assert again.at > clock.now()

    assert refund_tasks.refund(tenant, refund.id) is None
    assert now(tenant, refund).state is RefundStage.COMPLETED
    assert gateway.calls == ["refund", "fetch"]
    assert lines(tenant) == [BookingState.WAITING, BookingState.WAITING]


def test_the_gateway_is_told_where_news_go_and_nothing_of_the_reason(tenant, refund, gateway):
    refund_tasks.refund(tenant, refund.id)

    ((_what, request),) = gateway.asked
    with tenant.session() as session:
        transaction = session.scalars(select(Transaction)).one()
        number, secret = transaction.order.number, transaction.merchant_account.hook_secret
    assert request.refund_id == refund.id
    assert request.amount == Money(4_000)
    assert request.transaction.external_id == "E-1"
    assert request.notify_url == tenant.url(f"/hooks/payments/payu/{secret}")
    assert request.reason == f"Zwrot {number}"
    assert len(request.reason) <= 35


def test_our_id_is_committed_before_anybody_is_called(tenant, refund, gateway, monkeypatch):
    found = []

    def look(request):
        with tenant.session() as session:
            found.append(session.get_one(Refund, request.refund_id).state)
        return RefundReport(request.refund_id, "R-1", request.amount, "PLN", RefundState.PENDING)

    monkeypatch.setattr(gateway, "refund", look)
    refund_tasks.refund(tenant, refund.id)
    assert found == [RefundStage.APPROVED]


def test_a_worker_that_died_at_the_call_sends_it_again_with_the_same_id(tenant, refund, gateway):
    gateway.sends = [KeyboardInterrupt(), RefundState.COMPLETED]
    with pytest.raises(KeyboardInterrupt):
        refund_tasks.refund(tenant, refund.id)
    assert now(tenant, refund).asked_times == 0

    refund_tasks.refund(tenant, refund.id)

    assert now(tenant, refund).state is RefundStage.COMPLETED
    assert {request.refund_id for _what, request in gateway.asked} == {refund.id}


def test_a_time_out_is_unknown_and_found_later(tenant, refund, gateway):
    gateway.sends, gateway.finds = [OutcomeUnknown("cut")], [RefundState.COMPLETED]
    again = refund_tasks.refund(tenant, refund.id)

    assert now(tenant, refund).state is RefundStage.APPROVED
    assert again.at > clock.now()
    assert lines(tenant) == [BookingState.PLANNED, BookingState.WAITING]
    assert open_kinds(tenant) == []

    assert refund_tasks.refund(tenant, refund.id) is None
    assert now(tenant, refund).state is RefundStage.COMPLETED
    assert gateway.calls == ["refund", "fetch"]


def test_a_time_out_that_never_arrived_is_sent_again(tenant, refund, gateway):
    gateway.sends = [OutcomeUnknown("cut"), RefundState.PENDING]
    gateway.finds = [NotKnown("no such refund"), RefundState.COMPLETED]
    for _ in range(3):
        refund_tasks.refund(tenant, refund.id)

    assert gateway.calls == ["refund", "fetch", "refund", "fetch"]
    assert now(tenant, refund).state is RefundStage.COMPLETED


def test_a_refusal_after_a_time_out_is_believed_only_when_the_gateway_does_not_have_it(tenant, refund, gateway):
    """The first call arrived and used up what could go back; the gateway's own answer lagged behind."""
    gateway.sends = [OutcomeUnknown("cut"), Refused("the amount is too big")]
    gateway.finds = [NotKnown("no such refund"), RefundState.COMPLETED]
    for _ in range(2):
        refund_tasks.refund(tenant, refund.id)

    assert now(tenant, refund).state is RefundStage.COMPLETED


def test_a_refusal_is_not_believed_while_the_gateway_does_not_answer_whether_it_has_it(tenant, refund, gateway):
    """The first call arrived and used up what could go back: proposed anew, the money would go twice."""
    gateway.sends = [OutcomeUnknown("cut"), Refused("the amount is too big")]
    gateway.finds = [OutcomeUnknown("cut"), OutcomeUnknown("cut"), RefundState.COMPLETED]
    for _ in range(2):
        refund_tasks.refund(tenant, refund.id)
    assert now(tenant, refund).state is RefundStage.APPROVED

    refund_tasks.refund(tenant, refund.id)
    assert now(tenant, refund).state is RefundStage.COMPLETED


def test_a_refusal_ends_it_with_the_gateways_words_and_a_person_is_told(tenant, refund, gateway):
    gateway.sends, gateway.finds = [Refused("PayU answered 400 9102 NO_BALANCE")], [NotKnown("unknown")]

    assert refund_tasks.refund(tenant, refund.id) is None

    found = now(tenant, refund)
    assert (found.state, found.answer) == (RefundStage.REJECTED, "PayU answered 400 9102 NO_BALANCE")
    assert lines(tenant) == [BookingState.DROPPED, BookingState.WAITING]
    assert open_kinds(tenant) == ["refund_refused"]


def test_a_refund_that_fails_later_is_rejected_and_moved_no_money(tenant, refund, gateway):
    gateway.finds = [RefundState.REJECTED]
    for _ in range(2):
        refund_tasks.refund(tenant, refund.id)

    assert now(tenant, refund).state is RefundStage.REJECTED
    assert open_kinds(tenant) == ["refund_refused"]


def test_a_gateway_that_is_silent_is_asked_after_1_5_and_15_minutes_then_hourly_then_daily(tenant, gateway):
    with clock.stopped_at(START):
        refund = approved(tenant)
    gateway.sends = gateway.finds = [OutcomeUnknown("silence")]
    moment, moments = START, []
    while moment is not None:
        with clock.stopped_at(moment):
            again = refund_tasks.refund(tenant, refund.id)
        moment = again.at if again is not None else None
        moments += [moment] if moment is not None else []

    minutes = [(each - START) / timedelta(minutes=1) for each in moments]
    assert minutes[:4] == [1, 5, 15, 30]
    steps = [later - earlier for earlier, later in pairwise(moments[3:])]
    assert steps == [timedelta(hours=1)] * 24 + [timedelta(days=1)] * 29
    assert now(tenant, refund).state is RefundStage.APPROVED
    assert open_kinds(tenant) == ["refund_unanswered"]


@pytest.mark.parametrize("answer", [ExternalSystemError("silence"), Refused("nothing was paid there")], ids=repr)
def test_what_was_sent_is_only_asked_about_and_a_question_is_no_refusal(tenant, refund, gateway, answer):
    gateway.finds = [answer]
    for _ in range(3):
        refund_tasks.refund(tenant, refund.id)

    assert gateway.calls == ["refund", "fetch", "fetch"]
    assert now(tenant, refund).state is RefundStage.SENT


def test_keys_that_are_not_taken_send_nothing_twice_and_lose_nothing(tenant, refund, gateway):
    gateway.sends, gateway.finds = [Misconfigured("401"), RefundState.COMPLETED], [Misconfigured("401")]
    again = refund_tasks.refund(tenant, refund.id)
    assert (now(tenant, refund).state, now(tenant, refund).answer) == (RefundStage.APPROVED, "Misconfigured")
    assert again is not None


def test_the_newest_keys_are_tried_where_those_of_the_payment_are_not_taken(
    tenant, pay, open_account, monkeypatch, gateway
):
    account = pay(tenant)
    with tenant.session() as session:
        creditor_account = session.get_one(CreditorAccount, account.creditor_account_id)
        open_account(session, tenant, creditor_account, second_key="c" * 32)
    refund = approved(tenant, account.paid)
    tried = []

    def opened(tenant, account, version=None):
        tried.append(version or account.settings_version)
        if tried[-1] == 1:
            raise Misconfigured("the old secret is not taken any more")
        return gateway

    monkeypatch.setattr(gateways, "open_gateway", opened)
    refund_tasks.refund(tenant, refund.id)

    assert tried == [1, 2]
    assert now(tenant, refund).state is RefundStage.SENT


def test_a_plugin_that_is_gone_is_waited_for(tenant, monkeypatch):
    with tenant.session() as session, bound_to(session):
        transaction = TransactionFactory(started=True)
        transaction.merchant_account.gateway = "gone"
    refund = approved(tenant, transaction)

    assert refund_tasks.refund(tenant, refund.id) is not None
    assert (now(tenant, refund).state, now(tenant, refund).answer) == (RefundStage.APPROVED, "NotFound")


@pytest.mark.parametrize("state", [RefundStage.PROPOSED, RefundStage.WITHDRAWN, RefundStage.COMPLETED])
def test_nobody_is_asked_about_what_is_not_at_the_gateway(tenant, refund, gateway, state):
    with tenant.session() as session:
        found = session.get_one(Refund, refund.id)
        found.state = state
        if state is not RefundStage.COMPLETED:
            found.decided_by = found.decided_at = None
            session.scalars(select(BookingLine).where(BookingLine.refund_id == refund.id)).one().state = (
                BookingState.PLANNED if state is RefundStage.PROPOSED else BookingState.DROPPED
            )
    assert refund_tasks.refund(tenant, refund.id) is None
    assert refund_tasks.refund_notified(tenant, refund.id) is None
    assert gateway.calls == []


def test_news_of_a_refund_ask_at_once_and_a_few_times_more(tenant, refund, gateway):
    gateway.finds = [RefundState.PENDING]
    refund_tasks.refund(tenant, refund.id)
    asked = 0
    while refund_tasks.refund_notified(tenant, refund.id) is not None:
        asked += 1
    assert 0 < asked < 10


def rung(lab):
    with lab.as_admin() as connection:
        return connection.execute(
            "SELECT topic, subject_id FROM work.outbox WHERE topic LIKE 'payments.%%notified' ORDER BY id"
        ).fetchall()


def tell(tenant, transaction, refund_id, account=None):
    with tenant.session() as session:
        account = account or session.get_one(Transaction, transaction.id).merchant_account
        hint = NotificationHint("refund:R-1:FINALIZED", transaction.id, transaction.external_id, refund_id)
        return keep_notification(session, account.id, hint, RawNotification({}, b"{}"))


def test_news_of_a_refund_ring_who_asks_about_it_and_change_nothing(tenant, refund, lab):
    with tenant.session() as session:
        transaction = session.scalars(select(Transaction)).one()

    assert tell(tenant, transaction, refund.id)

    assert rung(lab) == [("payments.refund_notified", refund.id)]
    assert now(tenant, refund).state is RefundStage.APPROVED


def test_news_of_a_refund_that_is_not_of_this_payment_ring_nobody_about_it(tenant, refund, lab, neighbour, some_id):
    """Made in the gateway's panel, of another payment, or of another gmina."""
    other = approved(neighbour)
    with tenant.session() as session, bound_to(session):
        strange = TransactionFactory(started=True)
        transaction = session.get_one(Transaction, session.scalars(select(Capture.transaction_id)).one())
    for payment, named in ((transaction, some_id()), (transaction, other.id), (strange, refund.id)):
        assert tell(tenant, payment, named)

    assert {topic for topic, _subject in rung(lab)} == {"payments.notified"}


def test_news_of_a_payment_that_is_not_this_accounts_are_not_kept(tenant, refund, lab):
    with tenant.session() as session, bound_to(session):
        transaction = session.scalars(select(Transaction)).one()
        foreign = MerchantAccountFactory()

    assert not tell(tenant, transaction, refund.id, account=foreign)
    assert rung(lab) == []


def test_a_forged_notification_of_a_refund_asks_nobody(tenant, app, pay, notify, lab):
    account = pay(tenant)
    refund = approved(tenant, account.paid)
    body = json.dumps(
        {
            "orderId": account.paid.external_id,
            "extOrderId": account.paid.id.hex,
            "refund": {"refundId": "R-1", "extRefundId": refund.id.hex, "status": "FINALIZED"},
        }
    ).encode()

    assert notify(app.test_client(), "lipowo", account, body, key="x" * 32).status_code == 400
    assert rung(lab) == []
    assert notify(app.test_client(), "lipowo", account, body).status_code == 200
    assert rung(lab) == [("payments.refund_notified", refund.id)]


def test_a_refund_that_is_not_at_the_gateway_is_not_asked_about_any_more():
    for state in RefundStage:
        found = Refund(state=state, decided_at=clock.now())
        at_work = state in {RefundStage.APPROVED, RefundStage.SENT}
        assert (next_refund_question(found) is not None) == at_work
