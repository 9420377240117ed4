"""The office's own directory: officials come in by it once they have connected it, and residents never do."""

import pytest
from sqlalchemy import func, select

from skarbnik.accounts.models import ConnectedIdentity, Door, Role, User, UserKind
from skarbnik.accounts.pesel import set_pesel
from skarbnik.plugin_api import Assurance
from skarbnik.testing.factories import OfficialFactory, UserFactory, bound_to

from .providing import PESEL, FakeProvider, back, go, identity


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
