"""Who forgot the password gets a link; nobody learns who has an account."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from skarbnik import clock
from skarbnik.accounts.models import PasswordLink, User, UserState
from skarbnik.accounts.password_links import GOOD_FOR
from skarbnik.testing.factories import PASSWORD, OfficialFactory, UserFactory, bound_to

NEW = "trzy słowa razem"


def ask(browser, email, path="/forgot"):
    browser.get(path)
    return browser.post(path, {"email": email})


@pytest.mark.parametrize(("factory", "path", "home"), [
    (UserFactory, "/forgot", "/sign-in"), (OfficialFactory, "/office/forgot", "/office/sign-in"),
])  # fmt: skip
def test_the_owner_chooses_a_new_password_by_the_link(browse, tenant, link_in, factory, path, home):
    with tenant.session() as session, bound_to(session):
        email = factory().email
    browser = browse("lipowo")

    sent = ask(browser, email.upper(), path).headers["Location"]
    assert sent.partition("?")[0] == "/forgot/sent"
    assert f'href="{home}"' in browser.get(sent).text  # back to the door one came from

    link = link_in("account.forgot")
    browser.get(link)
    assert browser.post(link, {"password": NEW, "again": NEW}).headers["Location"] == home
    assert browser.get(link).status_code == 404
    assert browser.sign_in(email, NEW, office=home.startswith("/office")).status_code == 303


def test_an_unknown_address_gets_the_same_answer_and_no_letter(browse, tenant, letters):
    with tenant.session() as session, bound_to(session):
        email = UserFactory().email
    known, unknown = ask(browse("lipowo"), email), ask(browse("lipowo"), "nikt@example.pl")

    assert known.status_code == unknown.status_code == 303
    assert known.headers["Location"] == unknown.headers["Location"]
    assert [each.recipient for each in letters()] == [email]


@pytest.mark.parametrize("state", [UserState.BLOCKED, UserState.CLOSED])
def test_an_account_that_is_not_open_gets_no_link(browse, tenant, letters, state):
    with tenant.session() as session, bound_to(session):
        words = {"name": "", "email": None, "password_hash": None} if state is UserState.CLOSED else {}
        email = UserFactory(state=state, **words).email
    ask(browse("lipowo"), email or "osoba@example.pl")
    assert letters() == []
    with tenant.session() as session:
        assert session.scalar(select(func.count()).select_from(PasswordLink)) == 0


def test_a_resident_is_no_official(browse, tenant, letters):
    with tenant.session() as session, bound_to(session):
        email = UserFactory().email
    ask(browse("lipowo"), email, "/office/forgot")
    assert letters() == []


def test_who_never_said_yes_gets_that_link_anew(browse, tenant, link_in, letters):
    with tenant.session() as session, bound_to(session):
        user = UserFactory(state=UserState.INVITED)
    browser = browse("lipowo")
    ask(browser, user.email)
    path = link_in("account.activate")
    browser.get(path)
    assert browser.post(path).status_code == 303
    with tenant.session() as session:
        assert session.get_one(User, user.id).state is UserState.ACTIVE


def test_the_link_is_good_for_two_hours(browse, tenant, link_in, monkeypatch):
    with tenant.session() as session, bound_to(session):
        email = UserFactory().email
    ask(browse("lipowo"), email)
    later = clock.now() + timedelta(hours=2, seconds=1)
    monkeypatch.setattr("skarbnik.accounts.password_links.clock.now", lambda: later)
    assert browse("lipowo").get(link_in("account.forgot")).status_code == 404


def test_letters_to_one_account_are_few_and_to_an_unknown_one_too(limits, browse):
    browser = browse("lipowo")
    assert [ask(browser, "nikt@example.pl").status_code for _each in range(4)] == [303, 303, 303, 429]
    assert ask(browser, "inny@example.pl").status_code == 303


def test_a_weak_password_is_refused_and_uses_nothing_up(browse, tenant, link_in):
    with tenant.session() as session, bound_to(session):
        user = UserFactory(name="Hermenegilda Konopnicka")
    browser = browse("lipowo")
    ask(browser, user.email)
    link = link_in("account.forgot")
    browser.get(link)
    for weak in ("Konopnicka1842", "qwertyuiop", "Lipowo2026!!"):
        assert browser.post(link, {"password": weak, "again": weak}).status_code == 422
    with tenant.session() as session:
        assert session.get_one(User, user.id).password_hash == user.password_hash
    assert browser.get(link).status_code == 200


def test_the_letter_is_in_the_language_of_the_account(browse, tenant, letters):
    with tenant.session() as session, bound_to(session):
        email = UserFactory(language="en").email
    ask(browse("lipowo"), email)
    (letter,) = letters()
    assert letter.subject == f"New password: {tenant.name}"
    assert PASSWORD not in letter.text


def test_asking_for_a_password_does_not_shorten_an_invitation(browse, tenant, link_in):
    """Anybody may type anybody's address: who was invited keeps the days they were given."""
    with tenant.session() as session, bound_to(session):
        email = OfficialFactory(state=UserState.INVITED, password_hash=None).email
    ask(browse("lipowo"), email, "/office/forgot")

    with tenant.session() as session:
        link = session.scalars(select(PasswordLink)).one()
        assert link.expires_at - link.created_at == GOOD_FOR


def test_another_tag_is_the_same_mailbox(limits, browse):
    """`anna+1@` and `anna+2@` fill one mailbox."""
    answers = [ask(browse("lipowo"), f"anna+{number}@example.pl").status_code for number in range(4)]
    assert answers == [303, 303, 303, 429]
