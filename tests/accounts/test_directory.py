"""The office's own directory: officials come in by it once they have connected it, and residents never do."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from skarbnik import clock
from skarbnik.accounts.models import ConnectedIdentity, Door, User, UserKind, UserState, WebSession
from skarbnik.accounts.password_links import end_all_sessions
from skarbnik.accounts.pesel import hash_pesel, set_pesel
from skarbnik.accounts.sessions import end_session
from skarbnik.payers.models import Mandate
from skarbnik.plugin_api import Assurance, Role
from skarbnik.testing.factories import OfficialFactory, PayerFactory, UserFactory, bound_to

from .providing import PESEL, FakeProvider, back, go, identity

LONG_AGO = clock.now() - timedelta(minutes=11)


@pytest.fixture
def directory(tenant, connect_provider):
    connect_provider(tenant, door=Door.OFFICE, level=Assurance.LOW)
    return tenant


@pytest.fixture
def official(directory):
    with directory.session() as session, bound_to(session):
        return OfficialFactory(roles=Role.ACCOUNTANT.value)


def test_an_official_comes_in_only_after_connecting_the_directory(directory, official, provider, browse, enter_as):
    provider.says = identity(1, level=None, pesel=None)
    stranger = browse("lipowo")
    assert back(stranger, go(stranger, provider)).status_code == 403

    browser = enter_as(official)
    browser.get("/profile")
    browser.post(f"/auth/{FakeProvider.id}/connect", {})
    provider.says = identity(2, level=None, pesel=None)
    assert "identity=connected" in back(browser, provider.asked[-1].handle).location
    assert FakeProvider.label in browser.get("/profile?identity=connected").text

    provider.says = identity(3, level=None, pesel=None, second_factor=True)
    again = browse("lipowo")
    assert back(again, go(again, provider)).location == "/office/"


def test_a_residents_provider_lets_no_official_in(lipowo, provider, browse):
    """The same number may be a resident's and an official's: through this door only the resident comes."""
    with lipowo.session() as session, bound_to(session):
        set_pesel(OfficialFactory(), lipowo, PESEL)
    provider.says = identity()
    browser = browse("lipowo")

    back(browser, go(browser, provider))

    assert browser.get("/office/").status_code in {303, 404}
    assert len(residents(lipowo)) == 1


def test_an_identity_that_opens_another_account_is_not_connected(directory, official, provider, enter_as, browse):
    with directory.session() as session, bound_to(session):
        other = OfficialFactory()
    for number, person in enumerate((other, official)):
        browser = enter_as(person)
        browser.get("/profile")
        browser.post(f"/auth/{FakeProvider.id}/connect", {})
        provider.says = identity(number, level=None, pesel=None)
        came = back(browser, provider.asked[-1].handle)

    assert "identity=elsewhere" in came.location
    with directory.session() as session:
        assert session.scalars(select(ConnectedIdentity.user_id)).all() == [other.id]


def test_a_resident_does_not_connect_the_offices_directory(directory, provider, enter_as):
    with directory.session() as session, bound_to(session):
        resident = UserFactory()
    browser = enter_as(resident)
    browser.get("/profile")

    assert browser.post(f"/auth/{FakeProvider.id}/connect", {}).status_code == 404


def test_the_only_way_to_sign_in_is_not_given_up(lipowo, provider, browse):
    provider.says = identity()
    browser = browse("lipowo")
    back(browser, go(browser, provider))
    browser.get("/profile")

    browser.post(f"/auth/{FakeProvider.id}/disconnect", {})

    with lipowo.session() as session:
        assert session.scalar(select(func.count()).select_from(ConnectedIdentity)) == 1


def residents(tenant):
    with tenant.session() as session:
        return session.scalars(select(User).where(User.kind == UserKind.RESIDENT)).all()


@pytest.fixture
def connecting(lipowo, provider, enter_as):
    """A resident who is at the provider, to connect it, and their browser."""
    with lipowo.session() as session, bound_to(session):
        user = UserFactory()
    browser = enter_as(user)
    browser.get("/profile")
    assert browser.post(f"/auth/{FakeProvider.id}/connect", {}).status_code == 200
    provider.says = identity(pesel=None)
    return user, browser


def connected(tenant):
    with tenant.session() as session:
        return session.scalars(select(ConnectedIdentity.user_id)).all()


@pytest.mark.parametrize("act", ["connect", "disconnect"])
@pytest.mark.parametrize("door", [Door.OFFICE, Door.RESIDENTS])
def test_a_browser_left_open_changes_no_way_to_sign_in(tenant, connect_provider, provider, enter_as, door, act):
    """A new way in outlives the session: it asks for the same proof as a passkey does."""
    connect_provider(tenant, door=door)
    with tenant.session() as session, bound_to(session):
        user = OfficialFactory() if door is Door.OFFICE else UserFactory()
    browser = enter_as(user)
    with tenant.session() as session:
        session.execute(update(WebSession).values(created_at=LONG_AGO, second_at=LONG_AGO))
    assert browser.get("/profile").status_code == 200

    answer = browser.post(f"/auth/{FakeProvider.id}/{act}", {})

    assert answer.status_code == 401  # the page that asks for the proof
    assert provider.asked == []


@pytest.mark.parametrize("state", [UserState.BLOCKED, UserState.CLOSED])
def test_who_was_blocked_or_closed_meanwhile_connects_nothing(lipowo, connecting, provider, state):
    user, browser = connecting
    with lipowo.session() as session:
        found = session.get_one(User, user.id)
        found.state = state
        if state is UserState.CLOSED:
            found.email, found.password_hash, found.name = None, None, ""

    assert back(browser, provider.asked[-1].handle).status_code == 403
    assert connected(lipowo) == []


@pytest.mark.parametrize("end", ["everywhere", "one", "sign_out"])
def test_a_connection_begun_in_a_session_that_was_ended_comes_to_nothing(lipowo, connecting, provider, enter_as, end):
    """Its owner signs a stranger's browser out: what the stranger had begun there ends, too."""
    user, browser = connecting
    if end == "sign_out":
        browser.post("/sign-out", {})
    else:
        with lipowo.session() as session:
            if end == "everywhere":
                end_all_sessions(session, user.id)
            else:
                end_session(session, user.id, session.scalars(select(WebSession.token_hash)).one())

    assert back(browser, provider.asked[-1].handle).status_code == 403
    assert connected(lipowo) == []


def test_who_connects_a_proven_number_acts_for_themselves_at_once(lipowo, connecting, provider):
    user, browser = connecting
    with lipowo.session() as session, bound_to(session):
        payer = PayerFactory(pesel_hash=hash_pesel(lipowo, PESEL), pesel_key=1)
    provider.says = identity()

    back(browser, provider.asked[-1].handle)

    with lipowo.session() as session:
        assert session.scalars(select(Mandate.payer_id).where(Mandate.user_id == user.id)).all() == [payer.id]
