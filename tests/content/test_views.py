"""Pages everybody may read, and agreeing to the terms."""

import re
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.accounts.models import User
from skarbnik.audit.models import AuditEntry
from skarbnik.content.standard import FORMAL_SERVICE, STANDARD_TERMS
from skarbnik.content.validator import check_declaration
from skarbnik.content.views import after_sign_in
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import PASSWORD

PUBLIC = [
    "/news", "/help", "/contact", "/privacy", "/terms", f"/terms/{STANDARD_TERMS}", "/cookies", "/accessibility",
    f"/pages/{FORMAL_SERVICE}",
]  # fmt: skip


@pytest.mark.parametrize("language", ["pl", "en", "uk"])
@pytest.mark.parametrize("path", PUBLIC)
def test_everybody_may_read_it_in_each_language(browse, path, language):
    page = browse("lipowo").get(path, headers={"Accept-Language": language})

    assert page.status_code == 200
    assert page.text.count("<h1") == 1
    assert re.search(rf'<html[^>]* lang="{language}"', page.text)
    found = [int(each) for each in re.findall(r"<h(\d)", page.text)]
    assert all(after <= before + 1 for before, after in pairwise(found))


@pytest.mark.parametrize(
    "path", ["/news/nic", "/pages/nic", "/terms/7", "/terms/main", "/pages/main", "/news/%00", "/terms/%00"]
)
def test_what_nobody_wrote_is_not_there(browse, path):
    assert browse("lipowo").get(path).status_code in (400, 404)


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999999999999"])
def test_a_strange_page_of_news_is_a_page(browse, page):
    assert browse("lipowo").get(f"/news?page={page}").status_code == 200


def test_a_text_in_polish_says_so_to_who_reads_another_language(browse, tenant, write):
    with tenant.session() as session:
        write(session, "news", "a", title="Przerwa w sobotę", body="Od ósmej.")
    browser = browse("lipowo")

    page = browser.get("/news/a", headers={"Accept-Language": "uk"}).text
    assert '<h1 lang="pl">Przerwa w sobotę</h1>' in page
    assert '<div class="prose" lang="pl">' in page
    assert 'lang="pl">' in browser.get("/news", headers={"Accept-Language": "uk"}).text
    assert "<h1>Przerwa w sobotę</h1>" in browser.get("/news/a", headers={"Accept-Language": "pl"}).text


def test_what_is_to_come_and_what_is_past_is_not_shown(browse, tenant, write):
    now = clock.now()
    with tenant.session() as session:
        write(session, "news", "jutro", shown_from=now + timedelta(days=1))
        write(session, "news", "wczoraj", shown_from=now - timedelta(days=2), shown_until=now - timedelta(days=1))
        write(session, "terms", "1", shown_from=now + timedelta(days=1))
    browser = browse("lipowo")

    assert [browser.get(path).status_code for path in ("/news/jutro", "/news/wczoraj", "/terms/1")] == [404, 404, 404]


def test_opening_hours_stand_with_the_contact(browse, tenant, write):
    with tenant.session() as session:
        write(session, "hours", title="Godziny", body="Pon.-pt. 8-16")

    assert "Pon.-pt. 8-16" in browse("lipowo").get("/contact").text


def test_an_earlier_version_of_the_terms_says_that_it_is_one(browse, tenant, write):
    with tenant.session() as session:
        write(session, "terms", "1", title="Pierwsze")
    with clock.stopped_at(clock.now() + timedelta(hours=1)), tenant.session() as session:
        write(session, "terms", "2", title="Drugie")
    with clock.stopped_at(clock.now() + timedelta(hours=2)):
        browser = browse("lipowo")
        now, before = browser.get("/terms").text, browser.get("/terms/1").text

    assert "Drugie" in now
    assert 'href="/terms/1"' in now
    assert f'href="/terms/{STANDARD_TERMS}"' in now
    assert "Pierwsze" in before
    assert "note warn" in before
    assert "note warn" not in now


@pytest.mark.parametrize("language", ["pl", "en", "uk"])
def test_the_page_of_the_declaration_has_each_id_once(browse, language):
    page = browse("lipowo").get("/accessibility", headers={"Accept-Language": language})

    assert [each for each in check_declaration(page.text) if not each.startswith("a11y-telefon")] == []


@pytest.fixture
def anna(browse, resident):
    browser = browse("lipowo")
    browser.sign_in(resident.email, PASSWORD)
    browser.user = resident
    return browser


def accepted(tenant, user):
    with tenant.session() as session:
        return session.get(User, user.id).terms_version


def test_a_resident_accepts_the_terms_once_and_goes_on(anna, tenant):
    page = anna.get("/terms/accept?next=/receivables")
    assert page.status_code == 200
    assert "/sign-out" in page.text
    assert accepted(tenant, anna.user) is None

    answer = anna.post("/terms/accept", {"version": STANDARD_TERMS, "next": "/receivables"})
    assert (answer.status_code, answer.location) == (303, "/receivables")
    assert accepted(tenant, anna.user) == STANDARD_TERMS
    again = anna.get("/terms/accept?next=/receivables")
    assert (again.status_code, again.location) == (303, "/receivables")
    with tenant.session() as session:
        entry = session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.subject) == ("terms.accepted", f"terms/{STANDARD_TERMS}")
    assert (entry.actor_id, entry.subject_id) == (anna.user.id, anna.user.id)


def test_terms_that_changed_while_somebody_read_are_asked_anew(anna, tenant, write):
    anna.get("/terms/accept")
    with tenant.session() as session:
        write(session, "terms", "1", title="Nowe zasady")

    answer = anna.post("/terms/accept", {"version": STANDARD_TERMS, "next": "/receivables"})
    assert answer.location == "/terms/accept?next=/receivables"
    assert "Nowe zasady" in anna.get(answer.location).text
    assert accepted(tenant, anna.user) is None


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "x"])
def test_accepting_leads_nowhere_else(anna, wanted):
    anna.get("/terms/accept")
    answer = anna.post("/terms/accept", {"version": STANDARD_TERMS, "next": wanted})

    assert (answer.status_code, answer.location) == (303, "/")


def test_only_residents_accept_terms(browse, official):
    stranger = browse("lipowo")
    assert stranger.get("/terms/accept").status_code == 303
    clerk = browse("lipowo")
    clerk.sign_in(official(Role.ADMINISTRATOR).email, PASSWORD, office=True)
    assert clerk.get("/terms/accept").status_code == 404


def test_terms_are_asked_after_signing_in_but_never_on_the_way_to_a_payment(app, tenant, resident):
    with app.test_request_context("/", base_url="https://lipowo.skarbnik.test"):
        app.preprocess_request()
        assert after_sign_in(resident.id, "/dashboard") == "/terms/accept?next=/dashboard"
        assert after_sign_in(resident.id, "/payments/ABC") == "/payments/ABC"


def test_terms_accepted_are_not_asked_after_signing_in(anna, app):
    anna.get("/terms/accept")
    anna.post("/terms/accept", {"version": STANDARD_TERMS, "next": "/"})
    with app.test_request_context("/", base_url="https://lipowo.skarbnik.test"):
        app.preprocess_request()
        assert after_sign_in(anna.user.id, "/dashboard") == "/dashboard"


def test_money_pages_ask_for_nothing(anna):
    assert anna.get("/payments").status_code == 200
    assert anna.get("/receivables").status_code == 200


def test_a_neighbours_texts_are_not_ours(browse, tenant, write):
    with tenant.session() as session:
        write(session, "help", body="TYLKO W LIPOWIE")
        write(session, "page", "nasza", body="TYLKO W LIPOWIE")

    assert "TYLKO W LIPOWIE" in browse("lipowo").get("/help").text
    assert "TYLKO W LIPOWIE" not in browse("debina").get("/help").text
    assert browse("debina").get("/pages/nasza").status_code == 404
