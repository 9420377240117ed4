"""What is settled or closed, by year: of this payer only, with what was charged and paid for each."""

import re
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from tests.portal.test_operations import book

from skarbnik import clock
from skarbnik.money import Money
from skarbnik.plugin_api import OperationKind
from skarbnik.portal.settled import PAGE, list_settled
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
C, P = OperationKind.CHARGE, OperationKind.PAYMENT


@pytest.fixture(autouse=True)
def that_day():
    with clock.stopped_at(NOW):
        yield


def receivable(payer, title, year, *, left=0, due=None, closed=False, kind=None):
    """One of a year, or without a period and due on a day."""
    period = {} if year is None else {"period_from": date(year, 1, 1), "period_until": date(year, 12, 31)}
    words = {"kind": kind} if kind else {}
    made = ReceivableFactory(title=title, closed_at=clock.now() if closed else None, **period, **words)
    InstalmentFactory(
        receivable=made, payer=payer, principal=Money(left), charged=Money(10_000), due_on=due or date(2025, 9, 15)
    )
    return made


@pytest.fixture
def town(tenant):
    with tenant.session() as session, bound_to(session):
        payer = PayerFactory()
        waste = KindFactory(title="Opłata za odpady")
        settled = receivable(payer, "Podatek 2024", 2024)
        for kind, day, amount in (
            (C, date(2024, 1, 31), 100_000),
            (OperationKind.DECREASE, date(2024, 2, 10), -10_000),
            (P, date(2024, 3, 14), -50_000),
            (P, date(2025, 1, 8), -35_000),
            (OperationKind.REMISSION, date(2025, 2, 3), -5_000),
        ):
            book(session, settled.id, kind, day, amount)
        receivable(payer, "Zamknięta z długiem 2025", 2025, left=500, closed=True)
        receivable(payer, "Odpady 2025", None, kind=waste)
        receivable(payer, "Dłużna 2025", 2025, left=1)
        receivable(payer, "Tegoroczna", 2026)
        receivable(payer, "Jeszcze trwa", None, due=date(2026, 1, 15))
        receivable(PayerFactory(), "Cudza 2024", 2024)
        gone = receivable(PayerFactory(), "Już nie moja", 2024)
        LiabilityFactory(receivable_id=gone.id, payer_id=payer.id, closed_at=clock.now())
        user = UserFactory(acts_for=[payer])
        return {"payer": payer, "email": user.email, "waste": waste.id, "settled": settled.id}


def read(tenant, payer_id, page=1, **address):
    with tenant.session() as session:
        return list_settled(session, payer_id=payer_id, today=clock.today(), address=address, page=page)


def titles(found):
    return [(year, [line.title for line in lines]) for year, lines in found.years]


def test_what_is_settled_or_closed_of_ended_years_comes_by_year(tenant, town):
    found = read(tenant, town["payer"].id)

    assert titles(found) == [(2025, ["Odpady 2025", "Zamknięta z długiem 2025"]), (2024, ["Podatek 2024"])]
    assert found.more is False


def test_each_says_what_was_charged_paid_and_remitted_and_when_last(tenant, town):
    ((_year, (line,)),) = read(tenant, town["payer"].id, year="2024").years

    assert (line.charged, line.paid, line.remitted) == (Money(90_000), Money(85_000), Money(5_000))
    assert line.last_on == date(2025, 2, 3)


def test_where_nothing_was_booked_the_instalments_say_what_was_charged(tenant, town):
    ((_year, (line,)),) = read(tenant, town["payer"].id, kind=str(town["waste"])).years

    assert (line.charged, line.paid, line.last_on) == (Money(10_000), Money(0), None)


def test_year_and_kind_choose_and_what_nobody_has_filters_nothing(tenant, town):
    found = read(tenant, town["payer"].id, year="2025", kind=str(town["waste"]))
    assert titles(found) == [(2025, ["Odpady 2025"])]
    assert found.all_years == [2025, 2024]
    assert len(read(tenant, town["payer"].id, year="1999", kind=str(uuid4())).years) == 2
    assert read(tenant, town["payer"].id, year="2024", kind=str(town["waste"])).years == []


def test_what_a_merged_payer_settled_is_ones_own(tenant, town):
    with tenant.session() as session, bound_to(session):
        twin = PayerFactory(merged_into=town["payer"].id)
        receivable(twin, "Podatek bliźniaka 2023", 2023)
        session.get_one(type(twin), town["payer"].id).merged_from = [twin.id]

    assert titles(read(tenant, town["payer"].id))[-1] == (2023, ["Podatek bliźniaka 2023"])


def test_pages_follow_each_other_without_a_gap_in_two_statements(tenant):
    with tenant.session() as session, bound_to(session):
        payer = PayerFactory()
        for number in range(PAGE + 5):
            receivable(payer, f"Podatek {number:03d}", 2020 + number % 2)
    first, second = read(tenant, payer.id), read(tenant, payer.id, page=2)
    shown = [line.title for found in (first, second) for _year, lines in found.years for line in lines]
    assert len(shown) == len(set(shown)) == PAGE + 5
    assert (first.more, second.more) == (True, False)
    with tenant.session() as session:
        asked, real = [], session.read
        session.read = lambda statement, **words: asked.append(statement) or real(statement, **words)
        list_settled(session, payer_id=payer.id, today=clock.today(), address={})
        assert len(asked) == 2


def test_a_resident_comes_from_the_list_to_a_closed_year_and_to_each_of_its_receivables(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["email"], PASSWORD)
    assert 'href="/receivables/closed"' in browser.get("/receivables").text

    page = browser.get("/receivables/closed").text

    assert "Cudza" not in page
    assert "900,00" in page
    links = re.findall(r'href="(/receivables/[0-9a-f-]{36})"', page)
    assert len(links) == 3
    for link in links:
        assert 'name="i"' not in browser.get(link).text


@pytest.mark.parametrize("address", ["year=x", "kind=x", "page=-1", "page=99999999", "year=2024&kind=", "page=x"])
def test_no_address_breaks_the_page(browse, town, address):
    browser = browse("lipowo")
    browser.sign_in(town["email"], PASSWORD)

    assert browser.get(f"/receivables/closed?{address}").status_code == 200


def test_the_neighbour_has_nothing_of_it(tenant, neighbour, town):
    assert read(neighbour, town["payer"].id).years == []
