"""What somebody typed is not lost because their session ended meanwhile."""

import re
from datetime import timedelta

import pytest

from skarbnik import clock
from skarbnik.testing import factories
from skarbnik.web.kept import LARGEST, KeptForm, keep_form, open_kept


@pytest.fixture
def anna(tenant):
    with tenant.session() as session, factories.bound_to(session):
        payers = [factories.PayerFactory(name="Kowalska Anna"), factories.PayerFactory(name="Piekarnia")]
        return factories.UserFactory(acts_for=payers).email, str(payers[1].id)


def hidden(text, name):
    return re.findall(rf'name="{name}" (?:type="hidden" )?value="([^"]*)"', text)


def test_a_form_sent_too_late_is_sent_again_after_signing_in(browse, anna):
    email, payer_id = anna
    browser = browse("lipowo")
    browser.get("/sign-in")
    late = browser.post("/acting", {"csrf_token": browser.token(), "payer": payer_id, "note": 'Ż "<b>'})
    assert late.status_code == 401
    (kept,) = hidden(late.text, "kept")

    wrong = browser.post("/sign-in", {"csrf_token": browser.token(), "email": email, "password": "nope", "kept": kept})
    assert wrong.status_code == 422
    (kept,) = hidden(wrong.text, "kept")
    again = browser.post(
        "/sign-in", {"csrf_token": browser.token(), "email": email, "password": factories.PASSWORD, "kept": kept}
    )

    assert again.status_code == 200
    assert 'action="/acting"' in again.text
    assert hidden(again.text, "payer") == [payer_id]
    assert 'value="Ż &#34;&lt;b&gt;"' in again.text
    sent = browser.post("/acting", {"csrf_token": hidden(again.text, "csrf_token")[-1], "payer": payer_id})
    assert sent.status_code == 303
    assert "Piekarnia" in browser.get("/dashboard").text


def test_nothing_happens_before_the_person_sends_it(browse, anna, tenant):
    email, payer_id = anna
    browser = browse("lipowo")
    browser.get("/sign-in")
    late = browser.post("/acting", {"csrf_token": browser.token(), "payer": payer_id})
    browser.post(
        "/sign-in",
        {
            "csrf_token": browser.token(),
            "email": email,
            "password": factories.PASSWORD,
            "kept": hidden(late.text, "kept")[0],
        },
    )
    assert "Kowalska Anna" in browser.get("/dashboard").text


def test_a_form_without_the_token_of_this_browser_is_not_kept(browse, anna):
    answer = browse("lipowo").post("/acting", {"payer": anna[1], "csrf_token": "forged"})
    assert answer.status_code == 303
    assert "/sign-in" in answer.location


@pytest.mark.parametrize("text", ["", "x", "AAAA", "%", "ż"])
def test_what_is_not_ours_is_nothing(tenant, text):
    assert open_kept(tenant, text) is None


def test_a_kept_form_is_of_one_gmina_and_of_one_day(tenant, neighbour, monkeypatch):
    text = keep_form(tenant, KeptForm("/payments", [("i", "1"), ("i", "2"), ("csrf_token", "secret")]))

    assert open_kept(tenant, text) == KeptForm("/payments", [("i", "1"), ("i", "2")])
    assert open_kept(neighbour, text) is None
    later = clock.now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert open_kept(tenant, text) is None


def test_a_form_too_large_to_be_carried_is_not(tenant):
    assert keep_form(tenant, KeptForm("/payments", [("text", "x" * LARGEST)])) is None


def test_a_form_never_leads_to_another_host(tenant):
    assert open_kept(tenant, keep_form(tenant, KeptForm("//evil.example/x", [("i", "1")]))) is None
