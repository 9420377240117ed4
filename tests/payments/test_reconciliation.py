"""A day side by side, and payouts in parts that add up to the grosz."""

import time
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from skarbnik import clock
from skarbnik.errors import NotFound
from skarbnik.money import ZERO, Money
from skarbnik.payments import differences, settlements
from skarbnik.payments.models import Payout, SettlementOrigin
from skarbnik.payments.reconciliation import (
    PAGE,
    Figure,
    get_day,
    get_payout,
    list_days,
    list_lines,
    list_payout_lines,
    list_payouts,
    split_payout,
)
from skarbnik.payments.states import BookingState
from skarbnik.plugin_api import SettlementKind
from skarbnik.testing.factories import MerchantAccountFactory

DAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 11, tzinfo=UTC)
K = SettlementKind


@pytest.fixture
def tell(session, account):
    """`tell(*lines)`: the gateway told the whole day, after it was over."""

    def make(*lines, day=DAY):
        with clock.stopped_at(clock.start_of(day) + timedelta(days=1, hours=5)):
            settlements.keep(session, account.id, lines, SettlementOrigin.REPORT)
            settlements.note_told(session, account.id, day, SettlementOrigin.REPORT)
            settlements.match(session, account.id)
            differences.look(session, account.id, heal=False)
        session.expire_all()

    return make


def test_gateway_portal_and_finance_system_stand_side_by_side(session, account, captured, told, tell, went_back):
    booked, waiting = captured(10_000), captured(5_000)
    suspended = captured(701, paid=700)
    booked.booking_lines[0].state = BookingState.BOOKED
    booked.booking_lines[0].seen_at = NOON
    back = went_back(waiting, 500, "BACK-1")
    tell(
        told(booked, fee=Money(100)),
        told(waiting, fee=Money(50)),
        told(suspended),
        told(kind=K.REFUND, external_id="BACK-1", amount=Money(-500), refund_id=back.id),
        told(kind=K.FEE, amount=Money(-30)),
    )

    (found,) = get_day(session, DAY)

    assert found.of_gateway("payment") == found.captured == Figure(3, Money(15_700))
    assert found.of_gateway("refund") == Figure(1, Money(-500))
    assert found.refunded == Figure(1, Money(500))
    assert found.fees == Money(180)
    assert found.of_finance("echoed") == Figure(1, Money(10_000))
    assert found.of_finance("waiting") == Figure(1, Money(5_000))
    assert found.of_finance("in_suspense") == Figure(1, Money(700))
    assert (found.was_told, found.mark, found.differences) == (True, "wrong", 1)  # money in suspense is to be decided


def test_a_day_that_differs_says_so_in_the_day_and_in_the_list(session, captured, told, tell):
    capture = captured(10_000)
    tell(told(capture, amount=Money(9_999)), told(external_id="SHOP"))

    (found,) = get_day(session, DAY)
    days = {row.day: row for row in list_days(session, last=DAY + timedelta(days=1))}

    assert (found.mark, found.differences) == ("wrong", 2)
    assert (days[DAY].mark, days[DAY].differences) == ("wrong", 2)
    assert days[DAY + timedelta(days=1)].mark == "now"
    assert len(days) == 31


def test_a_day_is_green_once_every_gateway_told_it_after_it_was_over(session, account, captured, told, tell):
    tell(told(captured(10_000)))
    assert list_days(session, last=DAY, days=1)[0].mark == "done"

    other = MerchantAccountFactory(created_at=NOON - timedelta(days=3))
    assert list_days(session, last=DAY, days=1)[0].mark == "now"
    with clock.stopped_at(NOON):
        settlements.note_told(session, other.id, DAY, SettlementOrigin.REPORT)
    session.flush()
    assert list_days(session, last=DAY, days=1)[0].mark == "now"
    other.enabled = False
    session.flush()
    assert list_days(session, last=DAY, days=1)[0].mark == "done"
    assert [each.account.id for each in get_day(session, DAY)] == [account.id]


def test_a_day_nobody_told_yet_does_not_differ(session, captured):
    captured(10_000)

    assert get_day(session, DAY)[0].mark == "now"


def test_a_payment_the_gateway_was_not_asked_about_yet_does_not_differ(session, captured, tell):
    captured(5_000)
    (line,) = list_lines(session, DAY)
    assert (line.theirs, line.differs) == (None, False)
    assert list_lines(session, DAY, differing=True) == []

    tell()  # it was asked, and has nothing
    (line,) = list_lines(session, DAY)
    assert (line.theirs, line.differs) == (None, True)


@pytest.mark.parametrize(("origin", "mark"), [(SettlementOrigin.ASKED, "done"), (SettlementOrigin.REPORT, "wrong")])
def test_a_gateway_asked_about_payments_one_by_one_says_nothing_of_refunds(
    session, account, captured, told, went_back, origin, mark
):
    capture = captured(10_000)
    went_back(capture, 500, "BACK-1")
    with clock.stopped_at(NOON + timedelta(days=1)):
        settlements.keep(session, account.id, [told(capture)], origin)
        settlements.note_told(session, account.id, DAY, origin)
        settlements.match(session, account.id)
    session.expire_all()

    assert get_day(session, DAY)[0].mark == mark


def test_a_refund_counts_on_the_day_it_was_settled_here(session, account, captured, told, tell, went_back):
    capture = captured(10_000)
    back = went_back(capture, 500, "BACK-1")
    late = told(kind=K.REFUND, external_id="BACK-1", amount=Money(-500), happened_at=NOON + timedelta(days=1))

    tell(told(capture), late)

    assert [get_day(session, DAY + timedelta(days=each))[0].of_gateway("refund").number for each in (0, 1)] == [1, 0]
    assert get_day(session, DAY)[0].mark == "done"
    assert back.settled_at == NOON


def test_lines_of_a_day_are_those_of_either_side_in_their_order(session, captured, told, tell):
    both = captured(10_000, NOON)
    missing = captured(5_000, NOON + timedelta(hours=1))
    wrong = captured(300, NOON + timedelta(hours=2))
    tell(
        told(both, fee=Money(1)),
        told(wrong, amount=Money(299)),
        told(external_id="SHOP", happened_at=NOON + timedelta(hours=3)),
        told(kind=K.FEE, external_id="FEE", amount=Money(-30), happened_at=NOON + timedelta(hours=4)),
    )

    lines = list_lines(session, DAY)

    assert [(each.external_id, each.ours, each.theirs, each.differs) for each in lines] == [
        (both.external_id, Money(10_000), Money(10_000), False),
        (missing.external_id, Money(5_000), None, True),
        (wrong.external_id, Money(300), Money(299), True),
        ("SHOP", None, Money(10_000), True),
        ("FEE", None, Money(-30), False),
    ]
    assert [each.external_id for each in list_lines(session, DAY, differing=True)] == [
        missing.external_id, wrong.external_id, "SHOP",
    ]  # fmt: skip
    assert lines[0].states == ("waiting",)
    assert lines[0].number is not None
    assert [each.external_id for each in list_lines(session, DAY, page=2, size=2)] == [
        wrong.external_id, "SHOP", "FEE",
    ]  # fmt: skip


def test_a_payout_is_split_by_kind_of_receivable_and_adds_up(session, account, captured, told, tell, went_back):
    tax = captured(10_000, receivable__kind__title="Podatek", receivable__kind__position=1)
    waste = captured(4_000, receivable__kind__title="Odpady", receivable__kind__position=2)
    back = went_back(tax, 1_000, "BACK-1")
    tell(
        told(kind=K.PAYOUT, external_id="P-1", amount=Money(12_845), fee=Money(5)),
        told(tax, fee=Money(100), payout="P-1"),
        told(waste, fee=Money(40), payout="P-1"),
        told(kind=K.REFUND, external_id="BACK-1", amount=Money(-1_000), refund_id=back.id, payout="P-1"),
        told(external_id="SHOP", amount=Money(20), payout="P-1"),
        told(kind=K.FEE, external_id="FEE", amount=Money(-30), payout="P-1"),
    )
    payout = session.scalars(select(Payout)).one()

    split = split_payout(session, payout)

    assert [(each.title, each.number, each.amounts.total) for each in split.kinds] == [
        ("Podatek", 2, Money(9_000)),
        ("Odpady", 1, Money(4_000)),
    ]
    assert (split.unallocated, split.fees, split.missing) == (Money(20), Money(175), ZERO)
    assert split.total == payout.amount
    assert len(list_payout_lines(session, payout.id)) == 5
    assert [each.id for each in list_payouts(session)] == [payout.id]
    assert get_payout(session, payout.id) is payout
    with pytest.raises(NotFound):
        get_payout(session, account.id)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10**6)), max_size=5),
    st.lists(st.integers(-(10**6), -1), max_size=3),
    st.integers(0, 10**5),
    st.integers(-5, 5),
)
def test_whatever_a_gateway_pays_out_the_parts_add_up_to_what_reached_the_bank(
    session, account, captured, told, payments, fees, own, wrong
):
    with session.begin_nested() as undone:
        lines = [told(captured(grosze), fee=Money(fee), payout="P") for grosze, fee in payments]
        lines += [told(kind=K.FEE, amount=Money(each), payout="P") for each in fees]
        amount = sum(grosze - fee for grosze, fee in payments) + sum(fees) - own + wrong
        lines.append(told(kind=K.PAYOUT, external_id="P", amount=Money(amount), fee=Money(own)))
        settlements.keep(session, account.id, lines, SettlementOrigin.REPORT)
        settlements.match(session, account.id)
        payout = session.scalars(select(Payout)).one()

        split = split_payout(session, payout)

        assert split.total == payout.amount
        assert split.missing == Money(wrong)
        assert split.allocated.total == Money(sum(grosze for grosze, _fee in payments))
        undone.rollback()


MANY = 5_000
FILL = """
    INSERT INTO {table} ({columns})
    SELECT {values} FROM generate_series(1, :many) AS n, {one} AS o LIMIT :many
"""


@pytest.fixture
def busy_day(session, account, captured, told):
    """A day of five thousand payments: one that was really made, and its copies."""
    made = captured()
    settlements.keep(session, account.id, [told(made)], SettlementOrigin.REPORT)
    settlements.match(session, account.id)
    session.flush()
    copy(session, "payment_orders", number="'X' || n", request_key="gen_random_uuid()")
    copy(session, "transactions", external_id="'T' || n")
    copy(session, "captures", external_id="'C' || n", captured_at="o.captured_at + n * interval '1 second'")
    copy(session, "settlement_lines", external_id="'S' || n", capture_id="NULL")
    return made


def copy(session, table, **changes):
    columns = session.scalars(
        text(
            "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:table AS regclass) AND attnum > 0"
            " AND NOT attisdropped ORDER BY attnum"
        ),
        {"table": table},
    ).all()
    values = [{"id": "gen_random_uuid()", **changes}.get(each, f"o.{each}") for each in columns]
    session.execute(
        text(FILL.format(table=table, columns=", ".join(columns), values=", ".join(values), one=table)),
        {"many": MANY - 1},
    )


@pytest.fixture
def never_analysed(lab):
    """Nothing is known of the tables, whatever tests before this one left in them and who counted it."""
    schema = lab.tenant("lipowo").schema
    with lab.as_admin() as connection:
        if connection.info.server_version < 180000:
            pytest.skip("statistics are cleared from PostgreSQL 18 on")
        connection.execute(
            "SELECT pg_clear_relation_stats(schemaname, tablename) FROM pg_tables WHERE schemaname = %s", (schema,)
        )


def test_a_day_of_five_thousand_payments_takes_a_fraction_of_a_second_and_is_paged(never_analysed, session, busy_day):
    """A gmina that was never analysed yet: PostgreSQL believes that the tables hold next to nothing."""

    def page(number):
        began = time.perf_counter()
        day, lines = get_day(session, DAY), list_lines(session, DAY, page=number)
        return time.perf_counter() - began, day, lines

    first, last = (min((page(number) for _ in range(3)), key=lambda each: each[0]) for number in (1, MANY * 2 // PAGE))

    assert max(first[0], last[0]) < 0.3
    assert first[1][0].captured.number == MANY
    assert [len(first[2]), len(last[2])] == [PAGE + 1, PAGE - 1]
    began = time.perf_counter()
    assert list_days(session, last=DAY)[0].captured.number == MANY
    assert time.perf_counter() - began < 0.3
