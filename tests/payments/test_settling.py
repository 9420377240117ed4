"""Every night each gateway is asked about yesterday; what it does not say is asked for again, and nothing twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from skarbnik import clock
from skarbnik.errors import BrokenFile, ExternalSystemError, FileProblem
from skarbnik.money import Money
from skarbnik.payments import settling
from skarbnik.payments.models import Capture, Difference, SettlementLine, SettlementOrigin, SettlementReport
from skarbnik.payments.services import record_report
from skarbnik.payments.settling import next_night
from skarbnik.plugin_api import GatewayReport, SettlementKind, TransactionState
from skarbnik.plugin_api import SettlementLine as Told
from skarbnik.testing.factories import (
    InstalmentFactory,
    MerchantAccountFactory,
    TransactionFactory,
    bound_to,
    report_on,
)

DAY = date(2026, 11, 26)
NOON = datetime(2026, 11, 26, 11, tzinfo=UTC)
NIGHT = datetime(2026, 11, 27, 5, 30, tzinfo=UTC)


class Gateway:
    """Says what a test wants; what it was asked is kept. No connection of the pool may be out meanwhile."""

    def __init__(self, pool):
        self.pool = pool
        self.asked = []
        self.days = {}
        self.payments = {}
        self.statement = []

    def settlement_report(self, day):
        self.asked.append(day)
        return self._said(self.days.get(day, []))

    def fetch(self, key):
        self.asked.append(key.transaction_id)
        return self._said(self.payments[key.transaction_id])

    def read_statement(self, stream):
        return self._said(self.statement)

    def _said(self, answer):
        assert self.pool.checkedout() == 0
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def gateway(tenant, monkeypatch):
    made = Gateway(tenant.instance.engine.pool)
    monkeypatch.setattr(settling, "open_gateway", lambda tenant, account: made)
    return made


@pytest.fixture
def town(tenant):
    """`town(gateway, *amounts)`: an account three days old, and payments captured yesterday at noon."""

    def make(kind, *amounts, where=tenant, merchant="1"):
        with where.session() as session, bound_to(session):
            account = MerchantAccountFactory(gateway=kind, merchant=merchant, created_at=NOON - timedelta(days=1))
            for number, amount in enumerate(amounts):
                one(session, account, amount, f"N-{number}")
        with where.session() as session:
            captures = list(session.scalars(select(Capture).order_by(Capture.external_id)))
        return account, captures

    return make


def one(session, account, grosze, number):
    instalment = InstalmentFactory(principal=Money(grosze), receivable__kind__creditor_account=account.creditor_account)
    transaction = TransactionFactory(
        started=True, amount=Money(grosze), instalment=instalment, merchant_account=account, external_id=number
    )
    record_report(session, transaction.id, report_on(transaction, number, happened_at=NOON))
    return transaction


def line(capture, **more):
    words = {"external_id": capture.external_id, "amount": capture.amount, "currency": "PLN", "happened_at": NOON}
    return Told(SettlementKind.PAYMENT, **(words | more))


def answer(capture, **more):
    words = {"external_id": capture.external_id, "amount": capture.amount, "currency": "PLN"}
    return GatewayReport(capture.transaction_id, **(words | more))


def read(tenant, *columns):
    with tenant.session() as session:
        return session.execute(select(*columns)).all()


def at_night(work, *arguments):
    with clock.stopped_at(NIGHT):
        return work(*arguments)


def test_a_gateway_is_asked_about_the_days_that_are_due_and_comes_back_the_next_night(tenant, town, gateway):
    account, (capture,) = town("przelewy24", 10_000)
    gateway.days = {DAY: [line(capture)]}

    again = at_night(settling.every_night, tenant, account.id)

    assert gateway.asked == [DAY - timedelta(days=1), DAY]
    assert read(tenant, SettlementLine.capture_id, SettlementLine.origin) == [(capture.id, SettlementOrigin.REPORT)]
    assert read(tenant, Difference.id) == []
    assert again.at == next_night(account.id, NIGHT) > NIGHT
    gateway.asked.clear()
    at_night(settling.every_night, tenant, account.id)
    assert gateway.asked == []


@pytest.mark.parametrize(
    ("error", "said"), [(ExternalSystemError("x"), "ExternalSystemError"), (ValueError("x"), "PluginFailed")]
)
def test_a_gateway_that_does_not_answer_is_asked_again_in_an_hour_and_nothing_is_missing(
    tenant, town, gateway, error, said
):
    account, (capture,) = town("przelewy24", 10_000)
    gateway.days = {DAY: error}

    again = at_night(settling.every_night, tenant, account.id)

    assert again.at == NIGHT + timedelta(hours=1)
    found = read(tenant, SettlementReport.day, SettlementReport.told_at.is_(None), SettlementReport.error)
    assert sorted(found) == [(DAY - timedelta(days=1), False, None), (DAY, True, said)]
    assert read(tenant, Difference.id) == []

    gateway.days = {DAY: [line(capture)]}
    gateway.asked.clear()
    at_night(settling.every_night, tenant, account.id)
    assert gateway.asked == [DAY]
    assert read(tenant, SettlementReport.error) == [(None,), (None,)]


def test_a_report_that_cannot_be_is_kept_in_no_part(tenant, town, gateway):
    account, (capture,) = town("przelewy24", 10_000)
    gateway.days = {DAY: [line(capture), line(capture, external_id="x" * 81)]}

    at_night(settling.every_night, tenant, account.id)

    assert read(tenant, SettlementLine.id) == []
    assert ("Nonsense",) in read(tenant, SettlementReport.error)


def test_what_came_late_in_the_report_of_a_day_is_found_the_night_after(tenant, town, gateway):
    account, (first, second) = town("przelewy24", 10_000, 5_000)
    gateway.days = {DAY: [line(second)]}
    at_night(settling.every_night, tenant, account.id)
    gateway.days = {DAY: [line(second), line(first)]}
    gateway.asked.clear()

    at_night(settling.every_night, tenant, account.id)

    assert gateway.asked == [DAY]
    assert {capture for (capture,) in read(tenant, SettlementLine.capture_id)} == {first.id, second.id}
    assert read(tenant, Difference.id) == []


def test_where_there_is_no_report_each_payment_is_asked_about_once(tenant, town, gateway):
    account, captures = town("payu", 10_000, 5_000)
    gateway.payments = {each.transaction_id: answer(each) for each in captures}

    at_night(settling.every_night, tenant, account.id)
    at_night(settling.every_night, tenant, account.id)

    assert sorted(gateway.asked) == sorted(each.transaction_id for each in captures)
    assert {row.capture_id for row in read(tenant, SettlementLine.capture_id)} == {each.id for each in captures}
    assert {row.origin for row in read(tenant, SettlementReport.origin)} == {SettlementOrigin.ASKED}


def test_a_payment_the_gateway_does_not_confirm_any_more_is_missing_after_two_days(tenant, town, gateway):
    account, (capture,) = town("payu", 10_000)
    gateway.payments = {capture.transaction_id: answer(capture, state=TransactionState.REJECTED)}

    at_night(settling.every_night, tenant, account.id)
    assert read(tenant, Difference.kind) == []
    with clock.stopped_at(NIGHT + timedelta(days=1)):
        settling.every_night(tenant, account.id)
    assert read(tenant, Difference.kind, Difference.subject_id) == [("portal_only", capture.id)]


def test_one_payment_the_gateway_is_silent_about_does_not_keep_the_others(tenant, town, gateway):
    account, captures = town("payu", *range(1_000, 1_006))
    gateway.payments = {each.transaction_id: answer(each) for each in captures}
    gateway.payments[captures[1].transaction_id] = ExternalSystemError("x")

    again = at_night(settling.every_night, tenant, account.id)

    assert len(read(tenant, SettlementLine.id)) == 5
    assert again.at == NIGHT + timedelta(hours=1)
    gateway.asked.clear()
    gateway.payments[captures[1].transaction_id] = answer(captures[1])
    at_night(settling.every_night, tenant, account.id)
    assert gateway.asked == [captures[1].transaction_id]
    assert len(read(tenant, SettlementLine.id)) == 6


def test_a_gateway_that_is_silent_three_times_in_a_row_is_left_alone(tenant, town, gateway):
    account, captures = town("payu", *range(1_000, 1_010))
    gateway.payments = {each.transaction_id: ExternalSystemError("x") for each in captures}

    at_night(settling.every_night, tenant, account.id)

    assert len(gateway.asked) == 3


def test_asking_for_too_long_lets_others_have_their_turn_and_goes_on_where_it_was(tenant, town, gateway, monkeypatch):
    account, captures = town("payu", *range(1_000, 1_004))
    gateway.payments = {each.transaction_id: answer(each) for each in captures}
    monkeypatch.setattr(settling, "LONGEST", -1.0)
    assert at_night(settling.every_night, tenant, account.id).at == NIGHT + settling.IN_A_MOMENT
    assert gateway.asked == []

    monkeypatch.setattr(settling, "LONGEST", 60.0)
    at_night(settling.every_night, tenant, account.id)

    assert len(gateway.asked) == len(set(gateway.asked)) == 4


def test_money_the_gateway_has_for_an_attempt_of_today_is_captured_by_asking(tenant, gateway, outbox_topics):
    with tenant.session() as session, bound_to(session):
        account = MerchantAccountFactory(gateway="payu")
        instalment = InstalmentFactory(receivable__kind__creditor_account=account.creditor_account)
        transaction = TransactionFactory(started=True, instalment=instalment, merchant_account=account)
    gateway.payments = {
        transaction.id: GatewayReport(transaction.id, transaction.external_id, transaction.amount, "PLN")
    }
    with tenant.session() as session:
        settling.begin_asking(session, tenant, clock.today())
        own = SettlementReport.merchant_account_id == account.id
        report = session.scalars(select(SettlementReport.id).where(own)).one()

    settling.ask_now(tenant, report)

    assert read(tenant, Difference.kind) == [("gateway_only",)]
    assert ("payments.notified", transaction.id) in outbox_topics()
    with tenant.session() as session, bound_to(session):
        found = session.merge(transaction)
        record_report(session, transaction.id, report_on(found, transaction.external_id))
    settling.match_again(tenant, account.id)
    assert read(tenant, Difference.resolution) == [("captured",)]


@pytest.fixture
def outbox_topics(clean):
    def find():
        with clean.as_admin() as connection:
            return connection.execute("SELECT topic, subject_id FROM work.outbox").fetchall()

    return find


def test_two_gminas_with_the_same_gateway_and_the_same_numbers_do_not_meet(tenant, neighbour, town, gateway):
    account, (capture,) = town("przelewy24", 10_000)
    other, (foreign,) = town("przelewy24", 77, where=neighbour)
    assert capture.external_id == foreign.external_id
    gateway.days = {DAY: [line(capture)]}
    at_night(settling.every_night, tenant, account.id)

    assert read(neighbour, SettlementLine.id) == []
    gateway.days = {DAY: [line(foreign)]}
    at_night(settling.every_night, neighbour, other.id)
    assert read(tenant, SettlementLine.capture_id, SettlementLine.amount) == [(capture.id, Money(10_000))]
    assert read(neighbour, SettlementLine.capture_id, SettlementLine.amount) == [(foreign.id, Money(77))]


def test_two_workers_with_one_report_keep_it_once(tenant, town, gateway):
    account, captures = town("przelewy24", *range(1_000, 1_030))
    lines = [line(each) for each in captures]
    gateway.pool = type("Any", (), {"checkedout": staticmethod(lambda: 0)})
    gateway.days = {DAY: lines}

    def run(backwards):
        gateway.days[DAY] = lines[::-1] if backwards else lines
        with clock.stopped_at(NIGHT):
            return settling.every_night(tenant, account.id)

    with ThreadPoolExecutor(2) as both:
        list(both.map(run, [False, True]))

    assert len(read(tenant, SettlementLine.id)) == 30
    assert read(tenant, Difference.id) == []


def test_a_worker_killed_between_keeping_and_matching_leaves_nothing_undone(tenant, town, gateway, monkeypatch):
    account, (capture,) = town("przelewy24", 10_000)
    gateway.days = {DAY: [line(capture)]}
    with monkeypatch.context() as killed:
        killed.setattr(settling.settlements, "match", lambda session, account_id: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            at_night(settling.every_night, tenant, account.id)
    assert read(tenant, SettlementLine.capture_id) == [(None,)]

    at_night(settling.every_night, tenant, account.id)

    assert read(tenant, SettlementLine.capture_id) == [(capture.id,)]


def test_no_more_than_two_are_asked_at_once_in_a_process(tenant, town, gateway, monkeypatch):
    account, _captures = town("przelewy24", 10_000)
    for _ in range(2):
        assert settling._AT_ONCE.acquire(blocking=False)
    try:
        assert at_night(settling.every_night, tenant, account.id).at == NIGHT + settling.IN_A_MOMENT
    finally:
        settling._AT_ONCE.release(2)
    assert gateway.asked == []


def test_a_new_account_is_asked_every_night_from_now_on_and_once(tenant, open_account, outbox_topics):
    with tenant.session() as session, bound_to(session):
        account = open_account(session, tenant)
        creditor = account.creditor_account
    with tenant.session() as session:
        open_account(session, tenant, creditor, second_key="d" * 32)

    assert [row for row in outbox_topics() if row[0] == "settlements.every_night"] == [
        ("settlements.every_night", account.id)
    ]


def test_a_statement_fills_what_asking_could_not_tell_and_the_same_file_changes_nothing(tenant, town, gateway):
    account, (capture,) = town("payu", 10_000)
    gateway.payments = {capture.transaction_id: answer(capture)}
    at_night(settling.every_night, tenant, account.id)
    payout = Told(SettlementKind.PAYOUT, "W1", Money(9_900), "PLN", NOON)
    gateway.statement = [line(capture, fee=Money(100), payout="W1"), payout]

    assert at_night(settling.take_statement, tenant, account, BytesIO()) == (2, 1)
    assert at_night(settling.take_statement, tenant, account, BytesIO()) == (2, 0)

    ((fee, origin, day),) = read(tenant, SettlementLine.fee, SettlementLine.origin, SettlementLine.counts_on)
    assert (fee, origin, day) == (Money(100), SettlementOrigin.STATEMENT, DAY)
    assert read(tenant, Difference.id) == []


def test_a_statement_tells_the_days_it_is_of_and_not_those_of_what_a_payout_paid_out():
    def at(day, kind=SettlementKind.PAYMENT, payout=None):
        amount = Money(-1) if kind is SettlementKind.FEE else Money(1)
        return Told(kind, f"{kind}{day}", amount, "PLN", NOON + timedelta(days=day), payout=payout)

    older, own, paid_out = at(-9, payout="W"), at(0), at(2, SettlementKind.PAYOUT)
    assert settling.days_of([older, own, paid_out]) == [DAY + timedelta(days=each) for each in (2, 0)]
    assert settling.days_of([older]) == [DAY - timedelta(days=9)]
    assert settling.days_of([]) == []
    assert settling.days_of([own, at(-91), at(-92), at(-5_000)]) == [DAY, DAY - timedelta(days=91)]


def test_a_short_statement_does_not_tell_the_days_it_leaves_out(tenant, town, gateway):
    """One old correction beside a payment of today: the gateway has not said that nothing came in between."""
    account, (capture,) = town("payu", 10_000)
    with tenant.session() as session:
        session.get_one(Capture, capture.id).captured_at = NOON - timedelta(days=30)
    gateway.statement = [
        Told(SettlementKind.CORRECTION, "K-1", Money(-1), "PLN", NOON - timedelta(days=90)),
        Told(SettlementKind.FEE, "F-1", Money(-1), "PLN", NOON),
    ]

    at_night(settling.take_statement, tenant, account, BytesIO())

    assert sorted(day for (day,) in read(tenant, SettlementReport.day)) == [DAY - timedelta(days=90), DAY]
    assert read(tenant, Difference.kind) == []


def test_a_gateway_that_is_silent_all_morning_is_left_alone_until_the_next_night(tenant, town, gateway):
    account, _captures = town("przelewy24", 10_000)
    gateway.days = {DAY: ExternalSystemError("x")}
    with clock.stopped_at(NIGHT.replace(hour=12)):
        again = settling.every_night(tenant, account.id)
        assert again.at == next_night(account.id, clock.now())


def test_a_statement_that_cannot_be_used_changes_nothing(tenant, town, gateway):
    account, _captures = town("payu", 10_000)
    gateway.statement = BrokenFile("x", [FileProblem(3, "amount", "źle")])

    with pytest.raises(BrokenFile):
        settling.take_statement(tenant, account, BytesIO())

    assert read(tenant, SettlementLine.id) == read(tenant, SettlementReport.id) == []


@given(st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)), st.uuids())
def test_the_next_night_lies_ahead_within_a_day_and_at_the_accounts_own_time(moment, account_id):
    after = moment.replace(tzinfo=UTC)
    night = next_night(account_id, after)

    assert after < night <= after + timedelta(hours=25)
    local = night.astimezone(clock.WARSAW)
    assert 4 <= local.hour < 6
    assert next_night(account_id, night).astimezone(clock.WARSAW).time() == local.time()
    assert {next_night(UUID(int=number), after) for number in range(3)} != {night}
