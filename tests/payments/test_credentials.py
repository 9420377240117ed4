"""Keys of an account at a gateway: nobody changes them alone, and old money goes on with the old ones."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from skarbnik.crypto import CannotOpen
from skarbnik.errors import Conflict, Forbidden, Invalid, NotFound
from skarbnik.payments.credentials import (
    AnotherAccount,
    drop_credentials,
    list_versions,
    propose_credentials,
    take_up_credentials,
)
from skarbnik.payments.models import MerchantAccount, Transaction
from skarbnik.tenancy.models import PluginSettings
from skarbnik.tenancy.plugin_settings import get_settings
from skarbnik.testing.factories import OfficialFactory, bound_to
from skarbnik_payu.gateway import PayuGateway


@pytest.fixture
def account(tenant, pay):
    return pay(tenant)


@pytest.fixture
def people(tenant):
    with tenant.session() as session, bound_to(session):
        return OfficialFactory().id, OfficialFactory().id


@pytest.fixture
def propose(tenant, account, payu_settings, people):
    def make(second_key="n" * 32, **more):
        with tenant.session() as session:
            settings = payu_settings(second_key=second_key, **more)
            return propose_credentials(session, tenant, account.id, PayuGateway, settings, by=people[0])

    return make


@pytest.fixture
def take_up(tenant, account, people):
    def make(proposal_id, by=1):
        with tenant.session() as session:
            return take_up_credentials(session, tenant, account.id, PayuGateway, proposal_id=proposal_id, by=people[by])

    return make


def now(tenant, account):
    with tenant.session() as session:
        return session.get_one(MerchantAccount, account.id)


def test_proposed_keys_are_used_by_nobody_until_another_person_takes_them_up(tenant, account, propose, take_up):
    proposal_id = propose().proposal_id
    assert now(tenant, account).settings_version == 1

    with pytest.raises(Forbidden):
        take_up(proposal_id, by=0)
    assert now(tenant, account).settings_version == 1

    take_up(proposal_id)
    after = now(tenant, account)
    assert after.settings_version == 2
    assert (after.proposal_id, after.proposed_keys, after.proposed_by, after.proposed_at) == (None,) * 4


def test_what_was_begun_goes_on_with_the_keys_it_was_begun_with(tenant, account, propose, take_up, payu_settings):
    take_up(propose().proposal_id)

    with tenant.session() as session:
        begun = session.get_one(Transaction, account.paid.id)
        version = begun.settings_version
        kept = get_settings(session, tenant, f"merchant:{account.id}", PayuGateway.settings_type, version)
    assert kept == payu_settings()


def test_keys_of_another_account_are_not_even_kept(tenant, account, propose):
    with pytest.raises(AnotherAccount):
        propose(pos_id="999999")

    with tenant.session() as session:
        assert session.scalar(select(func.count()).select_from(PluginSettings)) == 1


def test_keys_that_are_the_same_are_no_proposal(tenant, account, payu_settings, people):
    with tenant.session() as session, pytest.raises(Invalid, match="has"):
        propose_credentials(session, tenant, account.id, PayuGateway, payu_settings(), by=people[0])


def test_keys_nobody_wanted_are_forgotten(tenant, account, propose, take_up):
    proposal_id = propose().proposal_id
    with tenant.session() as session:
        drop_credentials(session, account.id)

    with pytest.raises(Conflict):
        take_up(proposal_id)
    with tenant.session() as session, pytest.raises(Conflict):
        drop_credentials(session, account.id)
    assert now(tenant, account).proposed_keys is None


def test_a_second_proposal_takes_the_place_of_the_first_and_an_old_page_takes_up_nothing(
    tenant, account, propose, take_up
):
    seen, waits = propose("a" * 32).proposal_id, propose("b" * 32).proposal_id

    with pytest.raises(Conflict):
        take_up(seen)
    take_up(waits)
    with tenant.session() as session:
        kept = get_settings(session, tenant, f"merchant:{account.id}", PayuGateway.settings_type)
    assert kept.second_key == "b" * 32


def test_the_history_says_who_entered_which_keys_and_no_more(tenant, account, propose, take_up, people):
    take_up(propose().proposal_id)
    propose("o" * 32)  # waits, and is nobody's yet

    with tenant.session() as session:
        versions = list_versions(session, now(tenant, account))
    assert [(each.number, each.by) for each in versions] == [(2, people[0]), (1, None)]


def test_a_notification_signed_with_keys_that_were_never_taken_up_is_forged(
    tenant, app, account, propose, take_up, notify
):
    client = app.test_client()
    propose("a" * 32)
    assert notify(client, "lipowo", account, key="a" * 32).status_code == 400
    take_up(propose("b" * 32).proposal_id)

    assert notify(client, "lipowo", account, key="a" * 32).status_code == 400
    assert notify(client, "lipowo", account, status="PENDING", key="b" * 32).status_code == 200
    assert notify(client, "lipowo", account, status="NEW").status_code == 200  # of the first, which were in use


def test_keys_proposed_for_one_account_cannot_be_moved_to_another(tenant, propose, open_account, people):
    """They are sealed to their place: whoever can write rows still cannot make them anybody else's."""
    proposal = propose()
    with tenant.session() as session, bound_to(session):
        other = open_account(session, tenant, pos_id="300747")
        other.proposal_id, other.proposed_keys = proposal.proposal_id, proposal.proposed_keys
        other.proposed_by, other.proposed_at = proposal.proposed_by, proposal.proposed_at

    with tenant.session() as session, pytest.raises(CannotOpen):
        take_up_credentials(session, tenant, other.id, PayuGateway, proposal_id=proposal.proposal_id, by=people[1])


def test_an_account_of_the_neighbour_does_not_exist(neighbour, account, payu_settings, people):
    settings = replace(payu_settings(), second_key="n" * 32)
    with neighbour.session() as session, pytest.raises(NotFound):
        propose_credentials(session, neighbour, account.id, PayuGateway, settings, by=people[0])
