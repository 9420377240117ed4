"""Officials in their browsers, and the files of a finance system as `tests/exchange` writes them."""

import pytest
from tests.exchange.conftest import lay, receive, report, rows, source, take, words  # noqa: F401  # fixtures

from skarbnik.plugin_api import Role
from skarbnik.testing.factories import PASSWORD, OfficialFactory, bound_to


@pytest.fixture
def official(browse, tenant):
    """`official(role)`: a browser of an official of Lipowo."""

    def make(role=Role.ACCOUNTANT, slug="lipowo"):
        with tenant.session() as session, bound_to(session):
            email = OfficialFactory(has_roles=[role]).email
        browser = browse(slug)
        browser.sign_in(email, PASSWORD, office=True)
        return browser

    return make
