"""Administrators look after the people of the office; an office keeps two of them, and nobody judges oneself."""

import re
import threading

import pytest
from sqlalchemy import select

from skarbnik.accounts.models import User, UserState, WebSession
from skarbnik.accounts.officials import TooFewAdministrators, block_official, set_roles
from skarbnik.audit.models import AuditEntry
from skarbnik.mail.models import Mail
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import PASSWORD, OfficialFactory, UserFactory, bound_to

HALINA = {"name": "Halina Nowa", "email": "Halina.Nowa@lipowo.example", "roles": ["accountant"]}


@pytest.fixture
def made(tenant):
    """`made(role)`: an official, as the database has them."""

    def make(role, **values):
        with tenant.session() as session, bound_to(session):
            return OfficialFactory(has_roles=[role], **values)

    return make


@pytest.fixture
def administrator(browse, made):
    """The browser of an administrator, of whom there are two."""
    made(Role.ADMINISTRATOR)
    user = made(Role.ADMINISTRATOR)
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD, office=True)
    browser.user = user
    return browser


def find(tenant, email):
    with tenant.session() as session:
        return session.scalars(select(User).where(User.email == email)).one_or_none()


def acts(tenant):
    with tenant.session() as session:
        return session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()


def test_who_is_invited_gets_a_link_and_chooses_a_password_with_it(administrator, browse, tenant):
    administrator.get("/office/people/new")
    assert administrator.post("/office/people/new", HALINA).status_code == 303

    user = find(tenant, "halina.nowa@lipowo.example")
    assert (user.state, user.roles, user.password_hash) == (UserState.INVITED, "accountant", None)
    with tenant.session() as session:
        (mail,) = session.scalars(select(Mail)).all()
    assert mail.recipient == user.email
    secret = re.search(r"https?://lipowo\.[^/]+(/welcome/\w+)", mail.text)[1]
    assert browse("lipowo").get(secret).status_code == 200
    assert {"official.invited", "official.role_given"} <= set(acts(tenant))


def test_a_name_is_changed_by_an_administrator_and_by_nobody_else(administrator, browse, made, tenant):
    clerk = made(Role.ACCOUNTANT, name="Halina Nowa")
    path = f"/office/people/{clerk.id}/name"
    assert 'value="Halina Nowa"' in administrator.get(path).text
    assert administrator.post(path, {"name": "  "}).status_code == 422
    assert administrator.post(path, {"name": " Halina Nowa-Stara "}).status_code == 303
    assert "Halina Nowa-Stara" in administrator.get(f"/office/people/{clerk.id}").text
    assert acts(tenant).count("official.renamed") == 1
    administrator.get(path)
    administrator.post(path, {"name": "Halina Nowa-Stara"})
    assert acts(tenant).count("official.renamed") == 1

    auditor = browse("lipowo")
    auditor.sign_in(made(Role.AUDITOR).email, PASSWORD, office=True)
    assert auditor.get(path).status_code == 404


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": ""}, "Wpisz imię i nazwisko"),
        ({"email": "halina"}, "Wpisz adres e-mail"),
        ({"email": ""}, "Wpisz adres e-mail"),
        ({"roles": []}, "Wybierz, co ta osoba robi w urzędzie"),
        ({"roles": ["burmistrz"]}, "burmistrz"),
        ({"name": "x" * 121}, "najwyżej 120"),
    ],
)
def test_what_cannot_be_an_invitation_is_asked_again(administrator, tenant, changes, expected):
    administrator.get("/office/people/new")
    answer = administrator.post("/office/people/new", HALINA | changes)
    assert answer.status_code == 422
    assert expected in answer.text
    assert find(tenant, "halina.nowa@lipowo.example") is None


def test_nobody_is_invited_twice(administrator, tenant):
    administrator.get("/office/people/new")
    administrator.post("/office/people/new", HALINA)
    answer = administrator.post("/office/people/new", HALINA | {"email": "HALINA.nowa@lipowo.example "})
    assert answer.status_code == 422
    with tenant.session() as session:
        assert len(session.scalars(select(Mail)).all()) == 1


def test_a_resident_with_the_same_address_stays_somebody_else(administrator, tenant):
    with tenant.session() as session, bound_to(session):
        UserFactory(email="halina.nowa@lipowo.example")
    administrator.get("/office/people/new")
    assert administrator.post("/office/people/new", HALINA).status_code == 303


def test_new_roles_hold_from_the_next_click(administrator, browse, made, tenant):
    clerk = made(Role.ACCOUNTANT)
    browser = browse("lipowo")
    browser.sign_in(clerk.email, PASSWORD, office=True)
    assert browser.get("/office/payments").status_code == 200
    administrator.get(f"/office/people/{clerk.id}")

    administrator.post(f"/office/people/{clerk.id}/roles", {"roles": ["communications"]})

    assert browser.get("/office/payments").status_code == 404
    with tenant.session() as session:
        entries = session.execute(
            select(AuditEntry.action, AuditEntry.subject)
            .where(AuditEntry.subject_id == clerk.id, AuditEntry.action.startswith("official.role"))
            .order_by(AuditEntry.id)
        ).all()
    assert entries == [
        ("official.role_taken", "role:accountant"),
        ("official.role_given", "role:communications"),
    ]
    page = administrator.get("/office/audit").text
    assert "rola Księgowość" in page


def test_a_blocked_account_is_signed_out_and_opens_nothing_until_it_is_unblocked(administrator, browse, made, tenant):
    clerk = made(Role.ACCOUNTANT)
    browser = browse("lipowo")
    browser.sign_in(clerk.email, PASSWORD, office=True)
    administrator.get(f"/office/people/{clerk.id}")

    administrator.post(f"/office/people/{clerk.id}/block")

    assert browser.get("/office/payments").status_code == 303
    assert browser.sign_in(clerk.email, PASSWORD, office=True).status_code == 422
    administrator.post(f"/office/people/{clerk.id}/unblock")
    assert browser.sign_in(clerk.email, PASSWORD, office=True).status_code == 303
    assert {"official.blocked", "official.unblocked"} <= set(acts(tenant))


def test_every_browser_of_an_official_can_be_signed_out(administrator, browse, made, tenant):
    clerk = made(Role.ACCOUNTANT)
    for _ in range(2):
        browse("lipowo").sign_in(clerk.email, PASSWORD, office=True)
    administrator.get(f"/office/people/{clerk.id}")
    administrator.post(f"/office/people/{clerk.id}/sign-out")
    with tenant.session() as session:
        assert session.scalars(select(WebSession).where(WebSession.user_id == clerk.id)).all() == []


def test_a_forgotten_password_is_chosen_anew_by_a_link(administrator, made, tenant):
    clerk = made(Role.ACCOUNTANT)
    administrator.get(f"/office/people/{clerk.id}")
    administrator.post(f"/office/people/{clerk.id}/link")
    with tenant.session() as session:
        (mail,) = session.scalars(select(Mail)).all()
    assert "/welcome/" in mail.text
    assert find(tenant, clerk.email).state is UserState.ACTIVE
    assert "official.link_sent" in acts(tenant)


def test_nobody_changes_their_own_roles_or_blocks_oneself(administrator, tenant):
    me = administrator.user
    administrator.get(f"/office/people/{me.id}")
    administrator.post(f"/office/people/{me.id}/roles", {"roles": ["auditor"]})
    administrator.post(f"/office/people/{me.id}/block")
    found = find(tenant, me.email)
    assert (found.roles, found.state) == ("administrator", UserState.ACTIVE)


def test_an_office_keeps_two_administrators(administrator, made, tenant):
    with tenant.session() as session:
        (other,) = session.scalars(select(User).where(User.id != administrator.user.id)).all()
    administrator.get(f"/office/people/{other.id}")
    administrator.post(f"/office/people/{other.id}/block")
    administrator.post(f"/office/people/{other.id}/roles", {"roles": ["auditor"]})
    assert (find(tenant, other.email).state, find(tenant, other.email).roles) == (UserState.ACTIVE, "administrator")
    assert "official.blocked" not in acts(tenant)

    made(Role.ADMINISTRATOR)
    administrator.post(f"/office/people/{other.id}/block")
    assert find(tenant, other.email).state is UserState.BLOCKED


def test_three_administrators_who_block_each_other_at_once_leave_two(made, tenant):
    ids = [made(Role.ADMINISTRATOR).id for _ in range(3)]
    start, refused = threading.Barrier(3), []

    def block(victim, by):
        start.wait()
        try:
            with tenant.session() as session:
                block_official(session, victim, by=by)
        except TooFewAdministrators:
            refused.append(victim)

    threads = [threading.Thread(target=block, args=(ids[i], ids[(i + 1) % 3])) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with tenant.session() as session:
        left = session.scalars(select(User.id).where(User.state == UserState.ACTIVE)).all()
    assert len(left) == 2
    assert len(refused) == 2


def test_the_first_administrator_is_told_that_a_second_is_wanted(browse, made):
    user = made(Role.ADMINISTRATOR)
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD, office=True)
    assert "tylko jeden administrator" in browser.get("/office/people").text


def test_a_role_that_is_the_same_is_no_change(made, tenant):
    clerk, by = made(Role.ACCOUNTANT), made(Role.ADMINISTRATOR)
    with tenant.session() as session:
        assert set_roles(session, clerk.id, frozenset({Role.ACCOUNTANT}), by=by.id) == frozenset()


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        (Role.ADMINISTRATOR, True),
        (Role.AUDITOR, True),
        (Role.ACCOUNTANT, False),
        (Role.COMMUNICATIONS, False),
        (Role.SURVEYS, False),
    ],
)
def test_only_administrators_change_and_auditors_look(browse, made, tenant, role, sees):
    clerk = made(Role.SURVEYS)
    user = made(role)
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD, office=True)
    assert browser.get("/office/people").status_code == (200 if sees else 404)
    assert browser.get(f"/office/people/{clerk.id}").status_code == (200 if sees else 404)
    if role is not Role.ADMINISTRATOR:
        assert browser.get("/office/people/new").status_code == 404
        for act in ("roles", "block", "unblock", "link", "sign-out"):
            assert browser.post(f"/office/people/{clerk.id}/{act}", {"roles": ["auditor"]}).status_code == 404


def test_residents_and_the_people_of_a_neighbour_are_nobody_here(administrator, neighbour, tenant):
    with tenant.session() as session, bound_to(session):
        resident = UserFactory().id
    with neighbour.session() as session, bound_to(session):
        foreign = OfficialFactory().id
    for nobody in (resident, foreign):
        assert administrator.get(f"/office/people/{nobody}").status_code == 404
        for act in ("block", "unblock", "link", "sign-out"):
            assert administrator.post(f"/office/people/{nobody}/{act}").status_code == 404


def test_people_are_found_by_name_and_address(administrator, made):
    made(Role.ACCOUNTANT, name="Żaneta Ćwiklińska")
    made(Role.ACCOUNTANT, name="Jan Inny", email="sekretariat_1@lipowo.example")
    assert "Żaneta" in administrator.get("/office/people?q=żaneta").text
    page = administrator.get("/office/people?q=sekretariat_1").text
    assert "Jan Inny" in page
    assert "Żaneta" not in page
    assert "Nikogo nie znaleziono" in administrator.get("/office/people?q=%25").text


def test_sign_ins_are_told_with_their_outcome_and_where_from(administrator, browse, made):
    clerk = made(Role.ACCOUNTANT)
    browser = browse("lipowo")
    browser.sign_in(clerk.email, "not the password", office=True)
    browser.sign_in(clerk.email, PASSWORD, office=True)
    page = administrator.get(f"/office/people/{clerk.id}").text
    assert "złe hasło" in page
    assert "127.0.0.1" in page
