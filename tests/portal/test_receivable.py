"""The page of one receivable: the same amounts as the list, for any day; a closed one is only read."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from tests.portal.test_operations import book

from skarbnik import clock
from skarbnik.errors import NotFound
from skarbnik.money import Money
from skarbnik.plugin_api import OperationKind, Regime
from skarbnik.portal.debts import list_to_pay
from skarbnik.portal.receivable import LAST_OPERATIONS, get_receivable
from skarbnik.receivables.models import InterestMode
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    KindFactory,
    LiabilityFactory,
    PayerFactory,
    ReceivableFactory,
    UserFactory,
    bound_to,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
FRIDAY = date(2026, 11, 27)


@pytest.fixture(autouse=True)
def that_day():
    with clock.stopped_at(NOW):
        yield


@pytest.fixture
def town(tenant):
    """A tax of two instalments with computed interest, and the cost of a reminder for it."""
    with tenant.session() as session, bound_to(session):
        payer = PayerFactory()
        kind = KindFactory(regime=Regime.TAX, interest=InterestMode.COMPUTED)
        receivable = ReceivableFactory(kind=kind, basis="Budynek mieszkalny 120 m²", account="2" * 26)
        words = {"receivable": receivable, "principal": Money(100_000), "charged": Money(100_000)}
        InstalmentFactory(payer=payer, due_on=date(2026, 9, 15), interest=Money(700), **words)
        InstalmentFactory(number=2, due_on=date(2026, 12, 15), **words)
        cost = ReceivableFactory(
            kind=KindFactory(regime=Regime.NONE), parent_id=receivable.id, title="Koszty upomnienia 17/2026"
        )
        InstalmentFactory(receivable=cost, payer=payer, principal=Money(1_600), due_on=date(2026, 10, 1))
        user = UserFactory(acts_for=[payer])
        return {"payer": payer, "receivable": receivable, "cost": cost, "email": user.email}


@pytest.fixture
def anna(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["email"], PASSWORD)
    return browser


def read(tenant, town, day=None, which="receivable"):
    with tenant.session() as session:
        return get_receivable(session, town[which].id, payer_id=town["payer"].id, today=clock.today(), day=day)


def listed(tenant, town, day=None):
    with tenant.session() as session:
        debts = list_to_pay(session, payer_id=town["payer"].id, today=clock.today(), now=clock.now(), day=day)
        return [row.amounts for row in debts.rows if row.receivable_id == town["receivable"].id]


@pytest.mark.parametrize("day", [None, FRIDAY, date(2027, 6, 1)])
def test_the_page_and_the_list_say_the_same_of_any_day(tenant, town, day):
    found = read(tenant, town, day)

    assert [line.amounts for line in found.instalments] == listed(tenant, town, day)
    assert found.estimated is False


def test_interest_is_computed_to_the_day_somebody_asks_for(tenant, town):
    assert read(tenant, town).left.interest == Money(2_000)
    assert read(tenant, town, FRIDAY).left.interest == Money(2_100)


def test_costs_of_reminders_are_beside_it_and_not_in_it(tenant, town):
    found = read(tenant, town)

    assert [(cost.id, cost.left, cost.overdue) for cost in found.costs] == [(town["cost"].id, Money(1_600), True)]
    assert found.left.total == Money(202_000)
    assert found.with_costs == Money(203_600)
    assert read(tenant, town, which="cost").costs == []


def test_a_cost_of_somebody_else_is_not_shown(tenant, town):
    with tenant.session() as session, bound_to(session):
        other = PayerFactory()
        LiabilityFactory(receivable_id=town["receivable"].id, payer_id=other.id)
    with tenant.session() as session:
        found = get_receivable(session, town["receivable"].id, payer_id=other.id, today=clock.today())
        assert found.costs == []
        with pytest.raises(NotFound):
            get_receivable(session, town["cost"].id, payer_id=other.id, today=clock.today())


def test_what_a_reminder_was_about_is_shown_while_the_payer_is_liable_for_it(tenant, town, anna):
    path, title = f"/receivables/{town['cost'].id}", town["receivable"].title
    assert (read(tenant, town, which="cost").head.parent_id, title in anna.get(path).text) == (
        town["receivable"].id,
        True,
    )

    with tenant.session() as session:  # sold yesterday; the cost of the reminder stays the former owner's
        sold = text("UPDATE liabilities SET until_on = :day WHERE receivable_id = :parent")
        session.execute(sold, {"day": clock.today() - timedelta(days=1), "parent": town["receivable"].id})

    head = read(tenant, town, which="cost").head
    assert (head.parent_id, head.parent_title) == (None, None)
    page = anna.get(path)
    assert page.status_code == 200
    assert title not in page.text


def test_a_resident_reads_all_about_it_and_chooses_a_day(anna, town):
    path = f"/receivables/{town['receivable'].id}"
    page = anna.get(path).text
    for words in ("Budynek mieszkalny", town["receivable"].number, "22 2222", "Koszty upomnienia 17/2026", "16,00"):
        assert words in page
    assert page.count('name="i"') == 2

    later = anna.get(f"{path}?day={FRIDAY}").text

    assert "21,00" in later
    assert 'name="i"' not in later


def test_of_a_closed_one_nothing_can_be_paid(anna, tenant, town):
    with tenant.session() as session:
        session.get_one(type(town["receivable"]), town["receivable"].id).closed_at = clock.now()

    page = anna.get(f"/receivables/{town['receivable'].id}").text

    assert 'name="i"' not in page
    assert 'name="day"' not in page
    assert "Zapłać zaznaczone" not in page
    assert read(tenant, town).left.total == Money(0)


def test_hundreds_of_instalments_and_operations_come_in_pages_and_in_three_statements(anna, tenant, town):
    with tenant.session() as session, bound_to(session):
        for number in range(3, 251):
            InstalmentFactory(receivable=town["receivable"], number=number, due_on=date(2027, 1, 1))
            book(session, town["receivable"].id, OperationKind.PAYMENT, date(2026, 1, 1) + timedelta(number), -number)
    path = f"/receivables/{town['receivable'].id}"
    numbers = []
    for page in range(1, 6):
        numbers += re.findall(r"rata (\d+),", anna.get(f"{path}?page={page}").text)
    assert numbers == [str(number) for number in range(1, 251)]
    assert anna.get(f"{path}?page=999").text.count('name="i"') == 50

    found = read(tenant, town)

    assert len(found.operations) == LAST_OPERATIONS
    assert found.operations[0].booked_on == date(2026, 1, 1) + timedelta(250)
    assert found.more_operations
    assert asked(tenant, town) == 3


def asked(tenant, town):
    """How many statements one page of it costs."""
    statements = []
    with tenant.session() as session:
        real = session.read
        session.read = lambda statement, **words: statements.append(statement) or real(statement, **words)
        get_receivable(session, town["receivable"].id, payer_id=town["payer"].id, today=clock.today())
    return len(statements)
