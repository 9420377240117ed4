"""Before what weighs much somebody proves again who they are; what they were sending is not lost by it."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from tests.accounts.conftest import hidden
from tests.accounts.test_factor_views import acts, mails
from tests.accounts.test_passkeys import register

from skarbnik import clock
from skarbnik.accounts.codes import code_at
from skarbnik.accounts.factors import has_factor
from skarbnik.accounts.models import SecondFactor, WebSession
from skarbnik.accounts.signed_in import FRESH
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import PASSWORD
from skarbnik.web.access import find_access

WEIGHTY = {
    "gateways.account", "keys.keys", "keys.take_up", "keys.drop", "switches.change", "office.keep_trail",
    "refunds.propose_form", "refunds.propose", "refunds.approve", "refunds.decline", "people.invite",
    "people.change_roles", "people.change_scope", "people.block", "people.unblock", "people.send_link",
    "people.take_factors",
    "dictionaries.kind", "own_factors.set_up", "own_factors.make_codes", "own_factors.remove",
    "doors.connect_own", "doors.disconnect_own", "desk.show", "desk.confirm", "desk.new",
    "identity.change_access", "identity.prepare", "identity.take_up", "identity.forget", "identity.try_it",
    "identity.make_key", "identity.bring_certificate",
    "support.agree", "support.change_setting",
}  # fmt: skip


def test_what_weighs_much_asks_again(app):
    declared = {rule.endpoint: find_access(app, rule.endpoint) for rule in app.url_map.iter_rules()}
    assert {endpoint for endpoint, access in declared.items() if access is not None and access.fresh} == WEIGHTY


def test_what_asks_for_the_password_itself_asks_who_has_a_second_step_for_that(app):
    declared = {rule.endpoint: find_access(app, rule.endpoint) for rule in app.url_map.iter_rules()}
    asking = {endpoint for endpoint, access in declared.items() if access is not None and access.second}
    assert asking == {"own.email", "own.password", "own.close"}


@pytest.fixture
def adam(official):
    return official(Role.ADMINISTRATOR, Role.ACCOUNTANT)


@pytest.fixture
def stale(browse, adam, noon):
    """A browser whose second step was given eleven minutes ago; time stands then."""
    browser = browse("lipowo")
    with clock.stopped_at(noon - FRESH - timedelta(seconds=1)):
        browser.sign_in(adam.email, PASSWORD, office=True)
        browser.get("/office/")
    return browser


def test_somebody_is_asked_again_after_ten_minutes_and_goes_on_where_they_wanted(stale, adam, code, noon):
    answer = stale.get("/office/people/new?x=1")
    assert (answer.status_code, answer.location) == (303, "/confirm?next=/office/people/new?x%3D1")
    page = stale.get(answer.location)
    assert page.status_code == 200
    answer = stale.post("/confirm", {"code": code(adam), "next": hidden(page.text, "next")})
    assert (answer.status_code, answer.location) == (303, "/office/people/new?x=1")
    assert stale.get("/office/people/new").status_code == 200
    with clock.stopped_at(noon + FRESH):
        assert stale.get("/office/people/new").status_code == 200
    with clock.stopped_at(noon + FRESH + timedelta(seconds=1)):
        assert stale.get("/office/people/new").status_code == 303


@pytest.mark.parametrize("path", ["/profile/email", "/profile/password"])
def test_a_password_alone_changes_no_way_in_of_who_has_a_second_step(stale, adam, code, path):
    sent = stale.post(path, {"current": PASSWORD, "email": "other@example.pl"})
    assert sent.status_code == 401
    assert PASSWORD not in sent.text
    answer = stale.get(path)
    assert (answer.status_code, answer.location) == (303, f"/confirm?next={path}")
    stale.get(answer.location)
    stale.post("/confirm", {"code": code(adam), "next": path})
    assert stale.get(path).status_code == 200


def test_who_has_no_second_step_is_asked_for_the_password_once(browse, resident, noon):
    user, browser = resident(), browse("lipowo")
    with clock.stopped_at(noon - FRESH - timedelta(seconds=1)):
        browser.sign_in(user.email, PASSWORD)
    for path in ("/profile/email", "/profile/password", "/profile/close"):
        assert browser.get(path).status_code == 200


def test_pages_that_only_show_do_not_ask(stale, official):
    other = official()
    for path in ("/office/", "/office/people", f"/office/people/{other.id}", "/office/kinds/shown", "/profile"):
        assert stale.get(path).status_code == 200


def test_a_form_that_was_being_sent_comes_back_and_is_sent_by_a_press(stale, adam, official, code, tenant):
    clerk = official(Role.SURVEYS)
    stale.get(f"/office/people/{clerk.id}")
    asked = stale.post(f"/office/people/{clerk.id}/roles", {"roles": ["auditor"]})
    assert asked.status_code == 401
    assert "official.role_given" not in acts(tenant)
    again = stale.post("/confirm", {"code": code(adam), "kept": hidden(asked.text, "kept")})
    assert again.status_code == 200
    assert f'action="/office/people/{clerk.id}/roles"' in again.text
    assert "official.role_given" not in acts(tenant)
    sent = stale.post(f"/office/people/{clerk.id}/roles", {"roles": [hidden(again.text, "roles")]})
    assert sent.status_code == 303
    assert "official.role_given" in acts(tenant)


def test_a_wrong_code_proves_nothing_and_keeps_the_form(stale, adam, official, code, outcomes):
    clerk = official(Role.SURVEYS)
    stale.get(f"/office/people/{clerk.id}")
    asked = stale.post(f"/office/people/{clerk.id}/block")
    wrong = stale.post("/confirm", {"code": "000000", "kept": hidden(asked.text, "kept")})
    assert wrong.status_code == 422
    assert hidden(wrong.text, "kept")
    assert stale.get("/office/people/new").status_code == 303
    assert outcomes(adam)[-1] == "wrong_code"
    assert stale.post("/confirm", {"password": PASSWORD}).status_code == 422  # a password is not enough in the office


def test_keys_that_were_typed_are_not_carried_through_a_page(stale, adam, open_account, tenant):
    from skarbnik.testing.factories import bound_to  # beside its only use

    with tenant.session() as session, bound_to(session):
        account_id = open_account(session, tenant).id
    stale.get("/office/")
    answer = stale.post(f"/office/gateways/{account_id}/keys", {"client_secret": "very secret words"})
    assert (answer.status_code, answer.location) == (303, f"/confirm?next=/office/gateways/{account_id}/keys")


def test_a_strangers_form_is_not_kept(stale, official):
    stale.get("/office/")
    answer = stale.post(f"/office/people/{official().id}/block", {"csrf_token": "forged"})
    assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/confirm")


@pytest.mark.parametrize("outside", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
def test_nobody_is_led_outside(stale, adam, code, outside):
    assert stale.post("/confirm", {"code": code(adam), "next": outside}).location == "/office/"


def test_a_passkey_proves_it_too(stale, adam, device, question, code):
    phone = device()
    stale.get("/confirm")
    stale.post("/confirm", {"code": code(adam)})
    register(stale, phone, question)
    with clock.stopped_at(clock.now() + FRESH + timedelta(seconds=1)):
        assert stale.get("/office/people/new").status_code == 303
        stale.get("/confirm")
        assert stale.post("/confirm", {"answer": phone.get(question(stale, "confirm"))}).status_code == 303
        assert stale.get("/office/people/new").status_code == 200


def test_a_session_without_any_second_step_is_not_fresh(browse, official, tenant, noon):
    halina, browser = official(Role.ADMINISTRATOR), browse("lipowo")
    browser.sign_in(halina.email, PASSWORD, office=True)
    with tenant.session() as session:
        session.scalars(select(WebSession)).one().second_at = None
    assert browser.get("/office/people/new").status_code == 303


def test_a_resident_proves_it_with_the_password_and_with_a_factor_as_soon_as_they_have_one(
    browse, resident, code, noon, tenant, device, question
):
    anna, browser = resident(), browse("lipowo")
    browser.sign_in(anna.email, PASSWORD)
    assert browser.get("/profile/second-step/new").status_code == 200  # they have just signed in
    later = noon + FRESH + timedelta(seconds=1)
    with clock.stopped_at(later):
        answer = browser.get("/profile/second-step/new")
        assert answer.location == "/confirm?next=/profile/second-step/new"
        browser.get(answer.location)
        assert browser.post("/confirm", {"password": "not it"}).status_code == 422
        assert browser.post("/confirm", {"password": PASSWORD}).status_code == 303
        assert register(browser, device(), question).status_code == 200
    with clock.stopped_at(later + FRESH + timedelta(seconds=1)):
        browser.get("/confirm")
        assert browser.post("/confirm", {"password": PASSWORD}).status_code == 422
        page = browser.get("/profile").text
        mark = page.partition("/profile/second-step/")[2].partition("/remove")[0]
        assert browser.post(f"/profile/second-step/{mark}/remove").status_code == 401
    with tenant.session() as session:
        assert has_factor(session, anna.id)


def test_an_official_changes_the_app_and_makes_new_codes(browse, official, tenant, noon):
    halina, browser = official(), browse("lipowo")
    browser.sign_in(halina.email, PASSWORD, office=True)
    page = browser.get("/profile/second-step/new").text
    key = page.partition('class="key">')[2].partition("<")[0].replace(" ", "")
    done = browser.post(
        "/profile/second-step/new", {"code": code_at(key, noon.timestamp()), "key": hidden(page, "key")}
    )
    assert done.text.count("<code>") == 10  # there were none yet
    with tenant.session() as session:
        kept = session.scalars(select(SecondFactor).where(SecondFactor.mark == "app")).one()
        assert key.encode() in tenant.open_sealed("totp", kept.secret)
    browser.get("/profile")
    new = browser.post("/profile/second-step/codes")
    assert new.text.count("<code>") == 10
    assert not set(done.text.split("<code>")[1:]) & set(new.text.split("<code>")[1:])
    assert len(mails(tenant)) == 2
    browser.get("/profile")
    assert browser.post("/profile/second-step/app/remove").status_code == 303
    with tenant.session() as session:
        assert has_factor(session, halina.id)


def test_an_administrator_takes_away_what_another_official_lost(browse, official, adam, tenant, noon):
    halina, browser, theirs = official(), browse("lipowo"), browse("lipowo")
    theirs.sign_in(halina.email, PASSWORD, office=True)
    browser.sign_in(adam.email, PASSWORD, office=True)
    browser.get(f"/office/people/{halina.id}")
    assert browser.post(f"/office/people/{halina.id}/second-step").status_code == 303
    assert theirs.get("/office/").status_code == 303
    with tenant.session() as session:
        assert not has_factor(session, halina.id)
    assert "official.factors_taken" in acts(tenant)
    assert len(mails(tenant)) == 1
    theirs.get("/office/sign-in")
    answer = theirs.post("/office/sign-in", {"email": halina.email, "password": PASSWORD, "next": ""})
    assert answer.location == "/sign-in/set-up"


def test_nobody_takes_away_their_own_and_only_administrators_anybodys(browse, official, adam, resident, tenant):
    halina, browser, clerk = official(), browse("lipowo"), browse("lipowo")
    browser.sign_in(adam.email, PASSWORD, office=True)
    clerk.sign_in(halina.email, PASSWORD, office=True)
    browser.get(f"/office/people/{adam.id}")
    browser.post(f"/office/people/{adam.id}/second-step")
    clerk.get("/office/")
    assert clerk.post(f"/office/people/{adam.id}/second-step").status_code == 404
    assert browser.post(f"/office/people/{resident(app=True).id}/second-step").status_code == 404
    with tenant.session() as session:
        assert has_factor(session, adam.id)
