"""Operators come in on the bare host with a password and a code, and see gminas and nothing of what is inside one."""

import re
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from skarbnik import clock
from skarbnik.accounts.codes import STEP, code_at, new_app_key
from skarbnik.errors import Invalid, NotFound
from skarbnik.operator import services, sign_in
from skarbnik.operator.acts import record
from skarbnik.operator.factor import find_step, open_factor, seal_factor
from skarbnik.operator.services import list_gminas, make_operator
from skarbnik.operator.sign_in import find_operator, list_attempts
from skarbnik.operator.sign_in_views import HALF
from skarbnik.testing.operators import add_operator, sign_operator_in

EMAIL, PASSWORD = "ola@operator.example", "a long enough one"
COOKIE = "__Host-skarbnik-operator"


@pytest.fixture
def made(lab, platform):
    """Ola, who has no second factor yet."""
    make_operator(lab.instance.owner_engine(), email=EMAIL.upper(), name="Ola Operatorka", password=PASSWORD)


@pytest.fixture
def ola(bare, made):
    """Her browser."""
    return bare()


@pytest.fixture
def secret(lab, made):
    """Her second factor."""
    secret = new_app_key()
    services.give_factor(lab.instance.owner_engine(), lab.instance.keys, email=EMAIL, secret=secret)
    return secret


def code_of(secret):
    return code_at(secret, clock.now().timestamp())


def give_password(browser, password=PASSWORD, email=EMAIL, **options):
    browser.get("/operator/sign-in")
    return browser.post("/operator/sign-in", {"email": email, "password": password}, **options)


def enter(browser, secret):
    """Password and code."""
    give_password(browser)
    browser.get("/operator/code")
    return browser.post("/operator/code", {"code": code_of(secret)})


def token_of(browser):
    cookie = browser.client.get_cookie(COOKIE, domain="skarbnik.test")
    return cookie.value if cookie else None


def forget_step(lab):
    """As if the last code had been given half a minute ago."""
    with lab.as_admin() as admin:
        admin.execute("UPDATE platform.operators SET factor_step = 0")


def test_an_operator_sees_all_gminas_after_password_and_code(ola, secret):
    assert ola.get("/operator/").location == "/operator/sign-in"

    assert give_password(ola).location == "/operator/code"
    assert token_of(ola) is None
    assert ola.get("/operator/").location == "/operator/sign-in"
    ola.get("/operator/code")
    assert ola.post("/operator/code", {"code": code_of(secret)}).location == "/operator/"

    page = ola.get("/operator/").text
    assert "Gmina Lipowo" in page
    assert "debina" in page
    assert "Ola Operatorka" in page


def test_who_has_no_second_factor_sets_it_up_before_there_is_a_session(lab, ola):
    assert give_password(ola).location == "/operator/factor"
    assert ola.get("/operator/").location == "/operator/sign-in"
    assert ola.get("/operator/code").location == "/operator/sign-in"
    shown = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", ola.get("/operator/factor").text)[1]
    assert ola.post("/operator/factor", {"code": "000000"}).status_code == 422
    assert token_of(ola) is None

    codes = re.findall(r"<li><code>([A-Z2-7-]{19})</code>", ola.post("/operator/factor", {"code": code_of(shown)}).text)

    assert len(set(codes)) == 10
    assert ola.get("/operator/").status_code == 200
    with lab.as_admin() as admin:
        (kept,) = admin.execute("SELECT factor FROM platform.operators").fetchone()
        hashes = {each for (each,) in admin.execute("SELECT code_hash FROM platform.operator_recovery_codes")}
    assert shown.encode() not in bytes(kept)
    assert len(hashes) == 10
    assert not hashes & set(codes)


def test_the_page_for_setting_up_is_nothing_once_there_is_a_factor(lab, ola, bare, made):
    other = bare()
    give_password(ola)
    give_password(other)
    shown = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", ola.get("/operator/factor").text)[1]
    ola.post("/operator/factor", {"code": code_of(shown)})

    assert other.get("/operator/factor").location == "/operator/sign-in"
    assert other.get("/operator/code").location == "/operator/sign-in"  # that password was for setting up


def test_a_code_counts_once(lab, ola, bare, secret):
    code = code_of(secret)
    enter(ola, secret)
    other = bare()
    give_password(other)
    other.get("/operator/code")
    assert other.post("/operator/code", {"code": code}).status_code == 422
    assert token_of(other) is None


def test_a_recovery_code_lets_in_once_however_it_is_written(ola, bare, made):
    give_password(ola)
    shown = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", ola.get("/operator/factor").text)[1]
    ola.post("/operator/factor", {"code": code_of(shown)})
    (code,) = re.findall(r"<li><code>([A-Z2-7-]{19})</code>", ola.text)[:1]
    for answer in (303, 422):
        other = bare()
        give_password(other)
        other.get("/operator/code")
        assert other.post("/operator/code", {"code": f" {code.upper().replace('-', ' ')} "}).status_code == answer
    assert ">9</dd>" in ola.get("/operator/profile").text


def test_after_ten_wrong_codes_a_right_one_is_not_looked_at(lab, ola, secret):
    give_password(ola)
    ola.get("/operator/code")
    for _number in range(sign_in.MOST_WRONG):
        assert ola.post("/operator/code", {"code": "123"}).status_code == 422
    assert ola.post("/operator/code", {"code": code_of(secret)}).status_code == 422
    with lab.as_admin() as admin:
        admin.execute("UPDATE platform.operator_attempts SET at = at - interval '16 minutes'")
    assert ola.post("/operator/code", {"code": code_of(secret)}).status_code == 303


def test_codes_of_the_neighbouring_half_minutes_are_good_and_others_are_not():
    secret, now = new_app_key(), int(clock.now().timestamp()) // STEP
    at = {away: pyotp.TOTP(secret).at((now + away) * STEP) for away in (-3, -1, 0, 1, 3)}
    assert find_step(secret, at[-1]) == now - 1
    assert find_step(secret, f"{at[0][:3]} {at[0][3:]}") == now
    assert find_step(secret, at[1]) == now + 1
    assert find_step(secret, at[0], after=now) is None
    assert find_step(secret, at[-3]) is find_step(secret, at[3]) is None
    assert find_step(secret, "") is find_step(secret, "ą12345") is None


def test_a_sealed_secret_is_one_operators(lab, some_id):
    one, other = some_id(), some_id()
    sealed = seal_factor(lab.instance.keys, one, "ABC")
    assert open_factor(lab.instance.keys, one, sealed) == "ABC"
    with pytest.raises(Exception, match="does not open"):
        open_factor(lab.instance.keys, other, sealed)


def test_the_way_to_the_code_is_short_and_ends_with_a_new_password(lab, ola, secret, monkeypatch):
    give_password(ola)
    assert ola.get("/operator/code").status_code == 200
    make_operator(lab.instance.owner_engine(), email=EMAIL, name="Ola", password="another long one")
    assert ola.get("/operator/code").location == "/operator/sign-in"
    give_password(ola, "another long one")
    assert ola.get("/operator/code").status_code == 200
    later = clock.now() + HALF.good_for + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert ola.get("/operator/code").location == "/operator/sign-in"


@pytest.mark.parametrize("value", ["", "x", "AAAA", "ż", "eHh4" * 20])
def test_the_way_to_the_code_cannot_be_made_up(ola, secret, value):
    ola.client.set_cookie("__Host-skarbnik-operator-half", value, domain="skarbnik.test", secure=True)
    assert ola.get("/operator/code").location == "/operator/sign-in"


def test_the_operators_cookies_are_for_this_host_and_go_nowhere_from_another_site(ola, secret):
    for answer, name in ((give_password(ola), f"{COOKIE}-half="), (enter(ola, secret), f"{COOKIE}=")):
        (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith(name)]
        for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
            assert word in cookie
        assert "Domain" not in cookie


@pytest.mark.parametrize(("email", "password"), [(EMAIL, "wrong"), ("nobody@operator.example", PASSWORD), (EMAIL, "")])
def test_nobody_else_comes_as_far_as_the_code(ola, secret, email, password):
    assert give_password(ola, password, email).status_code == 422
    assert ola.get("/operator/code").location == "/operator/sign-in"
    assert ola.get("/operator/").status_code == 303


def test_there_is_no_such_room_on_the_host_of_a_gmina(app, browse, ola, secret):
    enter(ola, secret)
    here = browse("lipowo")
    for name in (COOKIE, "__Host-skarbnik-session"):
        here.client.set_cookie(name, token_of(ola), domain="lipowo.skarbnik.test", secure=True)
    for path in ("/operator/", "/operator/sign-in", "/operator/trail"):
        assert here.get(path).status_code == 404
    assert here.get("/office/").location.startswith("/office/sign-in")


def test_a_form_of_another_site_does_nothing(ola):
    ola.get("/operator/sign-in")
    words = {"email": EMAIL, "password": PASSWORD}
    assert ola.post("/operator/sign-in", words, headers={"Origin": "https://lipowo.skarbnik.test"}).status_code == 403
    assert ola.post("/operator/sign-in", words, token=False).status_code == 400


def test_signing_out_ends_the_session_and_a_new_password_all_of_them(lab, ola, secret):
    enter(ola, secret)
    token = token_of(ola)
    assert find_operator(lab.instance.engine, token).email == EMAIL
    make_operator(lab.instance.owner_engine(), email=EMAIL, name="Ola", password="another long one")
    assert find_operator(lab.instance.engine, token) is None
    forget_step(lab)
    give_password(ola, "another long one")
    ola.get("/operator/code")
    ola.post("/operator/code", {"code": code_of(secret)})
    ola.get("/operator/")
    token = token_of(ola)
    assert ola.post("/operator/sign-out").status_code == 303
    assert find_operator(lab.instance.engine, token) is None


@pytest.mark.parametrize("away", [sign_in.IDLE, sign_in.SESSION])
def test_a_session_ends_by_itself(lab, ola, secret, monkeypatch, away):
    enter(ola, secret)
    then, seen = clock.now(), "expires_at" if away is sign_in.SESSION else "created_at"  # in use all the time, or never
    with lab.as_admin() as admin:
        admin.execute(f"UPDATE platform.operator_sessions SET seen_at = {seen}")
    monkeypatch.setattr(clock, "now", lambda: then + away + timedelta(seconds=30))
    assert find_operator(lab.instance.engine, token_of(ola)) is None
    monkeypatch.setattr(clock, "now", lambda: then + away - timedelta(seconds=30))
    assert find_operator(lab.instance.engine, token_of(ola)) is not None


def test_an_operator_sees_and_ends_other_browsers_and_nobody_elses(lab, operators):
    _ola, _secret, one = operators("ola")
    _ewa, _other, foreign = operators("ewa")
    operator = find_operator(lab.instance.engine, token_of(one))
    second = sign_operator_in(lab.instance, operator)
    ends = re.findall(r"/operator/profile/sessions/[0-9a-f]{64}/end", one.get("/operator/profile").text)
    assert len(ends) == 1
    foreign.get("/operator/profile")
    assert foreign.post(ends[0]).status_code == 404
    assert one.post(ends[0]).status_code == 303
    assert find_operator(lab.instance.engine, second) is None
    assert find_operator(lab.instance.engine, token_of(one)) is not None


def test_a_blocked_operator_is_out_at_once_and_cannot_come_in(lab, ola, secret):
    enter(ola, secret)
    owner = lab.instance.owner_engine()
    services.set_blocked(owner, email=EMAIL, blocked=True)
    assert ola.get("/operator/").location == "/operator/sign-in"
    assert give_password(ola).status_code == 422
    services.set_blocked(owner, email=EMAIL, blocked=False)
    assert give_password(ola).status_code == 303


def test_a_reset_factor_is_set_up_anew_and_the_old_one_is_nothing(lab, ola, secret):
    enter(ola, secret)
    services.reset_factor(lab.instance.owner_engine(), email=EMAIL)
    assert ola.get("/operator/").location == "/operator/sign-in"
    assert give_password(ola).location == "/operator/factor"
    ola.get("/operator/factor")
    forget_step(lab)
    assert ola.post("/operator/factor", {"code": code_of(secret)}).status_code == 422
    with pytest.raises(NotFound):
        services.reset_factor(lab.instance.owner_engine(), email="nobody@operator.example")


def test_a_short_password_and_a_name_that_is_none_are_refused(lab):
    for name, password in (("x", "short"), ("", PASSWORD), ("x" * 81, PASSWORD)):
        with pytest.raises(Invalid):
            make_operator(lab.instance.owner_engine(), email=EMAIL, name=name, password=password)


def test_operators_are_listed_with_their_second_factor(lab, secret):
    add_operator(lab.instance, email="ewa@operator.example", name="Ewa")
    services.reset_factor(lab.instance.owner_engine(), email="ewa@operator.example")
    found = [(row.email, row.has_factor, row.last_at) for row in services.list_operators(lab.instance.owner_engine())]
    assert found == [("ewa@operator.example", False, None), (EMAIL, True, None)]


def test_gminas_are_found_by_name_and_state_and_by_pages(lab, clean):
    def found(**words):
        given = {"wanted": "", "state": "", "after": "", **words}
        return [row.slug for row in list_gminas(lab.instance.engine, **given)]

    everybody = found()
    assert everybody == sorted(everybody)
    assert found(wanted="LIPOW") == ["lipowo"]
    assert found(wanted="%") == []
    assert found(state="creating") == []
    assert "debina" not in found(after="debina")


def test_each_attempt_at_the_operators_door_is_written_down(lab, ola, secret):
    give_password(ola, "wrong one, and long")
    give_password(ola, PASSWORD, "nobody@operator.example")
    give_password(ola)
    ola.get("/operator/code")
    ola.post("/operator/code", {"code": "12"})
    ola.post("/operator/code", {"code": code_of(secret)})

    with lab.as_admin() as admin:
        found = admin.execute(
            "SELECT o.email, a.outcome, a.ip FROM platform.operator_attempts a"
            " LEFT JOIN platform.operators o ON o.id = a.operator_id ORDER BY a.id"
        ).fetchall()
    assert found == [
        (EMAIL, "wrong_password", "127.0.0.1"),
        (None, "wrong_password", "127.0.0.1"),
        (EMAIL, "password", "127.0.0.1"),
        (EMAIL, "wrong_code", "127.0.0.1"),
        (EMAIL, "signed_in", "127.0.0.1"),
    ]
    operator = find_operator(lab.instance.engine, token_of(ola))
    assert [each.outcome for each in list_attempts(lab.instance.engine, operator.id, before=None)][:2] == [
        "signed_in",
        "wrong_code",
    ]
    assert ola.get("/operator/profile").text.count("127.0.0.1") >= 4


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM platform.operator_attempts",
        "UPDATE platform.operator_attempts SET ip = ''",
        "DELETE FROM platform.operator_acts",
        "UPDATE platform.operator_acts SET words = ''",
        "UPDATE platform.operators SET password_hash = ''",
        "UPDATE platform.operators SET blocked_at = NULL",
        "INSERT INTO platform.operators (id, email, name, password_hash) VALUES (gen_random_uuid(), 'x', 'x', 'x')",
        "UPDATE platform.tenants SET state = 'suspended'",
    ],
)
def test_the_product_cannot_change_what_is_written_down_nor_make_operators(lab, change):
    with pytest.raises(ProgrammingError, match="permission denied"), lab.instance.engine.begin() as connection:
        connection.execute(text(change))


def test_the_operators_trail_shows_commands_and_sign_ins_by_pages(lab, operators):
    _ola, _secret, browser = operators("ola")
    with lab.instance.engine.begin() as connection:
        for number in range(60):
            record(connection, "plugin.enabled", words=f"plugin-{number}-")
    first = browser.get("/operator/trail").text
    assert "plugin-59-" in first
    assert "plugin-1-" not in first
    older = re.search(r"/operator/trail\?before=[0-9a-f-]{36}", first)[0]
    second = browser.get(older).text
    assert "plugin-1-" in second
    assert "Ola O." in second
    assert "ola@operator.example" in second  # made by a command


def test_a_gmina_is_closed_and_opened_with_a_reason_and_a_code(lab, operators, browse, tenant):
    operator, secret, browser = operators("ola")
    path = f"/operator/gminas/{tenant.id}"
    browser.get(path)
    close = {"wanted": "suspended", "why": "Migracja  serwera"}
    assert browser.post(f"{path}/state", close | {"code": "000000"}).status_code == 422
    assert browser.post(f"{path}/state", {**close, "why": " ", "code": code_of(secret)}).status_code == 422
    assert browser.post(f"{path}/state", {**close, "wanted": "deleted", "code": code_of(secret)}).status_code == 400
    browser.get(path)
    assert browser.post(f"{path}/state", close | {"code": code_of(secret)}).status_code == 303
    assert browse("lipowo").get("/").status_code == 503

    forget_step(lab)
    browser.get(path)
    again = {"wanted": "active", "why": "Gotowe", "code": code_of(secret)}
    assert browser.post(f"{path}/state", again).status_code == 303
    assert browse("lipowo").get("/").status_code == 200
    with tenant.session() as session:
        found = session.execute(text("SELECT action, actor, actor_id FROM audit_entries ORDER BY id")).all()
    assert [tuple(each) for each in found] == [
        ("tenant.suspended", "operator", operator.id),
        ("tenant.resumed", "operator", operator.id),
    ]
    with lab.as_admin() as admin:
        told = admin.execute(
            "SELECT action, words, tenant_id FROM platform.operator_acts WHERE action LIKE 'tenant.%' ORDER BY id"
        ).fetchall()
    assert told == [("tenant.suspended", "Migracja serwera", tenant.id), ("tenant.resumed", "Gotowe", tenant.id)]


@pytest.mark.parametrize("words", [("deleted", "why"), ("suspended", "")])
def test_the_database_closes_a_gmina_only_for_a_reason(lab, operators, tenant, words):
    operator, _secret, _browser = operators("ola")
    with pytest.raises(DBAPIError):
        services.set_gmina_state(
            lab.instance.engine, tenant.id, words[0], operator_id=operator.id, reason=words[1], ip=""
        )


def test_guesses_at_one_operator_are_held_up_wherever_they_come_from(limits, ola):
    for number in range(10):
        place = {"REMOTE_ADDR": f"10.1.2.{number + 1}"}
        assert give_password(ola, "wrong", environ_overrides=place).status_code == 422

    assert give_password(ola, "wrong", environ_overrides={"REMOTE_ADDR": "10.1.2.99"}).status_code == 429
    assert give_password(ola, environ_overrides={"REMOTE_ADDR": "10.1.2.99"}).status_code == 429
    assert give_password(ola, environ_overrides={"REMOTE_ADDR": "192.168.7.7"}).status_code == 303
