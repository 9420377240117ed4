"""A passkey proves who is here: asked by us, at this host, with the person verified, and once."""

import dataclasses
import json

import pytest
import redis
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select
from tests.accounts.test_factor_views import begin

from skarbnik.accounts.factors import list_factors
from skarbnik.accounts.models import FactorKind, User, UserState, WebSession
from skarbnik.testing.factories import PASSWORD
from skarbnik.web import attempts


def register(browser, device, question, purpose="add", path="/profile/second-step/new", name="Telefon"):
    browser.get("/profile")
    return browser.post(path, {"answer": device.create(question(browser, purpose)), "name": name})


@pytest.fixture
def halina(official):
    return official()


@pytest.fixture
def phone(browse, halina, device, question):
    """Halina's telephone with a passkey."""
    browser, made = browse("lipowo"), device()
    browser.sign_in(halina.email, PASSWORD, office=True)
    assert register(browser, made, question).status_code == 200
    return made


def answered(browser, question, phone, **more):
    browser.get("/office/sign-in")
    return browser.post(
        "/sign-in/passkey", {"answer": phone.get(question(browser, "sign-in")), "door": "official", **more}
    )


def sessions(tenant):
    with tenant.session() as session:
        return session.scalar(select(func.count()).select_from(WebSession))


def test_a_passkey_alone_signs_an_official_in(browse, halina, phone, question, outcomes):
    browser = browse("lipowo")
    answer = answered(browser, question, phone, next="/office/payments")
    assert (answer.status_code, answer.location) == (303, "/office/payments")
    assert browser.get("/office/").status_code == 200
    assert outcomes(halina)[-1] == "signed_in"
    assert browser.get("/profile/second-step/new").status_code == 200  # both factors were given just now


def test_a_passkey_alone_signs_a_resident_in(browse, resident, device, question):
    anna, browser, made = resident(), browse("lipowo"), device()
    browser.sign_in(anna.email, PASSWORD)
    assert register(browser, made, question).status_code == 200
    again = browse("lipowo")
    again.get("/sign-in")
    answer = again.post("/sign-in/passkey", {"answer": made.get(question(again, "sign-in")), "next": "/payments"})
    assert answer.location == "/payments"


def test_a_passkey_that_counts_nothing_signs_in_again_and_again(browse, phone, question):
    phone.counts, phone.signatures = False, 0
    for _ in range(3):
        assert answered(browse("lipowo"), question, phone).location == "/office/"


def test_a_passkey_is_a_second_step(browse, halina, phone, question):
    browser = browse("lipowo")
    begin(browser, halina)
    options = question(browser, "second")
    assert [each["id"] for each in options["allowCredentials"]] == [
        json.loads(phone.create({"challenge": "", "user": {"id": ""}}))["id"]
    ]
    assert browser.post("/sign-in/second", {"answer": phone.get(options)}).location == "/office/"


def test_an_official_may_set_up_a_passkey_instead_of_an_app(browse, official, device, question, tenant):
    jan, browser, made = official(app=False), browse("lipowo"), device()
    begin(browser, jan)
    browser.get("/sign-in/set-up")
    done = browser.post("/sign-in/set-up", {"answer": made.create(question(browser, "set-up")), "name": "Klucz"})
    assert done.status_code == 200
    assert done.text.count("<code>") == 10
    assert browser.get("/office/").status_code == 200
    with tenant.session() as session:
        assert [(each.kind, each.name) for each in list_factors(session, jan.id)] == [(FactorKind.PASSKEY, "Klucz")]


BENT = {
    "of another site": {"origin": "https://lipowo.skarbnik.evil"},
    "of a neighbour": {"origin": "https://debina.skarbnik.test"},
    "over http": {"origin": "http://lipowo.skarbnik.test"},
    "for another host": {"host": "debina.skarbnik.test"},
    "for the parent": {"host": "skarbnik.test"},
    "without a finger": {"verified": False},
    "with a count that does not grow": {"signatures": -1},
    "with another key": {"key": ec.generate_private_key(ec.SECP256R1())},
    "with an unknown id": {"credential_id": b"x" * 32},
    "of nobody": {"user_handle": b"y" * 16},
    "with half a name": {"user_handle": b"y"},
}


@pytest.mark.parametrize("changes", BENT.values(), ids=BENT)
def test_an_answer_that_does_not_hold_signs_nobody_in(browse, phone, question, tenant, changes):
    answered(browse("lipowo"), question, phone)
    before = sessions(tenant)
    browser = browse("lipowo")
    answer = answered(browser, question, dataclasses.replace(phone, **changes))
    assert (answer.status_code, answer.location) == (303, "/office/sign-in")
    assert sessions(tenant) == before
    assert browser.get("/office/").status_code == 303


@pytest.mark.parametrize(
    "changes", [{"verified": False}, {"origin": "https://evil.example"}, {"host": "skarbnik.test"}]
)
def test_a_new_passkey_that_does_not_hold_is_not_kept(browse, halina, device, question, tenant, changes):
    browser = browse("lipowo")
    browser.sign_in(halina.email, PASSWORD, office=True)
    made = dataclasses.replace(device(), **changes)
    assert register(browser, made, question).status_code == 422
    with tenant.session() as session:
        assert len(list_factors(session, halina.id)) == 1


def test_an_answer_counts_once_also_from_a_passkey_that_counts_nothing(browse, phone, question):
    browser = browse("lipowo")
    phone.counts, phone.signatures = False, 0
    browser.get("/office/sign-in")
    sent = phone.get(question(browser, "sign-in"))
    assert browser.post("/sign-in/passkey", {"answer": sent, "door": "official"}).location == "/office/"
    browser.post("/sign-out")
    browser.get("/office/sign-in")
    assert browser.post("/sign-in/passkey", {"answer": sent, "door": "official"}).location == "/office/sign-in"


def test_an_answer_to_another_browser_is_nothing(browse, phone, question):
    """Else somebody could sign a victim's browser in as themselves, and read what the victim enters there."""
    asked, victim = browse("lipowo"), browse("lipowo")
    asked.get("/sign-in")
    victim.get("/sign-in")
    sent = phone.get(question(asked, "sign-in"))
    assert victim.post("/sign-in/passkey", {"answer": sent}).location == "/sign-in"
    assert victim.get("/office/").status_code == 303


def test_an_answer_for_one_purpose_is_nothing_for_another(browse, halina, phone, question):
    browser = browse("lipowo")
    begin(browser, halina)
    for_the_door = phone.get(question(browser, "sign-in"))
    assert browser.post("/sign-in/second", {"answer": for_the_door}).status_code == 422


def test_somebody_elses_passkey_is_no_second_step(browse, official, halina, device, question):
    jan, theirs = official(), device()
    other = browse("lipowo")
    other.sign_in(jan.email, PASSWORD, office=True)
    register(other, theirs, question)
    browser = browse("lipowo")
    begin(browser, halina)
    assert browser.post("/sign-in/second", {"answer": theirs.get(question(browser, "second"))}).status_code == 422


def test_a_passkey_of_one_gmina_is_nobody_in_another(browse, phone, question, neighbour):
    there = browse("debina")
    there.get("/office/sign-in")
    moved = dataclasses.replace(phone, origin="https://debina.skarbnik.test", host="debina.skarbnik.test")
    answer = there.post("/sign-in/passkey", {"answer": moved.get(question(there, "sign-in")), "door": "official"})
    assert answer.location == "/office/sign-in"


def test_a_blocked_official_does_not_come_in_with_a_passkey_and_it_is_written_down(
    browse, halina, phone, question, tenant, outcomes
):
    with tenant.session() as session:
        session.get_one(User, halina.id).state = UserState.BLOCKED
    assert answered(browse("lipowo"), question, phone).location == "/office/sign-in"
    assert outcomes(halina)[-1] == "wrong_code"


@pytest.mark.parametrize(
    "sent",
    [
        "", "x", "[]", "{}", "null", "x" * 30_000, '{"id": 1}',
        '{"response": []}', '{"response": {"clientDataJSON": {}}}',
        '{"response": {"clientDataJSON": "!"}}', '{"response": {"clientDataJSON": "e30"}}',
    ],
)  # fmt: skip
def test_bytes_somebody_made_up_are_no_passkey_and_no_crash(browse, halina, sent):
    browser = browse("lipowo")
    browser.get("/sign-in")
    assert browser.post("/sign-in/passkey", {"answer": sent}).location == "/sign-in"
    browser.sign_in(halina.email, PASSWORD, office=True)
    browser.get("/profile")
    assert browser.post("/profile/second-step/new", {"answer": sent, "code": "", "name": "x"}).status_code == 422


def test_questions_are_asked_of_who_has_business_there(browse, halina, resident):
    stranger, browser = browse("lipowo"), browse("lipowo")
    stranger.get("/sign-in")
    for purpose in ("second", "set-up", "confirm", "add", "nothing"):
        assert stranger.post(f"/passkeys/{purpose}").status_code == 404
    begin(browser, halina)
    for purpose in ("set-up", "confirm", "add"):
        assert browser.post(f"/passkeys/{purpose}").status_code == 404
    assert stranger.post("/passkeys/sign-in", token=False).status_code == 400


def test_the_name_of_a_passkey_is_shown_as_it_was_typed(browse, halina, device, question):
    browser = browse("lipowo")
    browser.sign_in(halina.email, PASSWORD, office=True)
    assert register(browser, device(), question, name="<b>Żółty</b>\x00" + "x" * 40).status_code == 200
    assert "&lt;b&gt;Żółty" in browser.get("/profile").text
    assert register(browser, device(), question, name="x" * 61).status_code == 422


def test_a_passkey_is_there_once(browse, halina, phone, question):
    browser = browse("lipowo")
    browser.sign_in(halina.email, PASSWORD, office=True)
    assert register(browser, phone, question).status_code == 422


def test_while_redis_is_away_there_are_no_passkeys_and_codes_go_on(browse, halina, code, noon, monkeypatch):
    dead = redis.Redis.from_url("redis://127.0.0.1:9", socket_connect_timeout=0.2)
    monkeypatch.setattr(attempts, "_redis", lambda _url: dead)
    browser = browse("lipowo")
    browser.get("/sign-in")
    assert browser.post("/passkeys/sign-in").status_code == 503
    begin(browser, halina)
    assert browser.post("/sign-in/second", {"code": code(halina)}).location == "/office/"


def test_an_answer_that_is_nested_without_end_is_refused(browse, tenant):
    browser = browse("lipowo")
    browser.get("/sign-in")
    assert browser.post("/sign-in/passkey", {"answer": "[" * 19_999}).status_code == 303
