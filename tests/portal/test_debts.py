"""What is left to pay on a day: to the grosz, with interest as the office wants it, and less what was captured."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from skarbnik import clock
from skarbnik.money import Amounts, Money
from skarbnik.payments.models import PaymentOrder
from skarbnik.payments.ordering import BasketChanged, Chosen, open_transaction, order_payment
from skarbnik.payments.services import record_report
from skarbnik.plugin_api import LiabilityRole, Regime
from skarbnik.portal.debts import list_to_pay
from skarbnik.receivables.models import CreditorAccount, DatedKind, InterestMode
from skarbnik.receivables.services import set_value
from skarbnik.testing.factories import (
    InstalmentFactory,
    KindFactory,
    LiabilityFactory,
    MerchantAccountFactory,
    PayerFactory,
    ReceivableFactory,
    SourceFactory,
    bound_to,
    report_on,
)

TODAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
DUE = date(2026, 9, 15)


@pytest.fixture(autouse=True)
def that_day():
    with clock.stopped_at(TODAY):
        yield


@pytest.fixture
def owed(tenant):
    """`owed(regime, mode, …)`: an instalment of 1000 zł, due 15 September, with 7,00 zł of interest as imported."""

    def make(regime=Regime.TAX, mode=InterestMode.COMPUTED, **more):
        words = {"due_on": DUE, "principal": Money(100_000), "interest": Money(700), **more}
        with tenant.session() as session, bound_to(session):
            receivable = ReceivableFactory(kind=KindFactory(regime=regime, interest=mode))
            return InstalmentFactory(receivable=receivable, payer=words.pop("payer", None) or PayerFactory(), **words)

    return make


def debts(tenant, instalment, day=None):
    with tenant.session() as session:
        return list_to_pay(
            session, payer_id=payer_of(session, instalment), today=clock.today(), now=clock.now(), day=day
        )


def payer_of(session, instalment):
    owner = "SELECT payer_id FROM liabilities WHERE receivable_id = %(id)s AND role = 'owner'"
    return session.read(owner, id=instalment.receivable_id)[0].payer_id


@pytest.mark.parametrize(
    ("regime", "mode", "interest"),
    [
        (Regime.TAX, InterestMode.COMPUTED, 2000),
        (Regime.CIVIL, InterestMode.COMPUTED, 1749),
        (Regime.NONE, InterestMode.COMPUTED, 700),
        (Regime.TAX, InterestMode.GIVEN, 700),
    ],
)
def test_interest_is_given_or_computed_as_the_office_wants_it(tenant, owed, regime, mode, interest):
    found = debts(tenant, owed(regime, mode))

    assert [row.interest for row in found.rows] == [interest]
    assert found.total == Money(100_000 + interest)
    assert found.interest == Money(interest)
    assert found.estimated is False


def test_interest_on_friday_is_what_will_be_paid_on_friday(tenant, owed):
    instalment = owed()

    found = debts(tenant, instalment, date(2026, 11, 27))  # 73 days: 21.00

    assert [row.interest for row in found.rows] == [2100]
    assert found.estimated is False
    with clock.stopped_at(datetime(2026, 11, 27, 9, tzinfo=UTC)):
        assert [row.interest for row in debts(tenant, instalment).rows] == [2100]


def test_another_day_of_what_the_finance_system_computes_is_said_to_be_our_estimate(tenant, owed):
    found = debts(tenant, owed(mode=InterestMode.GIVEN), date(2026, 11, 27))

    assert [row.interest for row in found.rows] == [2100]
    assert found.estimated is True


def test_where_the_tables_do_not_reach_back_the_finance_system_is_believed(tenant, owed):
    found = debts(tenant, owed(due_on=date(1999, 9, 15)))

    assert [row.interest for row in found.rows] == [700]


@pytest.mark.parametrize(
    ("due", "overdue"),
    [
        (date(2026, 11, 22), False),  # a Sunday: due today, on Monday
        (date(2026, 11, 21), False),  # and the Saturday before
        (date(2026, 11, 20), True),  # Friday
        (date(2026, 11, 23), False),
    ],
)
def test_a_weekend_moves_what_counts_as_overdue_and_not_the_date(tenant, owed, due, overdue):
    (row,) = debts(tenant, owed(due_on=due)).rows

    assert (row.overdue, row.due_on) == (overdue, due)


def test_a_holiday_of_a_new_law_counts_at_once(tenant, owed):
    instalment = owed(due_on=date(2026, 11, 20))
    with tenant.session() as session:
        set_value(session, DatedKind.FREE_DAY, date(2026, 11, 20), 1, note="ustawa o dniu wolnym")

    (row,) = debts(tenant, instalment).rows
    assert row.overdue is False


def test_sums_say_what_is_late_and_what_is_due_within_a_fortnight(tenant, owed):
    payer = None
    with tenant.session() as session, bound_to(session):
        payer = PayerFactory()
    for due, principal in ((DUE, 100_000), (date(2026, 12, 7), 2000), (date(2026, 12, 8), 300)):
        instalment = owed(
            mode=InterestMode.GIVEN, due_on=due, principal=Money(principal), interest=Money(0), payer=payer
        )

    found = debts(tenant, instalment)
    assert (found.total, found.overdue, found.soon) == (Money(102_300), Money(100_000), Money(2000))


def test_who_owes_thousands_of_instalments_is_told_the_whole_sum(tenant, owed):
    """A housing cooperative pays for the waste of each of its houses every month."""
    first = owed(Regime.NONE)
    with tenant.session() as session:
        session.execute(
            text("""
                INSERT INTO instalments (id, source, external_id, receivable_id, number, due_on, charged, principal,
                    interest, costs, digest, run_id)
                SELECT gen_random_uuid(), source, 'I-' || n, receivable_id, n, due_on, 100, 100, 0, 0, digest, run_id
                FROM instalments, generate_series(2, 3001) n
            """)
        )

    found = debts(tenant, first)

    assert (len(found.rows), found.total) == (3001, Money(100_700 + 3000 * 100))


def test_data_are_as_of_the_payers_own_finance_system(tenant, owed):
    """Another system of the gmina may have spoken today; of this debt the last word is a month old."""
    month_ago = TODAY - timedelta(days=30)
    with tenant.session() as session, bound_to(session):
        SourceFactory(as_of=month_ago)
        SourceFactory(id="csv", plugin="csv", as_of=TODAY)

    assert debts(tenant, owed()).as_of == month_ago


def order(tenant, instalment, interest):
    with tenant.session() as session:
        return order_payment(
            session,
            request_key=uuid4(),
            payer_id=payer_of(session, instalment),
            user_id=None,
            chosen=[Chosen(instalment.id, Amounts(Money(100_000), Money(interest)))],
            email=None,
            language="pl",
        )


def test_an_order_takes_the_interest_of_today_and_no_other(tenant, owed):
    instalment = owed()

    with pytest.raises(BasketChanged):
        order(tenant, instalment, 700)
    assert order(tenant, instalment, 2000).amount == Money(102_000)
    with clock.stopped_at(datetime(2026, 11, 27, 9, tzinfo=UTC)), pytest.raises(BasketChanged):
        order(tenant, instalment, 2000)


def test_money_ordered_yesterday_that_comes_today_is_allocated_and_nothing_more_is_asked_for(tenant, owed):
    instalment = owed()
    made = order(tenant, instalment, 2000)
    with tenant.session() as session, bound_to(session):
        mine = session.get_one(PaymentOrder, made.id)
        receives = session.get_one(CreditorAccount, mine.lines[0].creditor_account_id)
        account = MerchantAccountFactory(creditor_account=receives)
        transaction = open_transaction(session, mine, account)
        report = report_on(transaction)
    with clock.stopped_at(datetime(2026, 11, 24, 9, tzinfo=UTC)):
        with tenant.session() as session:
            (capture,) = record_report(session, transaction.id, report).captures
            assert [line.reason for line in capture.booking_lines] == [None]
        (row,) = debts(tenant, instalment).rows
        assert (row.principal, row.interest, row.captured) == (0, 0, 102_000)


def test_the_own_started_order_is_told_from_a_co_owners(tenant, owed):
    instalment = owed()
    made = order(tenant, instalment, 2000)
    with tenant.session() as session, bound_to(session):
        co_owner = PayerFactory()
        LiabilityFactory(receivable_id=instalment.receivable_id, payer_id=co_owner.id, role=LiabilityRole.CO_OWNER)
    with tenant.session() as session:
        (theirs,) = list_to_pay(session, payer_id=co_owner.id, today=clock.today(), now=clock.now()).rows

    (own,) = debts(tenant, instalment).rows
    assert (own.own_order, theirs.own_order) == (made.number, None)
    assert own.held_until == theirs.held_until is not None
