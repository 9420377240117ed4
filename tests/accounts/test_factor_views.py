"""After the password comes a second step; until it is right there is no session, and nothing opens."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from tests.accounts.conftest import hidden

from skarbnik import clock
from skarbnik.accounts import factors
from skarbnik.accounts.codes import code_at
from skarbnik.accounts.factors import count_recovery_codes, make_recovery_codes, use_code
from skarbnik.accounts.models import User, UserState, WebSession
from skarbnik.accounts.passwords import hash_password
from skarbnik.audit.models import AuditEntry
from skarbnik.mail.models import Mail
from skarbnik.testing.factories import PASSWORD
from skarbnik.web.kept import KeptForm, keep_form

HALF = "__Host-skarbnik-half"


def begin(browser, user, *, door="/office/sign-in", wanted="", **more):
    browser.get(door)
    return browser.post(door, {"email": user.email, "password": PASSWORD, "next": wanted, **more})


def sessions(tenant):
    with tenant.session() as session:
        return session.scalar(select(func.count()).select_from(WebSession))


def mails(tenant):
    with tenant.session() as session:
        return session.scalars(select(Mail.text).order_by(Mail.id)).all()


def acts(tenant):
    with tenant.session() as session:
        return session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()


def test_an_official_gives_a_code_after_the_password(browse, official, code, noon, tenant, outcomes):
    halina, browser = official(), browse("lipowo")
    answer = begin(browser, halina, wanted="/office/payments")
    assert (answer.status_code, answer.location) == (303, "/sign-in/second")
    assert sessions(tenant) == 0
    browser.get(answer.location)
    answer = browser.post("/sign-in/second", {"code": code(halina)})

    assert (answer.status_code, answer.location) == (303, "/office/payments")
    assert browser.get("/office/payments").status_code == 200
    assert browser.client.get_cookie(HALF, domain="lipowo.skarbnik.test") is None
    assert outcomes(halina) == ["first_step", "signed_in"]


@pytest.mark.parametrize("path", ["/office/", "/dashboard", "/profile", "/confirm", "/office/payments"])
def test_half_a_sign_in_opens_nothing_but_the_second_step(browse, official, path):
    browser = browse("lipowo")
    begin(browser, official())
    answer = browser.get(path)
    assert answer.status_code == 303
    assert "/sign-in" in answer.location


def test_a_wrong_code_is_written_down_and_opens_nothing(browse, official, code, noon, tenant, outcomes):
    halina, browser = official(), browse("lipowo")
    begin(browser, halina)
    wrong = f"{(int(code(halina)) + 1) % 10**6:06d}"
    assert browser.post("/sign-in/second", {"code": wrong}).status_code == 422
    assert sessions(tenant) == 0
    assert outcomes(halina) == ["first_step", "wrong_code"]


def test_who_changes_the_password_waits_for_a_second_step_and_ends_its_session_too(
    browse, official, code, noon, tenant, monkeypatch, password_waits
):
    """Whoever knows the old one and has a code would else stay in: their session came after all were ended."""
    use, waited = factors.use_code, []

    def meanwhile(*given):
        with tenant.session() as other:
            password_waits(other)
        waited.append(True)
        return use(*given)

    monkeypatch.setattr(factors, "use_code", meanwhile)
    halina, browser = official(), browse("lipowo")
    begin(browser, halina)
    assert browser.post("/sign-in/second", {"code": code(halina)}).status_code == 303
    assert waited == [True]


def test_a_wrong_and_a_used_code_get_the_same_page(browse, official, code, noon):
    halina, first, second = official(), browse("lipowo"), browse("lipowo")
    begin(first, halina)
    first.post("/sign-in/second", {"code": code(halina)})
    pages = []
    for typed in (code(halina), "000000", "", "AAAA"):
        begin(second, halina)
        answer = second.post("/sign-in/second", {"code": typed})
        assert answer.status_code == 422
        pages.append(re.sub(r'value="[^"]*"', "", answer.text))
    assert len(set(pages)) == 1


def test_half_a_sign_in_is_good_for_ten_minutes(browse, official, code, noon):
    halina, browser = official(), browse("lipowo")
    begin(browser, halina)
    with clock.stopped_at(noon + timedelta(minutes=10, seconds=1)):
        answer = browser.post("/sign-in/second", {"code": code(halina)})
        assert (answer.status_code, answer.location) == (303, "/office/sign-in")
        assert browser.get("/office/").status_code == 303


def test_half_a_sign_in_ends_with_a_new_password_or_a_block(browse, official, code, noon, tenant):
    for change in ({"password_hash": hash_password("another long one")}, {"state": UserState.BLOCKED}):
        halina, browser = official(), browse("lipowo")
        begin(browser, halina)
        with tenant.session() as session:
            for name, value in change.items():
                setattr(session.get_one(User, halina.id), name, value)
        assert browser.post("/sign-in/second", {"code": code(halina)}).location == "/office/sign-in"
    assert sessions(tenant) == 0


def test_who_blocks_the_account_waits_for_a_second_step_and_ends_its_session_too(
    browse, official, code, noon, tenant, monkeypatch
):
    halina, browser, waited = official(), browse("lipowo"), []

    def meanwhile(*given):
        with tenant.session() as other:
            other.execute(text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(OperationalError):
                other.execute(update(User).values(state=UserState.BLOCKED))
            waited.append(True)
            other.rollback()
        return use_code(*given)

    monkeypatch.setattr(factors, "use_code", meanwhile)
    begin(browser, halina)
    assert browser.post("/sign-in/second", {"code": code(halina)}).status_code == 303
    assert waited == [True]


def test_half_a_sign_in_is_of_one_gmina_and_cannot_be_made_up(browse, official, neighbour, code, noon):
    halina, browser, elsewhere = official(), browse("lipowo"), browse("debina")
    begin(browser, halina)
    stolen = browser.client.get_cookie(HALF, domain="lipowo.skarbnik.test").value
    for value in (stolen, "", "x", "AAAA", "ż"):
        elsewhere.client.set_cookie(HALF, value, domain="debina.skarbnik.test", secure=True)
        answer = elsewhere.post("/sign-in/second", {"code": code(halina)})
        assert (answer.status_code, "/sign-in" in answer.location) == (303, True)


def test_without_half_a_sign_in_a_code_is_nothing(browse, official, code, noon):
    halina, browser = official(), browse("lipowo")
    assert browser.post("/sign-in/second", {"code": code(halina)}).location == "/sign-in"


def test_the_cookie_between_the_steps_is_for_this_host_and_for_no_script(browse, official):
    answer = begin(browse("lipowo"), official())
    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith(HALF)]
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie


def test_an_official_without_a_factor_sets_one_up_before_anything_else(browse, official, tenant, noon, outcomes):
    halina, browser = official(app=False), browse("lipowo")
    assert begin(browser, halina).location == "/sign-in/set-up"
    assert browser.get("/office/").status_code == 303
    page = browser.get("/sign-in/set-up").text
    key = re.search(r'class="key">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    assert "<svg" in page
    assert 'style="' not in page  # the policy of pages allows none

    wrong = browser.post("/sign-in/set-up", {"code": "000000", "key": hidden(page, "key")})
    assert wrong.status_code == 422
    assert key in wrong.text.replace(" ", "")  # the same key: it is in the app already
    assert sessions(tenant) == 0
    done = browser.post("/sign-in/set-up", {"code": code_at(key, noon.timestamp()), "key": hidden(wrong.text, "key")})

    assert done.status_code == 200
    codes = re.findall(r"<code>([A-Z2-7-]{19})</code>", done.text)
    assert len(codes) == 10
    assert browser.get("/office/").status_code == 200
    with tenant.session() as session:
        assert count_recovery_codes(session, halina.id) == 10
    assert {"account.factor_added", "account.recovery_codes_made"} <= set(acts(tenant))
    assert len(mails(tenant)) == 1
    assert outcomes(halina)[-1] == "signed_in"

    again = browse("lipowo")
    begin(again, halina)
    answer = again.post("/sign-in/second", {"code": code_at(key, noon.timestamp())})
    assert answer.status_code == 422  # it was used to set the app up
    answer = again.post("/sign-in/second", {"recovery": codes[0]})
    assert answer.location == "/office/"


def test_a_key_that_waits_is_of_one_person_and_for_an_hour(browse, official, noon, tenant):
    halina, jan = official(app=False), official(app=False)
    browser, other = browse("lipowo"), browse("lipowo")
    begin(browser, halina)
    page = browser.get("/sign-in/set-up").text
    key, sealed = re.search(r'class="key">([A-Z2-7 ]+)<', page)[1].replace(" ", ""), hidden(page, "key")
    begin(other, jan)
    answer = other.post("/sign-in/set-up", {"code": code_at(key, noon.timestamp()), "key": sealed})
    assert answer.status_code == 422
    late = noon + timedelta(hours=1, seconds=1)
    with clock.stopped_at(late):
        begin(browser, halina)
        answer = browser.post("/sign-in/set-up", {"code": code_at(key, late.timestamp()), "key": sealed})
        assert answer.status_code == 422
    assert sessions(tenant) == 0


def test_who_has_a_factor_cannot_set_up_another_one_with_the_password_alone(browse, official):
    browser = browse("lipowo")
    begin(browser, official())
    assert browser.get("/sign-in/set-up").location == "/sign-in/second"
    assert browser.post("/sign-in/set-up", {"code": "123456", "key": ""}).location == "/sign-in/second"
    assert browser.post("/passkeys/set-up").status_code == 404


def test_a_resident_is_asked_only_for_what_they_set_up(browse, resident, code, noon):
    anna, jan = resident(), resident(app=True)
    assert begin(browse("lipowo"), anna, door="/sign-in").location == "/dashboard"
    browser = browse("lipowo")
    assert begin(browser, jan, door="/sign-in", wanted="/payments").location == "/sign-in/second"
    assert browser.get("/dashboard").status_code == 303
    assert browser.post("/sign-in/second", {"code": code(jan)}).location == "/payments"


def test_a_recovery_code_is_told_by_mail_and_when_few_are_left_on_the_page(browse, official, tenant):
    halina = official()
    with tenant.session() as session:
        codes = make_recovery_codes(session, halina.id)
    for number, each in enumerate(codes):
        browser = browse("lipowo")
        begin(browser, halina)
        assert browser.post("/sign-in/second", {"recovery": each}).status_code == 303
        page = browser.get("/profile").text
        assert ('class="note warn"' in page) is (len(codes) - number - 1 <= 3)
    assert len(mails(tenant)) == 10
    assert acts(tenant).count("account.recovery_code_used") == 10


def test_a_form_that_was_kept_comes_back_after_the_second_step(browse, official, code, noon, tenant):
    halina, browser = official(), browse("lipowo")
    kept = keep_form(tenant, KeptForm(halina.id, "/office/search", [("q", "słowo")]))
    page = begin(browser, halina, kept=kept)
    assert page.status_code == 200
    wrong = browser.post("/sign-in/second", {"code": "000000", "kept": hidden(page.text, "kept")})
    again = browser.post("/sign-in/second", {"code": code(halina), "kept": hidden(wrong.text, "kept")})
    assert again.status_code == 200
    assert 'action="/office/search"' in again.text
    assert 'value="słowo"' in again.text


def test_guesses_of_codes_are_few_from_one_network_and_in_all(limits, browse, official, code):
    halina, jan = official(), official()

    def guess(user, address, typed="000000"):
        browser = browse("lipowo")
        begin(browser, user, csrf_token=browser.token())
        place = {"REMOTE_ADDR": address}
        return browser.post("/sign-in/second", {"code": typed}, environ_overrides=place).status_code

    assert [guess(halina, "198.51.100.7") for _ in range(11)] == [422] * 10 + [429]
    assert guess(jan, "198.51.100.7") == 422
    assert guess(halina, "203.0.113.9", code(halina)) == 303  # its owner elsewhere is not kept out
    assert [guess(halina, f"192.0.2{place}.1") for place in range(10, 20)] == [422] * 10
    assert guess(halina, "233.252.0.1") == 429


def test_the_owner_sees_wrong_codes_among_the_sign_ins(browse, official, code, noon):
    halina, stranger, browser = official(), browse("lipowo"), browse("lipowo")
    begin(stranger, halina)
    stranger.post("/sign-in/second", {"code": "000000"})
    browser.sign_in(halina.email, PASSWORD, office=True)
    page = browser.get("/profile").text
    section = page[page.index("127.0.0.1") :]
    assert section.count('class="tag wrong"') == 1


def test_a_guesser_with_an_account_of_their_own_guesses_no_more_often(limits, browse, official, resident, code):
    """Guesses count for whose codes they are, not for who else is signed in at the browser."""
    halina, browser, browsers = official(), browse("lipowo"), []
    begin(browser, halina)
    wrong = f"{(int(code(halina)) + 1) % 10**6:06d}"
    half = browser.client.get_cookie(HALF, domain="lipowo.skarbnik.test").value
    for _ in range(2):
        own = browse("lipowo")
        own.sign_in(resident().email, PASSWORD)
        own.client.set_cookie(HALF, half, domain="lipowo.skarbnik.test")
        browsers.append(own)
    for own in browsers:
        own.get("/sign-in/second")
    answers = [own.post("/sign-in/second", {"code": wrong}).status_code for own in browsers for _ in range(6)]
    assert answers == [422] * 10 + [429] * 2
