"""A password is chosen once by a link that came by e-mail, and by nobody without it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.accounts.models import PasswordLink, User, UserState, WebSession
from skarbnik.accounts.officials import block_official
from skarbnik.accounts.password_links import choose_password, make_password_link
from skarbnik.audit.models import AuditEntry
from skarbnik.errors import NotFound
from skarbnik.testing.factories import PASSWORD, OfficialFactory, bound_to

NEW = "trzy słowa razem"


@pytest.fixture
def invited(tenant):
    """Somebody who was invited to the office: the account, and the secret of the link."""
    with tenant.session() as session, bound_to(session):
        user = OfficialFactory(password_hash=None, state=UserState.INVITED)
        return user.id, user.email, make_password_link(session, user, by=None)


def kept(tenant, user_id):
    with tenant.session() as session:
        return session.get_one(User, user_id)


def test_who_was_invited_chooses_a_password_and_signs_in_with_it(browse, tenant, invited):
    user_id, email, secret = invited
    browser = browse("lipowo")
    assert email in browser.get(f"/welcome/{secret}").text

    answer = browser.post(f"/welcome/{secret}", {"password": NEW, "again": NEW})

    assert answer.headers["Location"] == "/office/sign-in"
    assert kept(tenant, user_id).state is UserState.ACTIVE
    assert browser.sign_in(email, NEW, office=True).status_code == 303
    with tenant.session() as session:
        assert "account.password_chosen" in session.scalars(select(AuditEntry.action)).all()


def test_a_link_works_once(browse, invited):
    _, _, secret = invited
    browser = browse("lipowo")
    browser.get(f"/welcome/{secret}")
    browser.post(f"/welcome/{secret}", {"password": NEW, "again": NEW})

    assert browser.get(f"/welcome/{secret}").status_code == 404
    other = {"password": "inne trzy słowa", "again": "inne trzy słowa"}
    assert browser.post(f"/welcome/{secret}", other).status_code == 404


@pytest.mark.parametrize(
    ("password", "again"), [("za krótkie", "za krotkie"), ("krótkie", "krótkie"), ("", ""), ("x" * 201, "x" * 201)]
)
def test_what_cannot_be_a_password_uses_nothing_up(browse, tenant, invited, password, again):
    user_id, _, secret = invited
    browser = browse("lipowo")
    browser.get(f"/welcome/{secret}")

    assert browser.post(f"/welcome/{secret}", {"password": password, "again": again}).status_code == 422

    assert kept(tenant, user_id).password_hash is None
    assert browser.get(f"/welcome/{secret}").status_code == 200


def test_a_link_ends_after_a_week(browse, tenant, invited, monkeypatch):
    later = clock.now() + timedelta(days=7, seconds=1)
    monkeypatch.setattr("skarbnik.accounts.password_links.clock.now", lambda: later)
    assert browse("lipowo").get(f"/welcome/{invited[2]}").status_code == 404


def test_a_new_link_ends_the_one_before(browse, tenant, invited):
    with tenant.session() as session:
        again = make_password_link(session, session.get_one(User, invited[0]), by=None)
    browser = browse("lipowo")
    assert browser.get(f"/welcome/{invited[2]}").status_code == 404
    assert browser.get(f"/welcome/{again}").status_code == 200


def test_the_link_of_one_gmina_is_nothing_in_another(browse, neighbour, invited):
    assert browse("debina").get(f"/welcome/{invited[2]}").status_code == 404


def test_who_was_blocked_chooses_nothing(browse, tenant, invited):
    with tenant.session() as session, bound_to(session):
        by = OfficialFactory().id
        block_official(session, invited[0], by=by)
    assert browse("lipowo").get(f"/welcome/{invited[2]}").status_code == 404
    with tenant.session() as session, pytest.raises(NotFound):
        choose_password(session, invited[2], NEW)


def test_a_new_password_signs_every_browser_out(browse, tenant):
    with tenant.session() as session, bound_to(session):
        user = OfficialFactory()
        secret = make_password_link(session, user, by=None)
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD, office=True)
    browser.get(f"/welcome/{secret}")
    browser.post(f"/welcome/{secret}", {"password": NEW, "again": NEW})
    with tenant.session() as session:
        assert session.scalars(select(WebSession)).all() == []
        assert session.scalars(select(PasswordLink)).all() == []


def test_nobody_else_learns_the_address(browse, invited):
    answer = browse("lipowo").get(f"/welcome/{invited[2]}")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Cache-Control"] == "no-store"
