"""A resident, an official, and payers one may ask to act for."""

from dataclasses import replace

import pytest

from skarbnik import clock
from skarbnik.payers.mandates import Decision, Wish, ask_mandate, confirm_request
from skarbnik.payers.models import CompanyRole, MandateBasis
from skarbnik.plugin_api import PayerKind, Role
from skarbnik.testing.factories import OfficialFactory, PayerFactory, UserFactory, bound_to

NIP = "5260001246"
COMPANY = Wish(MandateBasis.COMPANY, "Odpis z KRS", may_pay=True, nip=NIP, role=CompanyRole.BOARD)
PROXY = Wish(MandateBasis.PROXY, "Akt notarialny Rep. A 12/2026", may_pay=False, name="Jan Nowak")


@pytest.fixture
def town(tenant):
    with tenant.session() as session, bound_to(session):
        own = PayerFactory(name="Anna Kowalska")
        return {
            "own": own.id,
            "company": PayerFactory(name="Tartak sp. z o.o.", nip=NIP, kind=PayerKind.COMPANY).id,
            "person": PayerFactory(name="Jan Nowak").id,
            "user": UserFactory(acts_for=[own]).id,
            "official": OfficialFactory(has_roles=[Role.ADMINISTRATOR]).id,
            "second": OfficialFactory(has_roles=[Role.ACCOUNTANT]).id,
        }


@pytest.fixture
def ask(tenant, town):
    """`ask(wish, …)`: a request of the resident's, for the company unless said otherwise."""

    def make(wish=COMPANY, **more):
        with tenant.session() as session:
            return ask_mandate(session, user_id=town["user"], wish=replace(wish, **more), language="pl")

    return make


@pytest.fixture
def confirm(tenant, town):
    """`confirm(request, …)`: for the company from today on, unless said otherwise."""

    def make(request, by="official", **more):
        words = {"payer_id": town["company"], "basis": request.basis, "may_pay": True, "from_on": clock.today()}
        with tenant.session() as session:
            return confirm_request(session, request.id, Decision(**{**words, **more}), by=town[by])

    return make
