"""A resident reads who in the office looked at their data, by role and never by name."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from skarbnik import clock
from skarbnik.audit.services import record_act
from skarbnik.plugin_api import Role
from skarbnik.portal.looks import gather_looks
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    OfficialFactory,
    PayerFactory,
    TransactionFactory,
    UserFactory,
    bound_to,
)


@pytest.fixture
def town(tenant):
    with tenant.session() as session, bound_to(session):
        mine, other = PayerFactory(name="Anna Moja"), PayerFactory()
        order = TransactionFactory(instalment=InstalmentFactory(payer=mine)).order
        order.payer_id = mine.id
        return {
            "mine": mine,
            "other": other,
            "order": order,
            "user": UserFactory(acts_for=[mine]),
            "neighbour": UserFactory(acts_for=[other]),
            "halina": OfficialFactory(name="Halina Księgowa", has_roles=[Role.ACCOUNTANT]),
        }


@pytest.fixture
def resident(browse, town):
    def sign_in(who="user"):
        browser = browse("lipowo")
        browser.sign_in(town[who].email, PASSWORD)
        return browser

    return sign_in


def rows(browser):
    return browser.get("/looks").text.partition("<tbody>")[2].partition("</tbody>")[0]


@pytest.fixture
def write(tenant):
    def put(action, *payers, **more):
        with tenant.session() as session:
            words = {"subject": "payer", "subject_id": None, "actor": "user", **more}
            record_act(session, action, payers=[each.id for each in payers], **words)

    return put


def test_a_look_of_an_official_is_seen_by_the_one_whose_data_it_was(browse, resident, town):
    clerk = browse("lipowo")
    clerk.sign_in(town["halina"].email, PASSWORD, office=True)
    clerk.get(f"/office/payers/{town['mine'].id}")
    clerk.get(f"/office/payments/{town['order'].number}")

    mine = rows(resident())
    assert mine.count("<tr>") == 2
    assert "Halina" not in mine
    assert "10.0" not in mine
    assert rows(resident("neighbour")) == ""


def test_what_was_seen_with_others_is_told_and_the_others_are_not(resident, write, town):
    write("payers.searched", town["mine"], town["other"], actor_id=town["halina"].id)

    for who in ("user", "neighbour"):
        assert rows(resident(who)).count("<tr>") == 1
    assert town["other"].name not in resident().get("/looks").text


def test_what_residents_do_themselves_is_not_listed(resident, write, town):
    write("payment.ordered", town["mine"], actor_id=town["user"].id)
    write("payment.captured", town["mine"], actor="system")

    assert rows(resident()) == ""


def test_programs_and_an_official_who_left_are_told(resident, write, town, some_id):
    write("payment.viewed", actor="api", actor_id=some_id(), subject="payment_order", subject_id=town["order"].id)
    write("payer.viewed", town["mine"], actor_id=some_id())
    write("payer.viewed", town["mine"], actor="operator")

    assert rows(resident()).count("<tr>") == 3


def test_looks_at_a_payer_before_it_was_merged_are_mine_too(resident, write, town, tenant):
    write("payer.viewed", town["other"], actor_id=town["halina"].id)
    with tenant.session() as session:
        payer = session.get_one(type(town["mine"]), town["mine"].id)
        payer.merged_from = [town["other"].id]

    assert rows(resident()).count("<tr>") == 1


def test_the_list_is_paged(resident, write, town):
    for number in range(65):
        write(("payer.viewed", "payment.viewed")[number % 2], town["mine"], actor_id=town["halina"].id)
    browser, address, seen = resident(), "/looks", 0
    while address:
        page = browser.get(address).text
        seen += page.partition("<tbody>")[2].count("<tr>")
        address = page.partition('class="pages"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert seen == 65
    assert browser.get("/looks?before=x").status_code == 400


def test_looks_of_one_sitting_are_one_line(resident, write, town):
    for _ in range(12):
        write("payer.viewed", town["mine"], actor_id=town["halina"].id)
    write("payment.viewed", town["mine"], actor_id=town["halina"].id)

    mine = rows(resident())
    assert mine.count("<tr>") == 2
    assert "12 razy od" in mine


@pytest.mark.parametrize(
    ("minutes", "roles", "lines"),
    [
        ((0, 15, 30), ("accountant",) * 3, 1),  # each within a quarter of an hour of the one after
        ((0, 16, 31), ("accountant",) * 3, 2),
        ((0, 1, 2), ("accountant", "auditor", "accountant"), 3),
    ],
)
def test_another_sitting_and_another_role_are_lines_of_their_own(app, minutes, roles, lines):
    now = clock.now()
    found = [
        SimpleNamespace(at=now - timedelta(minutes=each), actor="user", action="payer.viewed", payers=1, roles=role)
        for each, role in zip(minutes, roles, strict=True)
    ]
    with app.test_request_context():
        looks = gather_looks(found)
    assert len(looks) == lines
    assert sum(each.times for each in looks) == 3
    assert (looks[0].last_at, looks[-1].first_at) == (found[0].at, found[-1].at)


def test_strangers_and_officials_have_no_such_page(browse, town):
    assert browse("lipowo").get("/looks").status_code == 303
    clerk = browse("lipowo")
    clerk.sign_in(town["halina"].email, PASSWORD, office=True)
    assert clerk.get("/looks").status_code == 404


def test_the_profile_leads_there(resident):
    assert 'href="/looks"' in resident().get("/profile").text
