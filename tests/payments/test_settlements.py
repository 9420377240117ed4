"""What a gateway says is kept once, in whatever order and however often it says it, and matched with our money."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from skarbnik import clock
from skarbnik.errors import Nonsense
from skarbnik.money import ZERO, Money
from skarbnik.payments import settlements
from skarbnik.payments.models import (
    Payout,
    SettlementLine,
    SettlementOrigin,
    SettlementReport,
)
from skarbnik.payments.reconciliation import get_day
from skarbnik.payments.states import RefundKind
from skarbnik.plugin_api import SettlementKind
from skarbnik.testing.factories import MerchantAccountFactory, TransactionFactory

REPORT, ASKED, STATEMENT = SettlementOrigin
DAY = date(2026, 11, 24)
K = SettlementKind


@pytest.fixture
def keep(session, account):
    """Keep what is told and match it. How much of it was news."""

    def make(*lines, origin=REPORT, to=None):
        news = settlements.keep(session, (to or account).id, lines, origin)
        settlements.match(session, (to or account).id)
        session.expire_all()
        return news

    return make


@pytest.fixture
def lines(session):
    def read(*columns):
        return session.execute(select(*columns).order_by(SettlementLine.external_id)).all()

    return read


def test_the_same_report_twice_changes_nothing(captured, told, keep, lines):
    report = [told(captured()), told(captured(5_000)), told(kind=K.FEE, amount=Money(-30))]

    assert [keep(*report), keep(*report)] == [3, 0]

    assert len(lines(SettlementLine.id)) == 3
    assert [row.capture_id is None for row in lines(SettlementLine.capture_id)] == [False, False, True]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_order_pieces_and_repetitions_of_a_report_do_not_matter(session, account, captured, told, data):
    with session.begin_nested() as undone:
        first, second = captured(), captured(7_777)
        payout = told(kind=K.PAYOUT, external_id="P-1", amount=Money(17_000))
        whole = [
            payout,
            told(first, payout="P-1", fee=Money(100)),
            told(second, payout="P-1", fee=Money(77)),
            told(kind=K.REFUND, external_id="R-1", amount=Money(-600), payment=first.external_id, payout="P-1"),
            told(external_id="UNKNOWN"),
        ]
        rest = data.draw(st.permutations(whole[1:]))
        repeated = [payout, *data.draw(st.lists(st.sampled_from(whole), max_size=6)), *rest]
        cut = data.draw(st.integers(1, len(repeated)))
        for piece in (repeated[:cut], repeated[cut:]):
            settlements.keep(session, account.id, piece, REPORT)
            settlements.match(session, account.id)

        rows = session.execute(
            select(
                SettlementLine.external_id, SettlementLine.amount, SettlementLine.capture_id, SettlementLine.payout_id
            ).order_by(SettlementLine.external_id)
        ).all()
        paid_out = session.scalars(select(Payout.id)).one()
        assert sorted(rows) == sorted([
            (first.external_id, Money(10_000), first.id, paid_out),
            (second.external_id, Money(7_777), second.id, paid_out),
            ("R-1", Money(-600), first.id, paid_out),
            ("UNKNOWN", Money(10_000), None, None),
        ], key=lambda row: row[0])  # fmt: skip
        undone.rollback()


def test_the_newest_word_of_a_gateway_counts(captured, told, keep, lines):
    capture = captured()
    keep(told(capture, amount=Money(1), fee=Money(5)))

    assert keep(told(capture, fee=Money(9))) == 1

    assert lines(SettlementLine.amount, SettlementLine.fee) == [(Money(10_000), Money(9))]


def test_an_answer_about_one_payment_does_not_take_back_the_fee_and_the_payout_of_a_report(captured, told, keep, lines):
    capture = captured()
    keep(told(kind=K.PAYOUT, external_id="P-1"), told(capture, fee=Money(9), payout="P-1"))

    keep(told(capture, happened_at=capture.captured_at + timedelta(days=3)), origin=ASKED)
    keep(told(capture, fee=Money(9)))

    ((fee, payout, origin, day),) = lines(
        SettlementLine.fee, SettlementLine.payout_id, SettlementLine.origin, SettlementLine.counts_on
    )
    assert (fee, payout is None, origin, day) == (Money(9), False, REPORT, DAY)


def test_a_payment_is_known_by_the_number_of_the_report_and_by_our_own_id(session, captured, told, keep, lines):
    first, second = captured(), captured()
    first.payment_id = "4300000001"
    session.flush()

    keep(
        told(first, external_id="4300000001"),
        told(second, external_id="SOMETHING-ELSE", transaction_id=second.transaction_id),
    )

    assert {row.capture_id for row in lines(SettlementLine.capture_id)} == {first.id, second.id}


def test_a_second_payment_for_one_attempt_is_money_we_do_not_have(captured, told, keep, lines):
    capture = captured()

    keep(told(capture), told(capture, external_id="TWICE", transaction_id=capture.transaction_id))

    assert lines(SettlementLine.external_id, SettlementLine.capture_id) == [
        (capture.external_id, capture.id),
        ("TWICE", None),
    ]


def test_a_line_that_names_an_attempt_of_another_account_belongs_to_nothing(session, captured, told, keep, lines):
    other = MerchantAccountFactory()
    foreign = captured(on=other)

    keep(told(foreign, transaction_id=foreign.transaction_id))

    assert lines(SettlementLine.capture_id, SettlementLine.transaction_id) == [(None, None)]


def test_two_accounts_may_use_the_same_numbers(session, account, captured, told, keep):
    other = MerchantAccountFactory()

    assert keep(told(external_id="1")) == 1
    assert keep(told(external_id="1"), to=other) == 1


@pytest.mark.parametrize("by", ["our id", "its number"])
def test_a_refund_asked_for_here_is_known(captured, told, went_back, keep, lines, by):
    capture = captured()
    refund = went_back(capture, 400)
    words = {"refund_id": refund.id} if by == "our id" else {"external_id": "BACK-1"}

    keep(told(kind=K.REFUND, amount=Money(-400), payment=capture.external_id, **words))

    assert lines(SettlementLine.refund_id, SettlementLine.capture_id) == [(refund.id, capture.id)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": ZERO},
        {"amount": Money(-1)},
        {"amount": Money(10**13 + 1)},
        {"fee": Money(-1)},
        {"external_id": ""},
        {"external_id": "1" * 81},
        {"external_id": "a\x00b"},
        {"payment": "a\nb"},
        {"payout": ""},
        {"currency": "ZŁOTY"},
        {"happened_at": datetime(2026, 11, 24, 12)},
        {"kind": K.REFUND},
        {"kind": K.CHARGEBACK},
        {"kind": K.FEE},
    ],
)
def test_a_line_that_cannot_be_is_nonsense_and_nothing_of_its_report_is_kept(session, account, told, wrong):
    with pytest.raises(Nonsense):
        settlements.keep(session, account.id, [told(), told(**wrong)], REPORT)

    assert session.scalar(select(func.count()).select_from(SettlementLine)) == 0


@pytest.mark.parametrize("day", [date(2026, 10, 25), date(2027, 3, 28)])
@pytest.mark.parametrize("hour", [1, 2, 3, 12, 23])
def test_a_payment_at_any_hour_of_a_day_when_clocks_are_moved_counts_on_that_day(
    session, captured, told, keep, account, day, hour
):
    with clock.stopped_at(datetime(2027, 4, 1, tzinfo=UTC)):
        moment = datetime(day.year, day.month, day.day, hour, 30, tzinfo=clock.WARSAW)
        capture = captured(moment=moment)
        keep(told(capture))

        found = {each: get_day(session, day + timedelta(days=each))[0] for each in (-1, 0, 1)}

    assert [found[each].captured.number for each in (-1, 0, 1)] == [0, 1, 0]
    assert [found[each].of_gateway("payment").number for each in (-1, 0, 1)] == [0, 1, 0]
    assert clock.start_of(day + timedelta(days=1)) - clock.start_of(day) in {timedelta(hours=23), timedelta(hours=25)}


def test_a_payment_seconds_before_midnight_is_not_on_two_days(session, captured, told, keep):
    midnight = datetime(2026, 11, 25, tzinfo=clock.WARSAW)
    capture = captured(moment=midnight - timedelta(seconds=2))

    keep(told(capture, happened_at=midnight + timedelta(seconds=1)))

    today, tomorrow = (get_day(session, day)[0] for day in (DAY, DAY + timedelta(days=1)))
    assert today.captured == today.of_gateway("payment")
    assert (today.captured.number, today.of_gateway("payment").number) == (1, 1)
    assert tomorrow.is_empty


def test_days_not_told_or_not_matched_are_asked_about_again(session, account, captured, told, keep):
    with clock.stopped_at(datetime(2026, 11, 27, 4, tzinfo=UTC)):
        week = [date(2026, 11, 20) + timedelta(days=number) for number in range(7)]
        assert settlements.days_to_ask(session, account) == week
        for day in week:
            settlements.note_told(session, account.id, day, REPORT)
        assert settlements.days_to_ask(session, account) == []

        capture = captured()
        assert settlements.days_to_ask(session, account) == [DAY]
        keep(told(capture))
        assert settlements.days_to_ask(session, account) == []


def test_a_day_that_was_asked_about_before_it_was_over_is_asked_about_again(session, account):
    with clock.stopped_at(datetime(2026, 11, 26, 12, tzinfo=UTC)):
        settlements.note_told(session, account.id, date(2026, 11, 26), REPORT)
    with clock.stopped_at(datetime(2026, 11, 27, 4, tzinfo=UTC)):
        assert date(2026, 11, 26) in settlements.days_to_ask(session, account)


def test_nothing_is_asked_about_days_before_the_account_was_there(session, account):
    account.created_at = datetime(2026, 11, 25, 12, tzinfo=UTC)
    with clock.stopped_at(datetime(2026, 11, 27, 4, tzinfo=UTC)):
        assert settlements.days_to_ask(session, account) == [date(2026, 11, 25), date(2026, 11, 26)]


def test_a_day_is_noted_once(session, account):
    for _ in range(2):
        settlements.note_asked(session, account.id, DAY, REPORT)
    settlements.note_told(session, account.id, DAY, STATEMENT)

    (row,) = session.scalars(select(SettlementReport))
    assert (row.origin, row.told_at is None) == (STATEMENT, False)


def test_the_database_refuses_money_with_the_wrong_sign(session, account, told, keep):
    keep(told())
    with pytest.raises(Exception, match="settlement_lines_sign_check"), session.begin_nested():
        session.execute(text("UPDATE settlement_lines SET kind = 'refund'"))


def test_a_line_about_an_attempt_nobody_paid_names_it(session, account, told, keep, lines):
    transaction = TransactionFactory(started=True, merchant_account=account)

    keep(told(transaction_id=transaction.id))

    assert lines(SettlementLine.transaction_id, SettlementLine.capture_id) == [(transaction.id, None)]


@pytest.mark.parametrize("amounts", [(3_000, 5_000), (5_000, 3_000)])
def test_of_two_refunds_written_down_with_one_reference_a_line_is_the_one_of_its_amount(
    captured, went_back, told, keep, lines, amounts
):
    """Two payments of one order went back by transfers that the office called alike."""
    made = {
        grosze: went_back(captured(), grosze, None, kind=RefundKind.OUTSIDE, happened_on=DAY, reference="WB 7").id
        for grosze in amounts
    }
    keep(told(kind=K.REFUND, external_id="WB 7", amount=Money(-5_000)))

    assert lines(SettlementLine.refund_id) == [(made[5_000],)]
