"""What each role may do is told from what the routes themselves declare: it cannot say anything else than they do."""

import re

import pytest

from skarbnik.office.role_words import part_names
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import PASSWORD, OfficialFactory, UserFactory, bound_to
from skarbnik.web.access import list_permissions


def everywhere(path):
    return True


def test_every_permission_of_single_roles_says_what_it_lets_one_do_and_where(app):
    parts = part_names_of(app)
    declared = [each for each in list_permissions(app, only_here=everywhere) if each.roles]

    assert len(declared) > 25
    assert [each.name for each in declared if not each.label and each.roles != set(Role)] == []
    assert [each.name for each in declared if each.label and each.name.partition(".")[0] not in parts] == []


def part_names_of(app):
    with app.test_request_context(base_url="https://lipowo.skarbnik.test"):
        return {**part_names(), **app.extensions["skarbnik"].instance.plugins.pages}


def test_permissions_have_one_name_each(app):
    names = [each.name for each in list_permissions(app, only_here=everywhere)]

    assert sorted(names) == sorted(set(names))


def test_an_administrator_reads_what_each_role_may_do(official):
    page = official(Role.ADMINISTRATOR).get("/office/people/roles").text

    assert "Zatwierdzanie i odrzucanie zwrotów" in page
    assert "tylko swoje rodzaje" in page
    assert "gdy może administrować" in page


def test_one_role_is_looked_at_alone(official):
    browser = official(Role.AUDITOR)

    texts = browser.get("/office/people/roles?role=communications").text
    everything = browser.get("/office/people/roles?role=nobody").text

    assert "Pisanie treści portalu" in texts
    assert "Zatwierdzanie i odrzucanie zwrotów" not in texts
    assert "Zatwierdzanie i odrzucanie zwrotów" in everything


def test_who_does_not_see_the_people_of_the_office_does_not_see_it(official, browse, tenant):
    assert official(Role.ACCOUNTANT).get("/office/people/roles").status_code == 404
    with tenant.session() as session, bound_to(session):
        resident = UserFactory()
    browser = browse("lipowo")
    browser.sign_in(resident.email, PASSWORD)
    assert browser.get("/office/people/roles").status_code == 404


@pytest.fixture
def elsewhere(clean, browse):
    """`elsewhere(role)`: an official of a gmina without plugins, signed in."""

    def sign_in(role):
        without = clean.tenant_with("bez-wtyczki")
        with without.session() as session, bound_to(session):
            email = OfficialFactory(has_roles=[role]).email
        browser = browse(without.slug)
        browser.sign_in(email, PASSWORD, office=True)
        return browser

    return sign_in


def test_a_role_of_a_plugin_the_gmina_did_not_choose_is_said_to_have_nothing_to_do(elsewhere, official):
    browser = elsewhere(Role.AUDITOR)

    assert "której tu się nie używa" in browser.get("/office/people/roles?role=surveys").text
    assert "ankiet" not in browser.text
    assert "której tu się nie używa" not in browser.get("/office/people/roles").text
    assert "której tu się nie używa" not in official(Role.AUDITOR).get("/office/people/roles?role=surveys").text


def test_who_invites_reads_which_role_has_nothing_to_do_here_and_may_give_it(elsewhere, official):
    browser = elsewhere(Role.ADMINISTRATOR)

    page = browser.get("/office/people/new").text
    assert page.count("której tu się nie używa") == 1
    assert re.search(r"Ankiety: pytania i odpowiedzi</label><small[^<]*której tu się nie używa", page)
    fields = {"name": "Olga Nowa", "email": "olga@lipowo.example", "roles": ["surveys"]}
    browser.get("/office/people/new")
    answer = browser.post("/office/people/new", fields)
    assert answer.status_code == 303
    assert "której tu się nie używa" in browser.get(answer.location).text
    assert "której tu się nie używa" not in official(Role.ADMINISTRATOR).get("/office/people/new").text
