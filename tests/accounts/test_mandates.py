"""Acting for a payer: only while a mandate is good, and the mandate is looked at each time."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from skarbnik import clock
from skarbnik.money import Money
from skarbnik.payers.models import Payer
from skarbnik.payments.queries import get_order, list_orders
from skarbnik.portal.queries import list_overpayments
from skarbnik.receivables.models import Overpayment
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    MandateFactory,
    PayerFactory,
    PaymentOrderFactory,
    UserFactory,
    bound_to,
)


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


def merge(tenant, payer, into):
    with tenant.session() as session:
        session.get_one(Payer, payer.id).merged_into = into.id
        session.get_one(Payer, into.id).merged_from = [payer.id]


def test_a_mandate_for_a_payer_who_was_merged_is_one_for_whom_it_became(anna, town, tenant):
    anna.post("/acting", {"payer": str(town["company"].id)})
    merge(tenant, town["company"], into=town["stranger"])

    assert sees(anna, town) == ["Tartak sp. z o.o.", "Obcy Jan"]  # what is owed under both numbers
    page = anna.get("/acting").text
    assert "Obcy Jan" in page
    assert f'value="{town["company"].id}"' not in page  # its old number is no payer to be chosen
    for name in ("Tartak sp. z o.o.", "Obcy Jan"):
        assert anna.get(f"/receivables/{town['debts'][name].receivable_id}").status_code == 200
    assert anna.post("/acting", {"payer": str(town["stranger"].id)}).status_code == 303


def test_what_was_ordered_and_overpaid_before_a_merge_is_not_lost(tenant, town):
    with tenant.session() as session, bound_to(session):
        order = PaymentOrderFactory(payer_id=town["company"].id)
        overpaid = {"source": "puma", "digest": uuid4(), "run_id": uuid4(), "arose_on": clock.today()}
        session.add(Overpayment(external_id="N-1", payer_id=town["company"].id, amount=Money(1_200), **overpaid))
    merge(tenant, town["company"], into=town["own"])

    with tenant.session() as session:
        assert [row.id for row in list_orders(session, payer_id=town["own"].id)] == [order.id]
        assert get_order(session, order.number, payer_ids=[town["own"].id]).id == order.id
        assert sum(each.amount.grosze for each in list_overpayments(session, payer_id=town["own"].id)) == 1_200


def test_a_former_owner_does_not_see_a_debt_by_its_address_either(anna, town, tenant):
    address = f"/receivables/{town['debts']['Kowalska Anna'].receivable_id}"
    assert anna.get(address).status_code == 200
    with tenant.session() as session:
        session.execute(
            text("UPDATE liabilities SET until_on = :yesterday WHERE payer_id = :payer"),
            {"yesterday": clock.today() - timedelta(days=1), "payer": town["own"].id},
        )

    assert anna.get(address).status_code == 404


def test_who_acts_for_nobody_is_told_what_to_do(browse, tenant):
    with tenant.session() as session, bound_to(session):
        user = UserFactory()
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)

    for path in ("/dashboard", "/receivables", "/payments"):
        assert browser.get(path).location == "/no-payer"
    assert browser.get("/no-payer").status_code == 200
