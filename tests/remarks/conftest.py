"""A resident with a receivable, and a way to report something about it."""

import pytest

from skarbnik.remarks.models import Topic
from skarbnik.remarks.services import write_remark
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    OfficialFactory,
    PayerFactory,
    UserFactory,
    bound_to,
)


def make_town(tenant):
    with tenant.session() as session, bound_to(session):
        payer, second = PayerFactory(name="Anna Kowalska"), PayerFactory(name="Piekarnia")
        user, other = UserFactory(acts_for=[payer, second]), UserFactory(acts_for=[payer])
        receivable = InstalmentFactory(payer=payer).receivable
        return {
            "payer": payer.id,
            "second": second.id,
            "user": user.id,
            "email": user.email,
            "other": other.email,
            "receivable": receivable.id,
            "official": OfficialFactory().id,
        }


@pytest.fixture
def town(tenant):
    return make_town(tenant)


@pytest.fixture
def write(tenant, town):
    """`write(…)`: a report of Anna's, about her address unless said otherwise."""

    def make(**more):
        words = {"topic": Topic.ADDRESS, "text": "Mieszkam przy Polnej 2.", "receivable_id": None, "language": "pl"}
        with tenant.session() as session:
            return write_remark(session, user_id=town["user"], payer_id=town["payer"], **{**words, **more})

    return make


@pytest.fixture
def anna(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["email"], PASSWORD)
    browser.get("/acting")
    browser.post("/acting", {"payer": str(town["payer"])})
    return browser


@pytest.fixture
def official(browse, tenant):
    """`official(role)`: a browser of an official of Lipowo."""

    def make(role):
        with tenant.session() as session, bound_to(session):
            email = OfficialFactory(has_roles=[role]).email
        browser = browse("lipowo")
        browser.sign_in(email, PASSWORD, office=True)
        return browser

    return make
