"""A person changes how they are reached and what they sign in with; an open browser alone is not enough for it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from skarbnik import clock
from skarbnik.accounts.contact import read_phone, take_new_email
from skarbnik.accounts.models import EmailChange, User, WebSession
from skarbnik.accounts.password_links import choose_password, make_password_link
from skarbnik.accounts.services import AddressTaken
from skarbnik.audit.models import AuditEntry
from skarbnik.errors import Invalid, NotFound
from skarbnik.testing.factories import PASSWORD, PayerFactory, UserFactory, bound_to

NEW = "trzy słowa razem"


@pytest.fixture
def two(browse, tenant):
    """The same person in two browsers, and their account."""
    with tenant.session() as session, bound_to(session):
        user = UserFactory(acts_for=[PayerFactory()])
    browsers = [browse("lipowo"), browse("lipowo")]
    for browser in browsers:
        browser.sign_in(user.email, PASSWORD)
        browser.get("/profile")
    return *browsers, user


def now(tenant, user):
    with tenant.session() as session:
        return session.get_one(User, user.id)


def ask(browser, email="nowy@example.pl", current=PASSWORD):
    browser.get("/profile/email")
    return browser.post("/profile/email", {"email": email, "current": current})


def test_the_new_address_holds_once_it_is_proven_and_the_old_one_is_told(two, tenant, link_in, letters, browse):
    here, there, user = two
    assert ask(here).status_code == 303
    assert "nowy@example.pl" in here.get("/profile").text
    assert now(tenant, user).email == user.email

    path = link_in("account.new_email")
    elsewhere = browse("lipowo")
    elsewhere.get(path)
    assert now(tenant, user).email == user.email  # opening the link does nothing
    assert elsewhere.post(path).headers["Location"] == "/sign-in"

    assert now(tenant, user).email == "nowy@example.pl"
    assert [each.recipient for each in letters("account.email_changed")] == [user.email]
    assert [each.get("/dashboard").status_code for each in (here, there)] == [303, 303]
    assert elsewhere.get(path).status_code == 404
    assert browse("lipowo").sign_in("nowy@example.pl", PASSWORD).status_code == 303
    with tenant.session() as session:
        assert {"account.email_asked", "account.email_changed"} <= set(session.scalars(select(AuditEntry.action)))


def test_a_wrong_password_changes_no_address(two, tenant):
    here, _there, _user = two
    assert ask(here, current="not the password").status_code == 422
    with tenant.session() as session:
        assert session.scalars(select(EmailChange)).all() == []


def test_of_two_who_follow_the_link_at_once_one_is_too_late(two, tenant, link_in):
    here, _there, _user = two
    ask(here)
    secret = link_in("account.new_email").rpartition("/")[2]
    with tenant.session() as session:
        take_new_email(session, tenant, secret)
    with tenant.session() as session, pytest.raises(NotFound):
        take_new_email(session, tenant, secret)


def test_an_address_of_another_account_is_told_only_to_who_proves_it(two, tenant, link_in):
    here, _there, user = two
    with tenant.session() as session, bound_to(session):
        other = UserFactory()
    assert ask(here, email=other.email).status_code == 303
    secret = link_in("account.new_email").rpartition("/")[2]
    with pytest.raises(AddressTaken), tenant.session() as session:
        take_new_email(session, tenant, secret)
    assert now(tenant, user).email == user.email


def test_the_last_address_counts_and_a_link_ends_after_a_day(two, tenant, link_in, browse, monkeypatch):
    here, _there, _user = two
    ask(here, "jeden@example.pl")
    first = link_in("account.new_email")
    ask(here, "dwa@example.pl")
    assert browse("lipowo").get(first).status_code == 404
    assert browse("lipowo").get(link_in("account.new_email")).status_code == 200
    later = clock.now() + timedelta(hours=24, seconds=1)
    monkeypatch.setattr("skarbnik.accounts.contact.clock.now", lambda: later)
    assert browse("lipowo").get(link_in("account.new_email")).status_code == 404


def test_a_new_password_signs_out_every_other_browser_and_is_told(two, tenant, letters):
    here, there, user = two
    here.get("/profile/password")
    answer = here.post("/profile/password", {"current": PASSWORD, "password": NEW, "again": NEW})

    assert answer.status_code == 303
    assert here.get("/dashboard").status_code == 200
    assert there.get("/dashboard").status_code == 303
    assert here.sign_in(user.email, NEW).status_code == 303
    assert [each.recipient for each in letters("account.password_changed")] == [user.email]


@pytest.mark.parametrize(
    ("current", "password", "again"),
    [("wrong password", NEW, NEW), ("", NEW, NEW), (PASSWORD, "qwertyuiop", "qwertyuiop"), (PASSWORD, NEW, PASSWORD)],
)
def test_what_cannot_be_the_new_password_changes_nothing(two, tenant, current, password, again):
    here, there, user = two
    here.get("/profile/password")
    form = {"current": current, "password": password, "again": again}
    assert here.post("/profile/password", form).status_code == 422
    assert now(tenant, user).password_hash == user.password_hash
    assert there.get("/dashboard").status_code == 200


def test_guesses_at_the_current_password_are_few(limits, two):
    here, _there, _user = two
    here.get("/profile/password")
    form = {"current": "a guess at it", "password": NEW, "again": NEW}
    assert [here.post("/profile/password", form).status_code for _each in range(11)] == [422] * 10 + [429]


def test_guesses_on_several_pages_are_counted_together(limits, two):
    here, _there, _user = two
    paths = ["/profile/email", "/profile/password", "/profile/close"]
    form = {"current": "not the password", "email": "nowy@example.pl", "password": NEW, "again": NEW, "sure": "y"}
    answers = [here.post(paths[number % 3], form).status_code for number in range(12)]
    assert answers == [422] * 10 + [429] * 2


def test_who_has_no_password_has_to_have_signed_in_just_now(two, tenant):
    here, _there, user = two
    with tenant.session() as session:
        session.get_one(User, user.id).password_hash = None
    with tenant.session() as session:
        session.execute(update(WebSession).values(created_at=clock.now() - timedelta(minutes=11)))
    assert ask(here, current="").status_code == 422
    with tenant.session() as session:
        session.execute(update(WebSession).values(created_at=clock.now() - timedelta(minutes=9)))
    assert ask(here, current="").status_code == 303


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("601 234 567", "+48601234567"),
        ("+48 601-234-567", "+48601234567"),
        ("0048 601 234 567", "+48601234567"),
        ("+380 44 123 4567", "+380441234567"),
        ("(22) 123 45 67", "+48221234567"),
        ("", None),
        ("   ", None),
    ],
)
def test_a_telephone_number_is_kept_in_one_form(typed, kept):
    assert read_phone(typed) == kept


@pytest.mark.parametrize("typed", ["12", "abc", "+1234567890123456", "601 234 5678 99", "٦٠١٢٣٤٥٦٧", "+48<script>"])
def test_what_is_no_telephone_number_is_refused(typed):
    with pytest.raises(Invalid):
        read_phone(typed)


def test_telephone_and_language_are_saved_each_by_itself(two, tenant):
    here, _there, user = two
    here.get("/profile/contact")
    assert here.post("/profile/contact", {"phone": "601 234 567"}).status_code == 303
    assert here.post("/profile/contact", {"language": "uk"}).status_code == 303
    assert (now(tenant, user).phone, now(tenant, user).language) == ("+48601234567", "uk")
    assert here.post("/profile/contact", {"phone": "nie ma"}).status_code == 422
    assert here.post("/profile/contact", {"language": "xx"}).status_code == 422
    assert here.post("/profile/contact", {"phone": ""}).status_code == 303
    assert now(tenant, user).phone is None


def test_a_password_that_was_typed_too_late_is_not_carried_through_the_sign_in(two, tenant):
    """The form of who was signed out meanwhile comes back after the sign-in, without what is secret."""
    here, _there, user = two
    here.get("/profile/password")
    with tenant.session() as session:
        session.execute(update(WebSession).values(expires_at=clock.now() - timedelta(minutes=1)))
    answer = here.post("/profile/password", {"current": PASSWORD, "password": NEW, "again": NEW})
    kept = answer.text.split('name="kept" value="')[1].split('"')[0]
    here.post("/sign-in", {"email": user.email, "password": PASSWORD, "next": "", "kept": kept})
    assert NEW not in here.text
    assert "/profile/password" in here.text


@pytest.mark.parametrize("way", ["changed", "forgotten"])
def test_a_new_password_ends_a_change_of_address_begun_before(two, tenant, link_in, browse, way):
    """Somebody knew the password, and gave their own address; its owner notices and chooses a new password."""
    here, there, user = two
    ask(there, "obcy@example.pl")
    path = link_in("account.new_email")
    if way == "changed":
        here.get("/profile/password")
        here.post("/profile/password", {"current": PASSWORD, "password": NEW, "again": NEW})
    else:
        with tenant.session() as session:
            secret = make_password_link(session, session.get_one(User, user.id), by=None)
            choose_password(session, secret, NEW)

    stranger = browse("lipowo")
    assert stranger.get(path).status_code == 404
    assert stranger.post(path).status_code == 404
    assert now(tenant, user).email == user.email


def test_letters_to_one_new_address_are_few_whoever_asks(limits, two):
    here, there, _user = two
    answers = [ask(browser, "Obcy@example.pl").status_code for browser in (here, there) for _ in range(3)]
    assert answers == [303] * 5 + [429]


def test_of_two_accounts_that_take_an_address_at_once_one_is_told_so(two, tenant, link_in):
    here, _there, user = two
    ask(here)
    secret = link_in("account.new_email").rpartition("/")[2]
    with tenant.session() as session, bound_to(session):
        other = UserFactory()

    def take():
        with tenant.session() as session, pytest.raises(AddressTaken):
            take_new_email(session, tenant, secret)
        return True

    with ThreadPoolExecutor(1) as pool:
        with tenant.session() as session:
            session.get_one(User, other.id).email = "nowy@example.pl"
            session.flush()
            told = pool.submit(take)
            session.execute(text("SELECT pg_sleep(0.3)"))
        assert told.result()
    assert now(tenant, user).email == user.email
