"""Whose account a proven identity is, when it is the first time, and when the account goes in the same moment."""

import pytest
from sqlalchemy import select

from skarbnik.accounts import identities
from skarbnik.accounts.closing import close_account
from skarbnik.accounts.models import ConnectedIdentity, User, UserKind, UserState
from skarbnik.audit.models import AuditEntry

from .providing import PESEL, back, go, identity


def users(tenant):
    with tenant.session() as session:
        return session.scalars(select(User).where(User.kind == UserKind.RESIDENT)).all()


def sent_away(browse, provider):
    """A browser that was just sent to the provider, and the handle it comes back with."""
    browser = browse("lipowo")
    return browser, go(browser, provider)


@pytest.mark.parametrize("pesel", [PESEL, None])
def test_an_account_that_a_first_sign_in_made_stands_in_the_trail_once(lipowo, provider, browse, pesel):
    for number in range(2):
        provider.says = identity(number, pesel=pesel)
        back(*sent_away(browse, provider))

    (user,) = users(lipowo)
    with lipowo.session() as session:
        made = session.scalars(select(AuditEntry.subject_id).where(AuditEntry.action == "account.made")).all()
    assert made == [user.id]


def test_an_account_that_is_closed_during_a_sign_in_is_connected_with_nothing(lipowo, provider, browse, monkeypatch):
    provider.says = identity(1)
    back(*sent_away(browse, provider))
    find = identities._find

    def meanwhile(*given, **words):
        found = find(*given, **words)
        with lipowo.session() as session:
            close_account(session, lipowo, session.get_one(User, found.id))
        return found

    provider.says = identity(2)
    with monkeypatch.context() as patched:
        patched.setattr(identities, "_find", meanwhile)
        assert back(*sent_away(browse, provider)).status_code == 403
    with lipowo.session() as session:
        assert session.scalars(select(ConnectedIdentity)).all() == []

    provider.says = identity(3)
    assert back(*sent_away(browse, provider)).status_code == 303
    assert {each.state for each in users(lipowo)} == {UserState.CLOSED, UserState.ACTIVE}
