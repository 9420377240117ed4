"""Requests to act for somebody at the office: found, decided by who may, once, and written into the trail."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.accounts.models import User
from skarbnik.audit.models import AuditEntry
from skarbnik.payers.mandates import refuse_request
from skarbnik.payers.models import Mandate, MandateBasis, MandateRequest
from skarbnik.payers.states import RequestState
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import MandateRequestFactory, OfficialFactory, PayerFactory, UserFactory, bound_to

NIP = "5260001246"


@pytest.fixture
def town(tenant):
    with tenant.session() as session, bound_to(session):
        own = PayerFactory(name="Anna Kowalska")
        user = UserFactory(name="Anna Kowalska", acts_for=[own])
        company = PayerFactory(name="Tartak sp. z o.o.", nip=NIP)
        return {
            "user": user,
            "own": own.id,
            "company": company.id,
            "asked": MandateRequestFactory(user_id=user.id, basis=MandateBasis.COMPANY, name=None, nip=NIP).id,
        }


def decision(town, **more):
    words = {"payer": str(town["company"]), "basis": "company", "what_for": "pay"}
    return {**words, "from_on": clock.today().isoformat(), "until_on": "", **more}


def found(tenant, town):
    with tenant.session() as session:
        return session.get_one(MandateRequest, town["asked"])


def mandates(tenant):
    with tenant.session() as session:
        return session.scalars(select(Mandate).where(Mandate.basis != MandateBasis.SELF)).all()


def test_an_official_finds_the_payer_by_its_nip_and_confirms(official, town, tenant):
    browser = official()
    assert "Anna Kowalska" in browser.get("/office/people/requests").text
    page = browser.get(f"/office/people/requests/{town['asked']}").text
    assert f'value="{town["company"]}" checked' in page

    last = clock.today() + timedelta(days=30)
    path = f"/office/people/requests/{town['asked']}/confirm"
    assert browser.post(path, decision(town, until_on=last.isoformat(), what_for="see")).status_code == 303

    (made,) = mandates(tenant)
    assert (made.payer_id, made.user_id, made.may_pay, made.until_on) == (
        town["company"],
        town["user"].id,
        False,
        last,
    )
    assert "Anna Kowalska" in browser.get("/office/people/requests?state=confirmed").text
    assert "Anna Kowalska" not in browser.get("/office/people/requests").text
    assert "Anna Kowalska" in browser.get(f"/office/payers/{town['company']}").text
    with tenant.session() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "mandate.confirmed")).one()
    assert (entry.subject_id, entry.payers) == (town["user"].id, [town["company"]])


def test_a_person_is_found_by_name_or_number_and_two_with_one_nip_are_both_there(official, town, tenant):
    with tenant.session() as session, bound_to(session):
        PayerFactory(name="TARTAK w likwidacji", nip=NIP, source="csv", closed_at=clock.now())
        PayerFactory(name="Zofia Lis", external_id="P-777")
        PayerFactory(name="Tartak połączony", nip=NIP, merged_into=town["company"])
    browser, path = official(), f"/office/people/requests/{town['asked']}"
    page = browser.get(path).text
    for name in ("Tartak sp. z o.o.", "TARTAK w likwidacji", "Tartak połączony"):
        assert name in page
    assert page.count('name="payer"') == 1  # the others are not to be chosen
    assert "Zofia Lis" not in page
    assert "Zofia Lis" in browser.get(f"{path}?q=P-777").text
    assert "Zofia Lis" in browser.get(f"{path}?q=zofia").text


def test_a_refusal_says_why(official, town, tenant):
    browser, path = official(), f"/office/people/requests/{town['asked']}"
    browser.get(path)
    for reason in ("", " ", "x" * 301, "Osoba o numerze 84051203469"):
        assert browser.post(f"{path}/refuse", {"reason": reason}).status_code == 422
    assert browser.post(f"{path}/refuse", {"reason": "Brak podpisu."}).status_code == 303
    assert found(tenant, town).reason == "Brak podpisu."
    assert "Brak podpisu." in browser.get(path).text


@pytest.mark.parametrize(
    "change",
    [
        {"payer": ""},
        {"payer": "x"},
        {"basis": "self"},
        {"basis": ""},
        {"what_for": "own"},
        {"from_on": ""},
        {"from_on": "wczoraj"},
        {"from_on": "1900-01-01"},
        {"until_on": "2020-01-01"},
        {"until_on": "9999-01-01"},
    ],
)
def test_a_decision_that_makes_no_sense_is_said_at_once(official, town, tenant, change):
    browser, path = official(), f"/office/people/requests/{town['asked']}"
    browser.get(path)
    assert browser.post(f"{path}/confirm", decision(town, **change)).status_code == 422
    assert mandates(tenant) == []


def test_a_payer_nobody_has_is_not_found(official, town, tenant, some_id):
    browser, path = official(), f"/office/people/requests/{town['asked']}"
    browser.get(path)
    assert browser.post(f"{path}/confirm", decision(town, payer=str(some_id()))).status_code == 404
    assert browser.get(f"/office/people/requests/{some_id()}").status_code == 404
    assert found(tenant, town).state is RequestState.ASKED


def test_who_comes_second_is_told_kindly(official, town, tenant):
    browser, path = official(), f"/office/people/requests/{town['asked']}"
    browser.get(path)
    with tenant.session() as session, bound_to(session):
        refuse_request(session, town["asked"], reason="Brak.", by=OfficialFactory().id)
    for act, fields in (("confirm", decision(town)), ("refuse", {"reason": "Ja też nie."})):
        assert browser.post(f"{path}/{act}", fields).status_code == 303
        assert 'role="alert"' in browser.get(path).text
    assert mandates(tenant) == []
    assert found(tenant, town).reason == "Brak."


def test_a_payer_merged_meanwhile_is_looked_at_again(official, town, tenant):
    browser, path = official(), f"/office/people/requests/{town['asked']}"
    browser.get(path)
    with tenant.session() as session, bound_to(session):
        session.execute(
            Mandate.metadata.tables["payers"]
            .update()
            .where(Mandate.metadata.tables["payers"].c.id == town["company"])
            .values(merged_into=PayerFactory(name="Nowy Tartak").id)
        )
    assert browser.post(f"{path}/confirm", decision(town)).status_code == 303
    assert "Nowy Tartak" in browser.get(path).text
    assert found(tenant, town).state is RequestState.ASKED


def test_nobody_decides_their_own_request(official, town, tenant):
    browser, path = official(), f"/office/people/requests/{town['asked']}"
    browser.get(path)
    with tenant.session() as session:
        mine = session.scalars(select(User).where(User.email.like("urzad%")).order_by(User.created_at.desc())).first()
        session.get_one(User, town["user"].id).email = mine.email
    for act, fields in (("confirm", decision(town)), ("refuse", {"reason": "Nie."})):
        assert browser.post(f"{path}/{act}", fields).status_code == 303
        assert 'role="alert"' in browser.get(path).text
    assert found(tenant, town).state is RequestState.ASKED


@pytest.mark.parametrize(
    ("role", "sees", "decides"),
    [
        (Role.ADMINISTRATOR, True, True),
        (Role.ACCOUNTANT, True, True),
        (Role.AUDITOR, True, False),
        (Role.COMMUNICATIONS, False, False),
        (Role.SURVEYS, False, False),
    ],
)
def test_administrator_and_accountant_decide_and_the_auditor_looks(official, town, tenant, role, sees, decides):
    browser, path = official(role), f"/office/people/requests/{town['asked']}"
    assert (browser.get("/office/people/requests").status_code == 200) == sees
    assert (browser.get(path).status_code == 200) == sees
    assert (f"{path}/confirm" in browser.text) == decides
    browser.get("/office/")
    answer = browser.post(f"{path}/confirm", decision(town))
    assert answer.status_code == (303 if decides else 404)
    assert len(mandates(tenant)) == decides


def test_the_queue_shows_the_oldest_first_in_pages(official, town, tenant):
    with tenant.session() as session, bound_to(session):
        for number in range(31):
            MandateRequestFactory(user_id=town["user"].id, name=f"Osoba {number:02}")
    browser = official()
    page = browser.get("/office/people/requests").text
    assert page.index("Osoba 00") < page.index("Osoba 28")
    assert "Osoba 29" not in page
    after = page.rpartition("after=")[2].partition('"')[0]
    assert "Osoba 29" in browser.get(f"/office/people/requests?state=asked&after={after}").text
