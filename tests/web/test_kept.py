"""What somebody typed is not lost because their session ended meanwhile."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update

from skarbnik import clock
from skarbnik.accounts.models import WebSession
from skarbnik.testing import factories
from skarbnik.web.kept import LARGEST, KeptForm, keep_form, open_kept

OWNER = uuid4()


@pytest.fixture
def anna(tenant):
    with tenant.session() as session, factories.bound_to(session):
        payers = [factories.PayerFactory(name="Kowalska Anna"), factories.PayerFactory(name="Piekarnia")]
        return factories.UserFactory(acts_for=payers).email, str(payers[1].id)


@pytest.fixture
def late(browse, anna, tenant):
    """A browser whose session ended while something was typed, and what it was answered."""
    email, payer_id = anna
    browser = browse("lipowo")
    sign_in(browser, email)
    token = browser.token()
    with tenant.session() as session:
        session.execute(update(WebSession).values(expires_at=clock.now()))
    return browser, browser.post("/acting", {"csrf_token": token, "payer": payer_id, "note": 'Ż "<b>'})


def sign_in(browser, email, password=factories.PASSWORD, **more):
    browser.get("/sign-in")
    words = {"csrf_token": browser.token(), "email": email, "password": password, **more}
    answer = browser.post("/sign-in", words)
    if not more:
        browser.get("/acting")
    return answer


def hidden(text, name):
    return re.findall(rf'name="{name}" (?:type="hidden" )?value="([^"]*)"', text)


def test_a_form_sent_too_late_is_sent_again_after_signing_in(late, anna):
    browser, answer = late
    email, payer_id = anna
    assert answer.status_code == 401
    (kept,) = hidden(answer.text, "kept")

    wrong = sign_in(browser, email, "nope", kept=kept)
    assert wrong.status_code == 422
    (kept,) = hidden(wrong.text, "kept")
    again = sign_in(browser, email, kept=kept)

    assert again.status_code == 200
    assert 'action="/acting"' in again.text
    assert hidden(again.text, "payer")[-1] == payer_id  # those before it are of the header
    assert 'value="Ż &#34;&lt;b&gt;"' in again.text
    sent = browser.post("/acting", {"csrf_token": hidden(again.text, "csrf_token")[-1], "payer": payer_id})
    assert sent.status_code == 303
    assert "Piekarnia" in browser.get("/dashboard").text


def test_nothing_happens_before_the_person_sends_it(late, anna):
    browser, answer = late
    sign_in(browser, anna[0], kept=hidden(answer.text, "kept")[0])

    assert "Kowalska Anna" in browser.get("/dashboard").text


def test_somebody_else_at_the_same_browser_sees_nothing_of_it(late, tenant):
    browser, answer = late
    with tenant.session() as session, factories.bound_to(session):
        other = factories.UserFactory(acts_for=[factories.PayerFactory()]).email

    signed_in = sign_in(browser, other, kept=hidden(answer.text, "kept")[0])

    assert signed_in.status_code == 303
    assert "&lt;b&gt;" not in browser.get("/dashboard").text


def test_a_form_of_somebody_who_was_never_signed_in_is_not_kept(browse, anna):
    browser = browse("lipowo")
    browser.get("/sign-in")
    answer = browser.post("/acting", {"csrf_token": browser.token(), "payer": anna[1]})

    assert answer.status_code == 303
    assert "/sign-in" in answer.location


def test_a_form_without_the_token_of_this_browser_is_not_kept(late, anna):
    answer = late[0].post("/acting", {"payer": anna[1], "csrf_token": "forged"})
    assert answer.status_code == 303
    assert "/sign-in" in answer.location


@pytest.mark.parametrize("text", ["", "x", "AAAA", "%", "ż"])
def test_what_is_not_ours_is_nothing(tenant, text):
    assert open_kept(tenant, text, owner=OWNER) is None


def test_a_kept_form_is_of_one_gmina_and_of_one_day(tenant, neighbour, monkeypatch):
    text = keep_form(tenant, KeptForm(OWNER, "/payments", [("i", "1"), ("i", "2"), ("csrf_token", "secret")]))

    assert open_kept(tenant, text, owner=OWNER) == KeptForm(OWNER, "/payments", [("i", "1"), ("i", "2")])
    assert open_kept(neighbour, text, owner=OWNER) is None
    later = clock.now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert open_kept(tenant, text, owner=OWNER) is None


def test_a_form_too_large_to_be_carried_is_not(tenant):
    assert keep_form(tenant, KeptForm(OWNER, "/payments", [("text", "x" * LARGEST)])) is None


def test_a_form_never_leads_to_another_host(tenant):
    assert open_kept(tenant, keep_form(tenant, KeptForm(OWNER, "//evil.example/x", [("i", "1")])), owner=OWNER) is None


def test_an_order_that_came_too_late_is_looked_at_again_and_not_sent(browse, anna, tenant):
    browser = browse("lipowo")
    sign_in(browser, anna[0])
    token = browser.token()
    with tenant.session() as session:
        session.execute(update(WebSession).values(expires_at=clock.now()))
    late = browser.post("/payments", {"csrf_token": token, "i": ["1", "2"], "p": "5"})

    again = sign_in(browser, anna[0], kept=hidden(late.text, "kept")[0])

    assert (again.status_code, again.location) == (303, "/payments/new?i=1&i=2")


def test_who_outlives_the_session_while_typing_keeps_the_form_though_somebody_signs_in(late, anna, browse, tenant):
    browser, answer = late
    with tenant.session() as session, factories.bound_to(session):
        other = factories.UserFactory(acts_for=[factories.PayerFactory()]).email
    sign_in(browse("lipowo"), other)

    again = sign_in(browser, anna[0], kept=hidden(answer.text, "kept")[0])

    assert 'action="/acting"' in again.text
