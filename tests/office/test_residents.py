"""Residents' accounts at the office: found without a PESEL in any address, signed out, blocked, their rights ended."""

import pytest
from sqlalchemy import func, select, text

from skarbnik import clock
from skarbnik.accounts.contact import ask_new_email
from skarbnik.accounts.models import (
    ConnectedIdentity,
    Door,
    EmailChange,
    ProviderConnection,
    SignInAttempt,
    SignInOutcome,
    User,
    UserKind,
    UserState,
    WebSession,
)
from skarbnik.accounts.pesel import set_pesel
from skarbnik.accounts.services import record_attempt
from skarbnik.audit.models import AuditEntry
from skarbnik.payers.models import Mandate, MandateBasis
from skarbnik.plugin_api import Assurance, Role
from skarbnik.testing.factories import PASSWORD, MandateFactory, PayerFactory, UserFactory, bound_to

PESEL = "84051203469"


@pytest.fixture
def town(tenant):
    with tenant.session() as session, bound_to(session):
        own, company = PayerFactory(name="Kowalska Anna"), PayerFactory(name="Tartak sp. z o.o.")
        user = UserFactory(name="Anna Kowalska", acts_for=[own])
        set_pesel(user, tenant, PESEL)
        mandate = MandateFactory(user_id=user.id, payer_id=company.id, basis=MandateBasis.COMPANY)
        return {
            "user": user,
            "path": f"/office/residents/{user.id}",
            "own": own.id,
            "company": company.id,
            "mandate": mandate.id,
            "self": session.scalars(select(Mandate.id).where(Mandate.basis == MandateBasis.SELF)).one(),
        }


@pytest.fixture
def anna(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["user"].email, PASSWORD)
    return browser


def state(tenant, town):
    with tenant.session() as session:
        return session.get_one(User, town["user"].id).state


def acts(tenant):
    with tenant.session() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    return [each for each in rows if each.action.startswith(("resident", "mandate."))]


def test_somebody_is_found_by_name_address_and_state(official, town, tenant):
    with tenant.session() as session, bound_to(session):
        UserFactory(name="Jan Nowak", email="jan@example.pl", state=UserState.BLOCKED)
    browser = official()
    for query, seen in (
        ("", {"Anna Kowalska", "Jan Nowak"}),
        ("q=kowal", {"Anna Kowalska"}),
        ("q=jan@example", {"Jan Nowak"}),
        ("state=blocked", {"Jan Nowak"}),
        ("state=active", {"Anna Kowalska"}),
        ("q=100%25", set()),
    ):
        page = browser.get(f"/office/residents?{query}").text.partition("<main")[2]
        assert {name for name in ("Anna Kowalska", "Jan Nowak") if name in page} == seen, query


def test_somebody_is_found_by_pesel_which_stands_in_no_address_and_no_page(official, town, tenant):
    browser = official()
    browser.get("/office/residents")
    answer = browser.post("/office/residents/by-pesel", {"pesel": PESEL})
    assert (answer.status_code, answer.location) == (303, town["path"])
    assert PESEL not in browser.get(town["path"]).text

    answer = browser.post("/office/residents/by-pesel", {"pesel": "81110302754"})
    assert answer.location == "/office/residents"
    for wrong in ("", "84051203460", "123", "x" * 11):
        answer = browser.post("/office/residents/by-pesel", {"pesel": wrong})
        assert answer.status_code == 422
        assert wrong == "" or f'value="{wrong}"' not in answer.text
    assert [each.action for each in acts(tenant)].count("residents.sought") == 2


def test_the_page_of_a_person_tells_all_that_is_known(official, anna, town):
    page = official().get(town["path"]).text
    for word in ("Kowalska Anna", "Tartak sp. z o.o.", town["user"].email, "127.0.0.1"):
        assert word in page


def test_an_official_is_no_resident(official, town, tenant):
    browser = official()
    with tenant.session() as session:
        other = session.scalars(select(User.id).where(User.kind == UserKind.OFFICIAL)).first()
    assert browser.get(f"/office/residents/{other}").status_code == 404
    for act in ("block", "unblock", "sign-out"):
        assert (
            official(Role.ADMINISTRATOR).post(f"/office/residents/{other}/{act}", {"cause": "asked"}).status_code == 404
        )


def test_a_blocked_resident_is_out_at_once_and_comes_back_when_it_is_cleared_up(official, anna, town, tenant):
    browser = official(Role.ADMINISTRATOR)
    assert anna.get("/dashboard").status_code == 200
    browser.get(town["path"])
    assert browser.post(f"{town['path']}/block", {"cause": ""}).status_code == 422
    assert browser.post(f"{town['path']}/block", {"cause": "cleared"}).status_code == 422
    assert browser.post(f"{town['path']}/block", {"cause": "stolen"}).status_code == 303

    assert anna.get("/dashboard").status_code == 303
    assert anna.sign_in(town["user"].email, PASSWORD).status_code == 422
    assert state(tenant, town) is UserState.BLOCKED

    browser.get(town["path"])
    assert browser.post(f"{town['path']}/unblock", {"cause": "cleared"}).status_code == 303
    assert anna.sign_in(town["user"].email, PASSWORD).status_code == 303
    written = [(each.action, set(each.payers)) for each in acts(tenant) if "block" in each.action]
    both = {town["own"], town["company"]}
    assert written == [("resident.blocked_as_stolen", both), ("resident.unblocked_as_cleared", both)]


@pytest.mark.parametrize(
    ("came_in", "proven", "after"), [(True, False, "active"), (False, True, "active"), (False, False, "invited")]
)
def test_who_was_never_let_in_is_not_let_in_by_being_unblocked(official, tenant, came_in, proven, after):
    with tenant.session() as session, bound_to(session):
        user = UserFactory(state=UserState.BLOCKED)
        if proven:
            set_pesel(user, tenant, PESEL)
        if came_in:
            words = {"kind": UserKind.RESIDENT, "outcome": SignInOutcome.SIGNED_IN, "way": "local", "ip": "127.0.0.1"}
            session.add(SignInAttempt(at=clock.now(), user_id=user.id, **words))
    browser = official(Role.ADMINISTRATOR)
    browser.get(f"/office/residents/{user.id}")
    browser.post(f"/office/residents/{user.id}/unblock", {"cause": "cleared"})
    assert state(tenant, {"user": user}) == after


def test_a_new_address_asked_for_before_a_block_does_not_hold_after_it(official, town, tenant):
    with tenant.session() as session:
        ask_new_email(session, tenant, session.get_one(User, town["user"].id), "zlodziej@example.pl")
        assert session.scalar(select(func.count()).select_from(EmailChange)) == 1
    browser = official(Role.ADMINISTRATOR)
    browser.get(town["path"])
    browser.post(f"{town['path']}/block", {"cause": "stolen"})
    browser.post(f"{town['path']}/unblock", {"cause": "cleared"})
    with tenant.session() as session:
        assert session.scalar(select(func.count()).select_from(EmailChange)) == 0


def test_an_account_its_owner_closed_is_not_blocked_and_not_opened_again(official, tenant):
    with tenant.session() as session, bound_to(session):
        user = UserFactory(name="", email=None, password_hash=None, state=UserState.CLOSED)
    browser, path = official(Role.ADMINISTRATOR), f"/office/residents/{user.id}"
    page = browser.get(path).text
    assert "/block" not in page
    for act, cause in (("block", "asked"), ("unblock", "cleared")):
        assert browser.post(f"{path}/{act}", {"cause": cause}).status_code == 303
    with tenant.session() as session:
        assert session.get_one(User, user.id).state is UserState.CLOSED
    assert [each.action for each in acts(tenant) if "block" in each.action] == []


def test_a_wrong_second_step_is_told_from_an_account_that_is_not_open(official, town, tenant):
    browser = official()
    with tenant.session() as session:
        for outcome in (SignInOutcome.FIRST_STEP, SignInOutcome.WRONG_CODE):
            words = {"kind": UserKind.RESIDENT, "user_id": town["user"].id, "way": "local", "ip": "127.0.0.1"}
            record_attempt(session, outcome=outcome, **words)
    page = browser.get(town["path"]).text
    assert "zły drugi składnik" in page
    assert "pytanie o drugi składnik" in page
    assert "konto niedostępne" not in page


def test_every_browser_is_signed_out(official, anna, town, tenant):
    browser = official(Role.ADMINISTRATOR)
    browser.get(town["path"])
    assert browser.post(f"{town['path']}/sign-out").status_code == 303
    assert anna.get("/dashboard").status_code == 303
    with tenant.session() as session:
        mine = select(func.count()).select_from(WebSession).where(WebSession.user_id == town["user"].id)
        assert session.scalar(mine) == 0


def test_a_right_is_ended_with_a_reason_and_gone_with_the_next_click(official, anna, town, tenant):
    anna.get("/acting")
    anna.post("/acting", {"payer": str(town["company"])})
    browser, path = official(), f"{town['path']}/mandates/{town['mandate']}/end"
    assert path in browser.get(town["path"]).text
    assert browser.get(path).status_code == 200
    assert browser.post(path, {"reason": ""}).status_code == 422
    assert "Tartak" in anna.get("/dashboard").text

    assert browser.post(path, {"reason": "Odwołano prokurę."}).status_code == 303

    assert "Tartak" not in anna.get("/dashboard").text
    assert "Odwołano prokurę." in anna.get("/acting").text
    assert "Odwołano prokurę." in browser.get(town["path"]).text
    assert browser.get(path).status_code == 303  # nothing is left to end
    (entry,) = [each for each in acts(tenant) if each.action == "mandate.ended"]
    assert (entry.subject_id, entry.payers) == (town["user"].id, [town["company"]])


def test_a_right_by_pesel_and_one_of_somebody_else_are_not_ended_there(official, town, tenant):
    with tenant.session() as session, bound_to(session):
        other = UserFactory().id
    browser = official()
    browser.get(town["path"])
    assert browser.post(f"{town['path']}/mandates/{town['self']}/end", {"reason": "x"}).status_code == 303
    assert browser.post(f"/office/residents/{other}/mandates/{town['mandate']}/end", {"reason": "x"}).status_code == 303
    with tenant.session() as session:
        assert session.scalar(text("SELECT count(*) FROM mandates WHERE until_on IS NULL")) == 2


@pytest.mark.parametrize(
    ("role", "sees", "ends", "tends"),
    [
        (Role.ADMINISTRATOR, True, True, True),
        (Role.ACCOUNTANT, True, True, False),
        (Role.AUDITOR, True, False, False),
        (Role.COMMUNICATIONS, False, False, False),
        (Role.SURVEYS, False, False, False),
    ],
)
def test_who_may_do_what_with_a_residents_account(official, town, tenant, role, sees, ends, tends):
    browser = official(role)
    assert (browser.get("/office/residents").status_code == 200) == sees
    assert (browser.get(town["path"]).status_code == 200) == sees
    assert ("/block" in browser.text) == tends
    browser.get("/office/")
    assert (browser.get(f"{town['path']}/mandates/{town['mandate']}/end").status_code == 200) == ends
    browser.get("/office/")
    for act in ("sign-out", "block", "unblock"):
        assert browser.post(f"{town['path']}/{act}", {"cause": "asked"}).status_code == (303 if tends else 404)
    assert browser.post("/office/residents/by-pesel", {"pesel": PESEL}).status_code == (303 if sees else 404)


@pytest.mark.parametrize(
    ("title", "called"), [(None, "Profil Zaufany (login.gov.pl)"), ("Węzeł krajowy", "Węzeł krajowy")]
)
def test_how_somebody_signs_in_is_called_as_they_call_it(official, town, tenant, title, called):
    """`epuap` is a word of ours."""
    now = clock.now()
    with tenant.session() as session:
        session.add(
            ProviderConnection(
                id="epuap", title=title, door=Door.RESIDENTS, enabled=False, level=Assurance.SUBSTANTIAL, changed_at=now
            )
        )
        session.add(
            ConnectedIdentity(
                subject_hash="ab",
                user_id=town["user"].id,
                provider="epuap",
                proves_pesel=True,
                created_at=now,
                used_at=now,
            )
        )

    page = official().get(town["path"]).text

    assert called in page
    assert "epuap" not in page
