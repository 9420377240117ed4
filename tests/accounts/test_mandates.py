"""Acting for a payer: only while a mandate is good, and the mandate is looked at each time."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from skarbnik import clock
from skarbnik.testing.factories import PASSWORD, InstalmentFactory, MandateFactory, PayerFactory, UserFactory, bound_to


@pytest.fixture
def town(tenant):
    with tenant.session() as session, bound_to(session):
        own, company, stranger = (
            PayerFactory(name="Kowalska Anna"),
            PayerFactory(name="Tartak sp. z o.o."),
            PayerFactory(name="Obcy Jan"),
        )
        user = UserFactory(acts_for=[own])
        MandateFactory(user_id=user.id, payer_id=company.id, basis="company")
        debts = {payer.name: InstalmentFactory(payer=payer) for payer in (own, company, stranger)}
    return {"user": user, "own": own, "company": company, "stranger": stranger, "debts": debts}


@pytest.fixture
def anna(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["user"].email, PASSWORD)
    browser.get("/acting")
    return browser


def sees(browser, town):
    page = browser.get("/receivables").text
    return [name for name, debt in town["debts"].items() if str(debt.id) in page]


def test_one_acts_for_oneself_first(anna, town):
    assert sees(anna, town) == ["Kowalska Anna"]


def test_one_may_act_for_another_payer_with_a_mandate(anna, town):
    assert anna.post("/acting", {"payer": str(town["company"].id)}).status_code == 303
    assert sees(anna, town) == ["Tartak sp. z o.o."]


@pytest.mark.parametrize("payer", ["stranger", "nobody"])
def test_one_may_not_act_for_anybody_else(anna, town, payer, some_id):
    wanted = some_id() if payer == "nobody" else town[payer].id
    assert anna.post("/acting", {"payer": str(wanted)}).status_code == 404
    assert anna.post("/acting", {"payer": "x"}).status_code == 400
    assert sees(anna, town) == ["Kowalska Anna"]


@pytest.mark.parametrize(
    ("from_days", "until_days", "good"),
    [(-10, -1, False), (-10, 0, True), (0, None, True), (1, None, False), (-1, 5, True)],
)
def test_a_mandate_is_good_from_its_first_day_to_its_last(browse, town, tenant, from_days, until_days, good):
    today = clock.today()
    with tenant.session() as session, bound_to(session):
        user = UserFactory()
        MandateFactory(
            user_id=user.id,
            payer_id=town["stranger"].id,
            from_on=today + timedelta(days=from_days),
            until_on=None if until_days is None else today + timedelta(days=until_days),
        )
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)

    assert (browser.get("/receivables").status_code == 200) == good
    assert ("Obcy Jan" in browser.get("/acting").text) == good


def test_a_mandate_that_ended_yesterday_ends_what_one_was_doing(anna, town, tenant):
    anna.post("/acting", {"payer": str(town["company"].id)})
    with tenant.session() as session:
        session.execute(
            text("UPDATE mandates SET until_on = :yesterday WHERE payer_id = :payer"),
            {"yesterday": clock.today() - timedelta(days=1), "payer": town["company"].id},
        )

    assert sees(anna, town) == ["Kowalska Anna"]
    assert anna.get(f"/receivables/{town['debts']['Tartak sp. z o.o.'].receivable_id}").status_code == 404


def test_who_acts_for_nobody_is_told_what_to_do(browse, tenant):
    with tenant.session() as session, bound_to(session):
        user = UserFactory()
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)

    for path in ("/dashboard", "/receivables", "/payments"):
        assert browser.get(path).location == "/no-payer"
    assert browser.get("/no-payer").status_code == 200
