"""An operator with a second factor, a browser on the bare host, and an office with administrators."""

import pytest

from skarbnik.plugin_api import Role
from skarbnik.testing.browser import Browser
from skarbnik.testing.factories import PASSWORD, OfficialFactory, bound_to
from skarbnik.testing.operators import add_operator, sign_operator_in


@pytest.fixture
def platform(lab):
    """Nothing of operators, before and after."""

    def forget():
        with lab.as_admin() as admin:
            for table in ("acts", "attempts", "sessions", "recovery_codes"):
                admin.execute(f"DELETE FROM platform.operator_{table}")
            admin.execute("DELETE FROM platform.operators")

    forget()
    yield lab
    forget()


@pytest.fixture
def bare(app, platform):
    """`bare()`: a browser on the bare host, nobody's yet."""
    return lambda: Browser(app, "", host="skarbnik.test")


@pytest.fixture
def operators(lab, bare):
    """`operators("ola")`: an operator, the secret of the factor, and a browser signed in on the bare host."""

    def make(name="ola"):
        operator, secret = add_operator(lab.instance, email=f"{name}@operator.example", name=f"{name.title()} O.")
        browser = bare()
        token = sign_operator_in(lab.instance, operator)
        browser.client.set_cookie("__Host-skarbnik-operator", token, domain="skarbnik.test", secure=True)
        return operator, secret, browser

    return make


@pytest.fixture
def office(browse):
    """`office(tenant, *roles)`: an official of this gmina and their browser."""

    def make(tenant, *roles):
        with tenant.session() as session, bound_to(session):
            email = OfficialFactory(has_roles=roles or [Role.ADMINISTRATOR]).email
        browser = browse(tenant.slug)
        browser.sign_in(email, PASSWORD, office=True)
        browser.email = email
        return browser

    return make
