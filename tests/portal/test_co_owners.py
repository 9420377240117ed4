"""Who is jointly liable: a number for everybody, names only where the gmina switched them on."""

import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.audit.models import AuditEntry
from skarbnik.plugin_api import LiabilityRole, Role
from skarbnik.portal.receivable import CoOwner, get_receivable
from skarbnik.tenancy.models import Switch, SwitchName
from skarbnik.tenancy.switches import set_switch
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    LiabilityFactory,
    OfficialFactory,
    PayerFactory,
    UserFactory,
    bound_to,
)

SWITCHES = "/office/kinds/shown"


def own(tenant):
    """A receivable of Anna and two more; one of them is known twice, and was merged."""
    with tenant.session() as session, bound_to(session):
        anna = PayerFactory(name="Anna Kowalska")
        jan = PayerFactory(name="Jan Nowak", street="Tajna 7", city="Sekretowo", pesel_sealed="44051401359")
        twice = PayerFactory(name="Jan Nowak sprzed lat", merged_into=jan.id)
        jan.merged_from = [twice.id]
        gone = PayerFactory(name="Dawny Właściciel")
        firm = PayerFactory(name="Piekarnia")
        receivable = InstalmentFactory(payer=anna).receivable
        for payer, role, words in (
            (jan, LiabilityRole.CO_OWNER, {"share_part": 1, "share_whole": 2}),
            (twice, LiabilityRole.OWNER, {}),
            (firm, LiabilityRole.GUARANTOR, {}),
            (gone, LiabilityRole.CO_OWNER, {"closed_at": clock.now()}),
        ):
            LiabilityFactory(receivable_id=receivable.id, payer_id=payer.id, role=role, **words)
        return {"id": receivable.id, "payer": anna.id, "email": UserFactory(acts_for=[anna]).email}


@pytest.fixture
def official(browse, tenant):
    """`official(role)`: a browser of an official of Lipowo."""

    def make(role):
        with tenant.session() as session, bound_to(session):
            email = OfficialFactory(has_roles=[role]).email
        browser = browse("lipowo")
        browser.sign_in(email, PASSWORD, office=True)
        browser.get(SWITCHES)
        return browser

    return make


def page(browse, slug, town):
    browser = browse(slug)
    browser.sign_in(town["email"], PASSWORD)
    return browser.get(f"/receivables/{town['id']}").text


def switch(tenant, on=True):
    with tenant.session() as session, bound_to(session):
        set_switch(session, SwitchName.NAME_CO_OWNERS, on=on, by=OfficialFactory().id)


def test_a_co_owner_is_told_how_many_and_not_who(browse, tenant):
    shown = page(browse, "lipowo", own(tenant))

    assert "2 inne osoby" in shown
    for name in ("Jan Nowak", "Piekarnia", "Tajna", "Sekretowo"):
        assert name not in shown


def test_where_the_gmina_says_so_names_roles_and_shares_are_shown_and_nothing_more(browse, tenant):
    town = own(tenant)
    switch(tenant)
    with tenant.session() as session:
        found = get_receivable(session, town["id"], payer_id=town["payer"], today=clock.today())
    assert found.co_owners == [
        CoOwner("Jan Nowak", LiabilityRole.CO_OWNER, "1/2"),
        CoOwner("Piekarnia", LiabilityRole.GUARANTOR, "1/1"),
        CoOwner("Jan Nowak", LiabilityRole.OWNER, "1/1"),
    ]

    shown = page(browse, "lipowo", town)

    assert "Jan Nowak" in shown
    assert "Piekarnia" in shown
    for secret in ("Tajna", "Sekretowo", "44051401359", "Dawny", "sprzed lat"):
        assert secret not in shown


def test_one_gmina_decides_nothing_for_another(browse, tenant, neighbour):
    there = own(neighbour)
    switch(tenant)

    shown = page(browse, "debina", there)

    assert "2 inne osoby" in shown
    assert "Jan Nowak" not in shown


def test_a_switch_that_is_taken_back_hides_them_again(browse, tenant):
    town = own(tenant)
    switch(tenant)
    switch(tenant, on=False)

    assert "Jan Nowak" not in page(browse, "lipowo", town)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.ACCOUNTANT])
def test_the_office_switches_it_and_the_trail_remembers(official, tenant, neighbour, role):
    browser = official(role)
    assert browser.post(SWITCHES, {"name_co_owners": "y"}).status_code == 303
    assert browser.post(SWITCHES, {"name_co_owners": "y"}).status_code == 303  # nothing changes

    assert states(tenant) == [True]
    assert states(neighbour) == []
    assert acts(tenant) == ["switch/name_co_owners"]
    assert " checked" in browser.get(SWITCHES).text
    assert browser.post(SWITCHES, {}).status_code == 303
    assert states(tenant) == [False]


def states(tenant):
    with tenant.session() as session:
        return list(session.scalars(select(Switch.is_on)))


def acts(tenant):
    with tenant.session() as session:
        return list(session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "switch.changed")))


def test_an_auditor_sees_how_it_stands_and_changes_nothing(official, tenant):
    browser = official(Role.AUDITOR)
    assert 'name="name_co_owners"' not in browser.text
    assert browser.post(SWITCHES, {"name_co_owners": "y"}).status_code == 404
    assert states(tenant) == []


def test_who_writes_texts_does_not_see_it(official):
    assert official(Role.COMMUNICATIONS).get(SWITCHES).status_code == 404
