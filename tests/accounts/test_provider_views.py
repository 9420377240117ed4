"""Signing in at an identity provider: who goes out of one browser comes back into it, once, as who they are."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from skarbnik import clock
from skarbnik.accounts import pending_sign_ins
from skarbnik.accounts.identities import identify
from skarbnik.accounts.models import (
    ConnectedIdentity,
    Door,
    SignInAttempt,
    SignInAway,
    SignInOutcome,
    User,
    UserKind,
    UserState,
    WebSession,
)
from skarbnik.accounts.passwords import hash_password
from skarbnik.accounts.pesel import hash_pesel, set_pesel
from skarbnik.audit.models import AuditEntry
from skarbnik.errors import ExternalSystemError
from skarbnik.payers.models import Mandate, MandateBasis
from skarbnik.plugin_api import Assurance, SignInReason, SignInRefused
from skarbnik.testing.factories import PASSWORD, PayerFactory, UserFactory, bound_to

from .providing import BEGIN, ELSEWHERE, PESEL, RETURN, FakeProvider, back, go, identity


def users(tenant):
    with tenant.session() as session:
        return session.scalars(select(User).where(User.kind == UserKind.RESIDENT)).all()


def test_who_comes_for_the_first_time_gets_an_account_and_acts_for_their_own_payer(lipowo, provider, browse):
    with lipowo.session() as session, bound_to(session):
        payer = PayerFactory(pesel_hash=hash_pesel(lipowo, PESEL), pesel_key=1)
    provider.says = identity()
    browser = browse("lipowo")

    answer = back(browser, go(browser, provider, wanted="/payments"))

    assert answer.status_code == 303
    assert "Kowalska Anna" in browser.get("/dashboard").text or browser.get("/terms/accept").status_code == 200
    (user,) = users(lipowo)
    assert (user.name, user.email, user.password_hash) == ("Anna Kowalska", None, None)
    with lipowo.session() as session:
        mandate = session.scalars(select(Mandate)).one()
        attempt = session.scalars(select(SignInAttempt)).one()
    assert (mandate.payer_id, mandate.basis) == (payer.id, MandateBasis.SELF)
    assert (attempt.way, attempt.outcome) == (FakeProvider.id, SignInOutcome.SIGNED_IN)


def test_the_same_person_finds_the_same_account_whatever_their_name_became(lipowo, provider, browse):
    for number, name in enumerate(("Kowalska", "Nowak")):
        provider.says = identity(number, family_name=name)
        browser = browse("lipowo")
        back(browser, go(browser, provider))

    (user,) = users(lipowo)
    assert user.name == "Anna Nowak"


def test_the_account_made_at_the_desk_is_found_by_its_pesel(lipowo, provider, browse):
    with lipowo.session() as session, bound_to(session):
        made = UserFactory(name="A. Kowalska", state=UserState.INVITED)
        set_pesel(made, lipowo, PESEL)
    provider.says = identity()
    browser = browse("lipowo")

    back(browser, go(browser, provider))

    (user,) = users(lipowo)
    assert (user.id, user.state) == (made.id, UserState.ACTIVE)


def test_an_account_with_the_same_e_mail_or_name_is_somebody_else(lipowo, provider, browse):
    with lipowo.session() as session, bound_to(session):
        UserFactory(name="Anna Kowalska")
    provider.says = identity()
    browser = browse("lipowo")

    back(browser, go(browser, provider))

    assert len(users(lipowo)) == 2


def test_who_has_no_pesel_is_found_by_the_providers_own_name_for_them(lipowo, provider, browse):
    for number in range(2):
        provider.says = identity(number, pesel=None)
        browser = browse("lipowo")
        back(browser, go(browser, provider))

    (user,) = users(lipowo)
    assert user.pesel_hash is None


@pytest.mark.parametrize("pesel", [None, PESEL])
def test_an_account_that_is_made_by_a_sign_in_stands_in_the_trail(lipowo, provider, browse, pesel):
    for number in range(2):
        provider.says = identity(number, pesel=pesel)
        browser = browse("lipowo")
        back(browser, go(browser, provider))

    (user,) = users(lipowo)
    with lipowo.session() as session:
        found = session.scalars(select(AuditEntry.subject_id).where(AuditEntry.action == "account.made")).all()
    assert found == [user.id]


def test_two_providers_subject_of_one_name_are_two_people(lipowo, provider, browse):
    for number, issuer in enumerate(("https://one.example", "https://two.example")):
        provider.says = identity(number, pesel=None, issuer=issuer)
        browser = browse("lipowo")
        back(browser, go(browser, provider))

    assert len(users(lipowo)) == 2


def test_an_account_may_be_found_with_a_key_before_the_last(lipowo, provider, browse, monkeypatch):
    provider.says = identity(1, pesel=None)
    browser = browse("lipowo")
    back(browser, go(browser, provider))
    ring = lipowo.instance.keys
    monkeypatch.setattr(ring, "current", 2)
    monkeypatch.setattr(ring, "versions", (2, *ring.versions))
    monkeypatch.setitem(ring._keys, 2, b"another key of the instance, new")

    provider.says = identity(2, pesel=None)
    browser = browse("lipowo")
    back(browser, go(browser, provider))

    assert len(users(lipowo)) == 1
    with lipowo.session() as session:
        assert session.scalar(select(func.count()).select_from(ConnectedIdentity)) == 1


def test_the_way_back_may_be_a_form_of_another_site_or_an_address(lipowo, provider, browse):
    for number, method in enumerate(("post", "get")):
        provider.says = identity(number)
        browser = browse("lipowo")
        assert back(browser, go(browser, provider), method=method).status_code == 303


def test_an_answer_nobody_asked_for_signs_nobody_in(lipowo, provider, browse):
    provider.says = identity()
    browser = browse("lipowo")
    go(browser, provider)

    assert back(browser, "made-up").status_code == 403
    assert provider.finished == []
    assert users(lipowo) == []


def test_an_answer_works_once(lipowo, provider, browse):
    provider.says = identity()
    browser = browse("lipowo")
    handle = go(browser, provider)
    back(browser, handle)

    assert back(browser, handle).status_code == 403
    assert len(provider.finished) == 1


def test_one_answer_of_the_provider_serves_one_sign_in(lipowo, provider, browse):
    provider.says = identity()
    for expected in (303, 403):
        browser = browse("lipowo")
        assert back(browser, go(browser, provider)).status_code == expected
    with lipowo.session() as session:
        assert session.scalar(select(func.count()).select_from(WebSession)) == 1


def test_two_at_once_with_one_answer_are_one_sign_in(lipowo, provider, browse):
    provider.says = identity()
    browsers = [browse("lipowo") for _ in range(2)]
    handles = [go(each, provider) for each in browsers]

    with ThreadPoolExecutor(2) as pool:
        came = list(pool.map(lambda pair: back(*pair).status_code, zip(browsers, handles, strict=True)))

    assert sorted(came) == [303, 403]


def test_two_first_sign_ins_at_once_make_one_account(lipowo, provider, browse, monkeypatch):
    given = iter([identity(1), identity(2)])
    monkeypatch.setattr(provider, "finish", lambda self, pending, answer: next(given))
    browsers = [browse("lipowo") for _ in range(2)]
    handles = [go(each, provider) for each in browsers]

    with ThreadPoolExecutor(2) as pool:
        came = list(pool.map(lambda pair: back(*pair).status_code, zip(browsers, handles, strict=True)))

    assert len(users(lipowo)) == 1
    assert came.count(303) >= 1


def test_an_answer_brought_by_another_browser_signs_nobody_in(lipowo, provider, browse):
    """Login CSRF: a stranger's answer would make the victim pay into, and confide in, the stranger's account."""
    provider.says = identity()
    stranger, victim = browse("lipowo"), browse("lipowo")
    handle = go(stranger, provider)
    go(victim, provider)

    assert back(victim, handle).status_code == 403
    assert back(stranger, handle).status_code == 403  # it is gone, whoever brought it


def test_a_browser_without_its_cookie_signs_nobody_in(lipowo, provider, browse):
    provider.says = identity()
    handle = go(browse("lipowo"), provider)

    assert back(browse("lipowo"), handle).status_code == 403


def test_what_was_begun_in_one_gmina_is_nothing_in_another(lipowo, neighbour, provider, connect_provider, browse):
    connect_provider(neighbour)
    provider.says = identity()
    here, there = browse("lipowo"), browse("debina")
    handle = go(here, provider)
    cookie = here.client.get_cookie("__Host-skarbnik-away", domain="lipowo.skarbnik.test")
    there.client.set_cookie("__Host-skarbnik-away", cookie.value, domain="debina.skarbnik.test")

    assert back(there, handle).status_code == 403
    assert users(neighbour) == []


def test_a_return_to_another_provider_is_refused(lipowo, provider, browse):
    provider.says = identity()
    browser = browse("lipowo")
    handle = go(browser, provider)
    with lipowo.session() as session:
        row = session.scalars(select(SignInAway)).one()
        row.provider = "epuap_other"

    assert back(browser, handle).status_code == 403


def test_who_takes_longer_than_ten_minutes_begins_anew(lipowo, provider, browse):
    provider.says = identity()
    browser = browse("lipowo")
    handle = go(browser, provider)
    with lipowo.session() as session:
        session.scalars(select(SignInAway)).one().begun_at = (
            clock.now() - pending_sign_ins.GOOD_FOR - timedelta(seconds=1)
        )

    assert back(browser, handle).status_code == 403
    assert provider.finished == []


@pytest.mark.parametrize("level", [None, Assurance.LOW])
def test_a_level_below_the_one_asked_for_lets_nobody_in(lipowo, provider, browse, level):
    provider.says = identity(level=level)
    browser = browse("lipowo")

    assert back(browser, go(browser, provider)).status_code == 403
    assert users(lipowo) == []


@pytest.mark.parametrize(
    ("reason", "words"),
    [(SignInReason.DECLINED, "did not confirm"), (SignInReason.UNPROVEN, "did not work"), (None, "does not answer")],
)
def test_a_refusal_says_no_more_than_a_person_needs(lipowo, provider, browse, reason, words):
    provider.says = SignInRefused(reason, "some-check") if reason else None
    browser = browse("lipowo")
    browser.get("/language/en?back=/sign-in")
    handle = go(browser, provider)
    if reason is None:
        provider.says = ExternalSystemError("away")

    answer = back(browser, handle)

    assert answer.status_code == (503 if reason is None else 403)
    assert words in answer.text
    assert "some-check" not in answer.text


def test_a_provider_that_cannot_be_asked_leaves_the_password_way(lipowo, provider, browse):
    provider.says = ExternalSystemError("away")
    browser = browse("lipowo")
    browser.get("/sign-in")

    assert browser.post(BEGIN, {"next": ""}).status_code == 503
    assert browser.get("/sign-in").status_code == 200


def test_a_blocked_account_is_told_so_and_stays_out(lipowo, provider, browse):
    with lipowo.session() as session, bound_to(session):
        set_pesel(UserFactory(state=UserState.BLOCKED), lipowo, PESEL)
    provider.says = identity()
    browser = browse("lipowo")

    assert back(browser, go(browser, provider)).status_code == 403
    with lipowo.session() as session:
        assert session.scalars(select(WebSession)).all() == []
        assert session.scalars(select(SignInAttempt)).one().outcome is SignInOutcome.BLOCKED


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
def test_the_way_back_leads_nowhere_but_here(lipowo, provider, browse, wanted):
    provider.says = identity()
    browser = browse("lipowo")

    answer = back(browser, go(browser, provider, wanted=wanted))

    assert re.match(r"/(dashboard|terms)", answer.location)


def test_nothing_from_before_the_sign_in_is_worth_anything_afterwards(lipowo, provider, browse):
    provider.says = identity()
    browser = browse("lipowo")
    handle = go(browser, provider)
    before = browser.client.get_cookie("__Host-skarbnik-form", domain="lipowo.skarbnik.test")
    back(browser, handle)
    after = browser.client.get_cookie("__Host-skarbnik-form", domain="lipowo.skarbnik.test")
    session = browser.client.get_cookie("__Host-skarbnik-session", domain="lipowo.skarbnik.test")

    assert before is not None
    assert after is None or after.value != before.value
    assert (session.secure, session.http_only, session.same_site) == (True, True, "Lax")


def test_the_pre_login_cookie_crosses_sites_and_is_bound_to_the_host(lipowo, provider, browse):
    browser = browse("lipowo")
    browser.get("/sign-in")
    answer = browser.post(BEGIN, {"next": ""})

    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith("__Host-skarbnik-away")]
    for word in ("Secure", "HttpOnly", "SameSite=None", "Path=/", "Max-Age=600"):
        assert word in cookie
    assert "Domain" not in cookie


def test_forms_may_go_to_the_provider_from_one_page_only(lipowo, provider, browse):
    browser = browse("lipowo")
    door = browser.get("/sign-in")
    leading = browser.post(BEGIN, {"next": ""})

    assert "provider.example" not in door.headers["Content-Security-Policy"]
    assert "form-action 'self' https://provider.example;" in leading.headers["Content-Security-Policy"]


def test_a_form_of_another_site_begins_nothing(lipowo, provider, browse):
    browser = browse("lipowo")
    browser.get("/sign-in")

    assert browser.post(BEGIN, {"next": ""}, headers=ELSEWHERE).status_code == 403
    assert browser.post(BEGIN, {"next": ""}, token=False).status_code == 400
    assert provider.asked == []


def test_fields_nobody_knows_and_endless_ones_do_not_reach_the_plugin(lipowo, provider, browse):
    provider.says = identity()
    browser = browse("lipowo")
    handle = go(browser, provider)

    browser.post(RETURN, {"state": handle, "code": "x" * 5000, "evil": "1"}, token=False, headers=ELSEWHERE)

    ((_pending, answer),) = provider.finished
    assert answer.fields == (("state", handle),)


def test_nothing_that_came_is_in_the_log(lipowo, provider, browse, capfd):
    provider.says = identity()
    browser = browse("lipowo")
    handle = go(browser, provider)
    back(browser, handle, code="very-secret-code")

    log = "".join(capfd.readouterr())
    for word in (handle, "very-secret-code", PESEL, "Kowalska", "answer-1"):
        assert word not in log


def test_no_transaction_is_open_while_the_provider_is_asked(lipowo, provider, browse, clean, monkeypatch):
    seen = []

    def look(self, pending, answer):
        with clean.as_admin() as connection:
            seen.append(
                connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND state LIKE 'idle in transaction%%'",
                    (f"{clean.settings.instance}_app",),
                ).fetchone()[0]
            )
        return identity()

    monkeypatch.setattr(provider, "finish", look)
    browser = browse("lipowo")
    back(browser, go(browser, provider))

    assert seen == [0]


def test_a_provider_that_is_switched_off_lets_nobody_in(lipowo, provider, browse):
    provider.says = identity()
    browser = browse("lipowo")
    handle = go(browser, provider)
    with lipowo.session() as session:
        session.execute(text("UPDATE identity_providers SET enabled = false"))

    assert back(browser, handle).status_code == 403
    assert browser.post(BEGIN, {"next": ""}).status_code == 404
    assert FakeProvider.label not in browser.get("/sign-in").text


def test_a_gmina_that_did_not_connect_it_has_no_such_door(lipowo, provider, browse):
    browser = browse("debina")

    assert FakeProvider.label not in browser.get("/sign-in").text
    assert browser.post(BEGIN, {"next": ""}).status_code == 404
    assert back(browser, "x").status_code == 404


def test_in_the_same_moment_one_of_two_with_one_identity_gets_the_account(lipowo):
    """Two tabs, and a provider that knows no PESEL: one account, and no page that says the portal is broken."""

    def enter(number):
        try:
            with lipowo.session() as session:
                identify(session, lipowo, FakeProvider.id, Door.RESIDENTS, identity(number, pesel=None))
                session.execute(text("SELECT pg_sleep(0.3)"))
        except SignInRefused:
            return "later"
        return "in"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(enter, range(2))) == ["in", "later"]
    assert len(users(lipowo)) == 1


def test_a_password_without_an_address_is_no_way_to_sign_in(lipowo, provider, enter_as):
    """Who came by the provider and then chose a password would be locked out when the provider goes."""
    with lipowo.session() as session, bound_to(session):
        user = UserFactory(email=None)
        session.add(
            ConnectedIdentity(
                subject_hash="ab",
                user_id=user.id,
                provider=provider.id,
                proves_pesel=False,
                created_at=clock.now(),
                used_at=clock.now(),
            )
        )

    enter_as(user).post(f"/auth/{provider.id}/disconnect", {})

    with lipowo.session() as session:
        assert session.scalar(select(func.count()).select_from(ConnectedIdentity)) == 1


@pytest.mark.parametrize(("pesel", "left"), [(PESEL, 1), (None, 0)])
def test_what_proves_the_pesel_of_an_account_is_not_said_to_be_disconnected(lipowo, provider, browse, pesel, left):
    """The next sign-in there would find the account by its PESEL again."""
    provider.says = identity(pesel=pesel)
    browser = browse("lipowo")
    back(browser, go(browser, provider))
    with lipowo.session() as session:
        user = session.scalars(select(User)).one()
        user.email, user.password_hash = "anna@example.pl", hash_password(PASSWORD)
    page = browser.get("/profile").text
    assert ("potwierdza Twój PESEL" in page) == (left == 1)
    browser.post(f"/auth/{provider.id}/disconnect", {})
    with lipowo.session() as session:
        assert session.scalar(select(func.count()).select_from(ConnectedIdentity)) == left


@pytest.mark.parametrize(("door", "home"), [(Door.RESIDENTS, "/sign-in"), (Door.OFFICE, "/office/sign-in")])
def test_who_was_refused_begins_again_at_their_own_door(tenant, connect_provider, provider, browse, door, home):
    connect_provider(tenant, door=door)
    provider.says = SignInRefused(SignInReason.NOT_NOW)
    browser = browse("lipowo")

    answer = back(browser, go(browser, provider))

    assert answer.status_code == 403
    assert f'class="btn-main" href="{home}"' in answer.text
