"""Signing in: who fails is not told why, who succeeds gets a new session, who leaves leaves nothing."""

import re
from datetime import timedelta
from itertools import count
from time import perf_counter

import pytest
import redis
from argon2 import PasswordHasher
from sqlalchemy import func, select, update

from skarbnik import clock
from skarbnik.accounts import services
from skarbnik.accounts.models import Door, SignInAttempt, SignInOutcome, User, UserKind, UserState, WebSession
from skarbnik.accounts.passwords import check_password, hash_password, is_outdated
from skarbnik.accounts.services import OFFICIAL_SESSION, RESIDENT_SESSION, SWEPT, hash_token, open_session
from skarbnik.testing.factories import PASSWORD, OfficialFactory, PayerFactory, UserFactory, bound_to
from skarbnik.web.limits import limiter

COOKIE = "__Host-skarbnik-session"


@pytest.fixture
def user(tenant):
    with tenant.session() as session, bound_to(session):
        return UserFactory(email="anna@example.pl", acts_for=[PayerFactory()])


@pytest.fixture
def official(tenant):
    with tenant.session() as session, bound_to(session):
        return OfficialFactory(email="urzad@example.pl")


@pytest.fixture
def browser(browse, user):
    return browse("lipowo")


def session_cookie(browser):
    found = [cookie.value for cookie in browser.client._cookies.values() if cookie.key == COOKIE]
    return found[0] if found else None


def attempts(tenant):
    with tenant.session() as session:
        rows = session.scalars(select(SignInAttempt).order_by(SignInAttempt.at)).all()
        return [(row.outcome, row.user_id is not None) for row in rows]


def signed_in(browser):
    return browser.get("/dashboard").status_code == 200


@pytest.mark.parametrize("email", ["anna@example.pl", " Anna@Example.PL "])
def test_the_right_password_opens_the_portal(browser, tenant, email):
    answer = browser.sign_in(email, PASSWORD)

    assert (answer.status_code, answer.location) == (303, "/dashboard")
    assert signed_in(browser)
    assert attempts(tenant) == [(SignInOutcome.SIGNED_IN, True)]


def test_an_official_signs_in_at_the_office_door_only(browse, official, tenant):
    browser = browse("lipowo")
    assert browser.sign_in(official.email, PASSWORD).status_code == 422
    assert browser.sign_in(official.email, PASSWORD, office=True).location == "/office/"
    assert browser.get("/office/").status_code == 200
    assert browser.get("/dashboard").status_code == 404


def without_tokens(page):
    return re.sub(r'value="[^"]*"', "", page)


def test_wrong_blocked_and_unknown_get_the_same_page(browser, tenant, user):
    pages = {}
    pages["wrong"] = browser.sign_in(user.email, "wrong password")
    pages["unknown"] = browser.sign_in("nobody@example.pl", PASSWORD)
    with tenant.session() as session:
        session.get_one(User, user.id).state = UserState.BLOCKED
    pages["blocked"] = browser.sign_in(user.email, PASSWORD)
    with tenant.session() as session:
        session.get_one(User, user.id).state = UserState.INVITED
        session.get_one(User, user.id).password_hash = None
    pages["invited"] = browser.sign_in(user.email, PASSWORD)

    assert {page.status_code for page in pages.values()} == {422}
    assert len({without_tokens(page.text) for page in pages.values()}) == 1
    assert not signed_in(browser)


def test_every_attempt_is_written_down_and_an_unknown_address_is_not(browser, tenant, user):
    browser.sign_in(user.email, "wrong password")
    browser.sign_in("nobody@example.pl", PASSWORD)
    with tenant.session() as session:
        session.get_one(User, user.id).state = UserState.BLOCKED
    browser.sign_in(user.email, PASSWORD)

    assert attempts(tenant) == [
        (SignInOutcome.WRONG, True),
        (SignInOutcome.WRONG, False),
        (SignInOutcome.BLOCKED, True),
    ]


def test_an_unknown_user_costs_about_as_much_as_a_wrong_password():
    stored = hash_password(PASSWORD)
    check_password(None, "x")

    def cost(known):
        took = []
        for _ in range(5):
            start = perf_counter()
            assert not check_password(stored if known else None, "wrong password")
            took.append(perf_counter() - start)
        return min(took)

    assert 0.4 < cost(known=True) / cost(known=False) < 2.5


def cheap_hash():
    return PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)


def keep_while_hashing(monkeypatch, tenant, user, stored):
    """While the next sign-in makes a hash anew, somebody else commits another one of this user."""

    def slow(password):
        with tenant.session() as session:
            session.get(User, user.id).password_hash = stored
        return hash_password(password)

    monkeypatch.setattr(services, "hash_password", slow)


def test_a_hash_made_with_lower_costs_is_made_anew_at_sign_in(browse, tenant):
    cheap = cheap_hash()
    with tenant.session() as session, bound_to(session):
        user = UserFactory(password_hash=cheap)
    browse("lipowo").sign_in(user.email, "some other words")
    with tenant.session() as session:
        assert session.get(User, user.id).password_hash == cheap
    browse("lipowo").sign_in(user.email, PASSWORD)
    with tenant.session() as session:
        stored = session.get(User, user.id).password_hash
    assert stored != cheap
    assert check_password(stored, PASSWORD)
    assert not is_outdated(stored)


def test_a_password_chosen_while_the_one_before_is_hashed_anew_stays(browse, tenant, monkeypatch):
    """Who knows the old one signs in at the moment its owner gets rid of it."""
    cheap = cheap_hash()
    chosen = hash_password("trzy konie na moście")
    with tenant.session() as session, bound_to(session):
        user = UserFactory(password_hash=cheap)

    keep_while_hashing(monkeypatch, tenant, user, chosen)
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)
    assert not signed_in(browser)
    assert attempts(tenant) == [(SignInOutcome.WRONG, True)]
    with tenant.session() as session:
        assert session.get(User, user.id).password_hash == chosen


def test_two_who_sign_in_at_once_with_an_old_hash_are_both_in(browse, tenant, monkeypatch):
    cheap = cheap_hash()
    other = hash_password(PASSWORD)
    with tenant.session() as session, bound_to(session):
        user = UserFactory(password_hash=cheap, acts_for=[PayerFactory()])

    keep_while_hashing(monkeypatch, tenant, user, other)
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)
    assert signed_in(browser)
    with tenant.session() as session:
        assert session.get(User, user.id).password_hash == other


@pytest.mark.parametrize("changed", [{"password_hash": "another"}, {"state": UserState.BLOCKED}])
def test_what_changed_while_the_password_was_checked_counts(browser, user, tenant, monkeypatch, changed):
    def meanwhile(stored):
        with tenant.session() as session:
            session.execute(update(User).values(**changed))
        return is_outdated(stored)

    monkeypatch.setattr(services, "is_outdated", meanwhile)
    browser.sign_in(user.email, PASSWORD)
    assert not signed_in(browser)


def test_who_changes_the_password_waits_for_a_sign_in_and_ends_its_session_too(
    browser, user, tenant, monkeypatch, password_waits
):
    waited = []

    def meanwhile(session, official):
        with tenant.session() as other:
            password_waits(other)
        waited.append(True)
        return False

    monkeypatch.setattr(services, "needs_second", meanwhile)
    browser.sign_in(user.email, PASSWORD)
    assert waited == [True]
    assert signed_in(browser)


def test_nobody_has_the_password_of_the_decoy():
    assert not check_password(None, "nobody has this password")


def test_only_a_hash_of_the_token_is_kept(browser, tenant, user):
    browser.sign_in(user.email, PASSWORD)

    with tenant.session() as session:
        row = session.scalars(select(WebSession)).one()
    token = session_cookie(browser)
    assert token not in (row.token_hash, row.agent)
    assert row.token_hash == hash_token(token)
    assert len(token) >= 43


def test_signing_in_again_gives_a_new_session_and_ends_the_old_one(browser, tenant, user):
    browser.sign_in(user.email, PASSWORD)
    first = session_cookie(browser)
    browser.sign_in(user.email, PASSWORD)

    assert session_cookie(browser) != first
    with tenant.session() as session:
        hashes = session.scalars(select(WebSession.token_hash)).all()
    assert hashes == [hash_token(session_cookie(browser))]


def test_who_is_signed_in_reads_so_at_the_door_and_goes_on_without_signing_in_anew(browse, official, user):
    browser, clerk = browse("lipowo"), browse("lipowo")
    assert "bez ponownego logowania" not in browser.get("/sign-in").text
    browser.sign_in(user.email, PASSWORD)
    clerk.sign_in(official.email, PASSWORD, office=True)

    page = browser.get("/sign-in").text
    assert f"Jesteś w portalu jako {user.name}." in page
    assert re.search(r'<a href="/dashboard">[^<]*bez ponownego logowania', page)
    page = browser.get("/sign-in?next=/payments").text
    assert re.search(r'<a href="/payments">[^<]*bez ponownego logowania', page)
    assert "Zaloguj się, aby zobaczyć tę stronę" not in page
    page = browser.get("/sign-in?next=https://elsewhere.example/").text
    assert re.search(r'<a href="/dashboard">[^<]*bez ponownego logowania', page)
    assert "bez ponownego logowania" not in browser.get("/office/sign-in").text  # another account's door
    assert re.search(r'<a href="/office/">[^<]*bez ponownego logowania', clerk.get("/office/sign-in").text)
    assert "bez ponownego logowania" not in clerk.get("/sign-in").text


def test_a_session_somebody_planted_is_not_adopted(browser, user, tenant):
    browser.client.set_cookie(COOKIE, "planted", domain="lipowo.skarbnik.test", secure=True)
    browser.sign_in(user.email, PASSWORD)

    assert session_cookie(browser) != "planted"


def test_signing_out_ends_the_session_for_good(browser, tenant, user, browse):
    browser.sign_in(user.email, PASSWORD)
    token = session_cookie(browser)
    browser.get("/dashboard")
    assert browser.post("/sign-out").status_code == 303

    with tenant.session() as session:
        assert session.scalar(select(func.count()).select_from(WebSession)) == 0
    other = browse("lipowo")
    other.client.set_cookie(COOKIE, token, domain="lipowo.skarbnik.test", secure=True)
    assert not signed_in(other)


@pytest.mark.parametrize(
    ("kind", "idle", "longest"),
    [
        (UserKind.RESIDENT, timedelta(minutes=30), RESIDENT_SESSION),
        (UserKind.OFFICIAL, timedelta(minutes=60), OFFICIAL_SESSION),
    ],
)
def test_an_idle_session_ends_and_a_busy_one_too_in_the_end(browse, user, official, kind, idle, longest):
    office = kind is UserKind.OFFICIAL
    path = "/office/" if office else "/dashboard"
    browser, start = browse("lipowo"), clock.now()
    with clock.stopped_at(start):
        browser.sign_in((official if office else user).email, PASSWORD, office=office)
    age = timedelta(0)
    while age + idle < longest:
        age += idle
        with clock.stopped_at(start + age):
            assert browser.get(path).status_code == 200
    with clock.stopped_at(start + longest):
        assert browser.get(path).status_code == 303

    other = browse("lipowo")
    with clock.stopped_at(start):
        other.sign_in((official if office else user).email, PASSWORD, office=office)
    with clock.stopped_at(start + idle + timedelta(seconds=1)):
        assert other.get(path).status_code == 303


def test_who_is_blocked_is_out_at_the_next_click(browser, tenant, user):
    browser.sign_in(user.email, PASSWORD)
    assert signed_in(browser)
    with tenant.session() as session:
        session.get_one(User, user.id).state = UserState.BLOCKED

    assert not signed_in(browser)


@pytest.mark.parametrize("inside", ["/payments", "/receivables?state=overdue", "/payments/ABCDE-FGHIJ"])
def test_after_signing_in_one_goes_on_where_one_wanted(browser, user, inside):
    browser.get("/sign-in", query_string={"next": inside})
    answer = browser.post("/sign-in", {"email": user.email, "password": PASSWORD, "next": inside})

    assert answer.location == inside


@pytest.mark.parametrize(
    "outside",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\\/evil.example", "///evil",
        "javascript:alert(1)", "evil.example", "/a\\b", " //evil.example", "http:evil.example", "/\t/evil.example",
        "/\n/evil.example", "\t//evil.example", "/\r\nLocation: https://evil.example", "@evil.example",
    ],
)  # fmt: skip
def test_after_signing_in_one_never_goes_outside(browser, user, outside):
    browser.get("/sign-in")
    answer = browser.post("/sign-in", {"email": user.email, "password": PASSWORD, "next": outside})

    assert (answer.status_code, answer.location) == (303, "/dashboard")


@pytest.mark.parametrize("fields", [{"email": "a\0b@example.pl"}, {"password": "a\0b"}, {"next": "/\0"}])
def test_letters_that_cannot_be_stored_are_a_wrong_sign_in_and_no_crash(browser, user, fields):
    browser.get("/sign-in")
    answer = browser.post("/sign-in", {"email": user.email, "password": "x", "next": ""} | fields)

    assert answer.status_code in (400, 422)


def test_too_many_attempts_are_held_up(limits, browse, user, clean, tenant):
    browser = browse("lipowo")
    browser.get("/sign-in")
    token = browser.token()
    codes = [
        browser.post("/sign-in", {"email": f"x{number}@x.example", "password": "x", "csrf_token": token}).status_code
        for number in range(32)
    ]
    here = browser.post("/sign-in", {"email": user.email, "password": PASSWORD, "csrf_token": token})
    elsewhere = browse("debina")
    there = elsewhere.post("/sign-in", {"email": user.email, "password": "x"})

    assert codes == [422] * 30 + [429] * 2
    assert here.status_code == 429
    assert there.status_code == 422


def test_counters_of_attempts_carry_the_id_of_the_gmina(limits, browse, user, clean, tenant):
    browser = browse("lipowo")
    browser.get("/sign-in")
    browser.post("/sign-in", {"email": user.email, "password": "x"})
    with redis.Redis.from_url(clean.settings.redis_url) as client:
        keys = [key.decode() for key in client.scan_iter("*skarbnik*")]

    assert keys
    assert all(tenant.id in key and tenant.slug not in key for key in keys)


def test_sessions_that_ended_go_with_the_next_sign_ins(tenant, user):
    now = clock.now()
    good = {"user_id": user.id, "created_at": now, "seen_at": now, "ip": "", "agent": "", "way": "local"}
    with tenant.session() as session:
        for number in range(SWEPT + 5):
            ended = now - timedelta(days=1, minutes=number + 1)  # until then it tells whose a late form was
            session.add(WebSession(token_hash=f"ended-{number}", expires_at=ended, **good))
        session.add(WebSession(token_hash="open", expires_at=now + timedelta(minutes=1), **good))

    for left in (1 + 1 + 5, 1 + 2):
        with tenant.session() as session:
            open_session(session, user, way="local", second=False, ip="", agent="")
            assert session.scalar(select(func.count()).select_from(WebSession)) == left
    with tenant.session() as session:
        assert session.get(WebSession, "open") is not None


@pytest.fixture
def guess(limits, browse, user):
    """`guess(email, password)`: somebody tries from an address nobody has tried from before. The answer's status."""
    browser = browse("lipowo")
    addresses = count(1)

    def one(email, password="x"):
        browser.get("/sign-in")
        fields = {"email": email, "password": password}
        here = {"REMOTE_ADDR": f"198.51.100.{next(addresses)}"}
        return browser.post("/sign-in", fields, environ_overrides=here).status_code

    return one


@pytest.mark.parametrize("email", ["anna@example.pl", "nobody@example.pl"])
def test_guesses_at_one_account_are_held_up_wherever_they_come_from(guess, clean, email):
    assert [guess(email) for _ in range(11)] == [422] * 10 + [429]
    assert guess(f" {email.upper()} ", PASSWORD) == 429
    assert guess("other@example.pl") == 422
    with redis.Redis.from_url(clean.settings.redis_url) as client:
        keys = list(client.scan_iter("*skarbnik*15*minute*"))
        assert keys
        assert all(0 < client.ttl(key) <= 15 * 60 for key in keys)
    assert not any(b"example" in key for key in keys)


def test_a_stranger_elsewhere_does_not_keep_the_owner_out(limits, browse, user):
    stranger, owner = browse("lipowo"), browse("lipowo")
    for number in range(12):
        fields = {"email": user.email, "password": "x"}
        stranger.post("/sign-in", fields, environ_overrides={"REMOTE_ADDR": f"198.51.100.{number}"})
    owner.get("/sign-in")
    answer = owner.post(
        "/sign-in", {"email": user.email, "password": PASSWORD}, environ_overrides={"REMOTE_ADDR": "203.0.113.7"}
    )

    assert answer.status_code == 303


def test_guesses_as_json_are_no_guesses(limits, browse, user):
    browser = browse("lipowo")
    browser.get("/sign-in")
    answer = browser.client.post(
        "/sign-in",
        base_url=browser.base,
        json={"email": user.email, "password": PASSWORD, "csrf_token": browser.token()},
        headers={"Origin": browser.base, "X-CSRFToken": browser.token(), "Referer": browser.base},
    )
    assert answer.status_code != 303


def test_who_knows_the_password_may_sign_in_as_often_as_they_like(guess, user):
    assert {guess(user.email, PASSWORD) for _ in range(12)} == {303}


def test_guesses_are_counted_in_the_process_while_redis_is_away(guess, user, monkeypatch):
    def away(*_words, **_more):
        raise redis.ConnectionError

    for name in ("test", "hit"):
        monkeypatch.setattr(limiter._limiter, name, away)
    monkeypatch.setattr(limiter._storage, "check", lambda: False)

    assert [guess(user.email) for _ in range(11)] == [422] * 10 + [429]


def test_a_house_with_many_addresses_is_one_that_asks(limits, browse, user):
    browser = browse("lipowo")
    browser.get("/sign-in")
    codes = [
        browser.post(
            "/sign-in",
            {"email": f"x{number}@x.example", "password": "x"},
            environ_overrides={"REMOTE_ADDR": f"2001:db8:1:1::{number:x}"},
        ).status_code
        for number in range(31)
    ]
    assert codes == [422] * 30 + [429]


@pytest.mark.parametrize(("door", "path"), [(Door.RESIDENTS, "/sign-in"), (Door.OFFICE, "/office/sign-in")])
def test_either_door_has_one_main_button(tenant, connect_provider, provider, browse, door, path):
    connect_provider(tenant, door=door)
    page = browse("lipowo").get(path).text
    assert provider.label in page
    assert page.count("btn-main") == 1
