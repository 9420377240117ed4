"""A person sees where they are signed in, and ends what is not theirs."""

import re

import pytest
from sqlalchemy import select

from skarbnik.audit.models import AuditEntry
from skarbnik.testing import factories


@pytest.fixture
def two(browse, tenant):
    """The same person in two browsers."""
    with tenant.session() as session, factories.bound_to(session):
        email = factories.UserFactory(acts_for=[factories.PayerFactory()]).email
    browsers = [browse("lipowo"), browse("lipowo")]
    for browser in browsers:
        browser.sign_in(email, factories.PASSWORD)
    return browsers


def ends(browser):
    return re.findall(r'action="(/profile/sessions/\w+/end)"', browser.get("/profile").text)


def test_another_browser_is_signed_out_and_this_one_is_not(two, tenant):
    here, there = two
    (end,) = ends(here)

    assert here.post(end, {"csrf_token": here.token()}).status_code == 303

    assert here.get("/dashboard").status_code == 200
    assert there.get("/dashboard").status_code == 303
    assert ends(here) == []
    with tenant.session() as session:
        assert "account.session_ended" in session.scalars(select(AuditEntry.action)).all()


def test_nobody_ends_the_session_of_somebody_else(two, browse, tenant):
    (end,) = ends(two[0])
    with tenant.session() as session, factories.bound_to(session):
        email = factories.UserFactory(acts_for=[factories.PayerFactory()]).email
    stranger = browse("lipowo")
    stranger.sign_in(email, factories.PASSWORD)
    stranger.get("/profile")

    assert stranger.post(end, {"csrf_token": stranger.token()}).status_code == 404
    assert two[1].get("/dashboard").status_code == 200
