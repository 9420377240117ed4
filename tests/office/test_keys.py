"""The page of an account's keys: tried at the gateway, kept for a second person, never shown."""

import pytest
from sqlalchemy import select

from skarbnik.audit.models import AuditEntry
from skarbnik.errors import ExternalSystemError, Misconfigured
from skarbnik.payments.models import MerchantAccount
from skarbnik.plugin_api import Role
from skarbnik.tenancy.plugin_settings import get_settings
from skarbnik_payu.gateway import PayuGateway

NEW = "n" * 32


@pytest.fixture
def account(tenant, pay):
    return pay(tenant)


@pytest.fixture
def gateway(monkeypatch):
    """What PayU says to the keys it is asked with."""

    def says(error=None):
        def check(self):
            if error is not None:
                raise error

        monkeypatch.setattr(PayuGateway, "check_access", check)

    says()
    return says


def enter(browser, account, **changes):
    words = {
        "pos_id": account.merchant,
        "client_id": account.merchant,
        "client_secret": "",
        "second_key": NEW,
        "base_url": "http://127.0.0.1:9",
    }
    browser.get(f"/office/gateways/{account.id}/keys")
    return browser.post(f"/office/gateways/{account.id}/keys", words | changes)


def now(tenant, account):
    with tenant.session() as session:
        return session.get_one(MerchantAccount, account.id)


def test_one_person_enters_keys_and_another_takes_them_up(official, tenant, account, gateway):
    first, second = official(Role.ADMINISTRATOR), official()
    sent = enter(first, account)
    page = first.get(sent.location).text

    assert "Nowe klucze czekają na drugą osobę" in page
    assert "take-up" not in page
    seen = {"proposal": str(now(tenant, account).proposal_id)}
    first.post(f"/office/gateways/{account.id}/keys/take-up", seen)
    assert now(tenant, account).settings_version == 1

    assert seen["proposal"] in second.get(sent.location).text
    for old in ({}, {"proposal": "2"}, {"proposal": str(account.id)}):
        second.post(f"/office/gateways/{account.id}/keys/take-up", old)
    assert now(tenant, account).settings_version == 1
    second.post(f"/office/gateways/{account.id}/keys/take-up", seen)
    assert (now(tenant, account).settings_version, now(tenant, account).proposal_id) == (2, None)
    with tenant.session() as session:
        wanted = select(AuditEntry.action).where(AuditEntry.action.like("%keys%")).order_by(AuditEntry.id)
        assert session.scalars(wanted).all() == [
            "merchant_account.keys_proposed",
            "merchant_account.keys_taken_up",
        ]


def test_secrets_are_on_no_page(official, tenant, account, gateway, payu_settings):
    browser = official()
    known = payu_settings()
    enter(browser, account)
    page = browser.get(f"/office/gateways/{account.id}/keys").text

    for secret in (known.client_secret, known.second_key, NEW, account.hook_secret):
        assert secret not in page
    assert known.pos_id in page


def test_a_secret_nobody_typed_stays_as_it_is(official, tenant, account, gateway, payu_settings):
    enter(official(), account)
    browser, waits = official(), now(tenant, account).proposal_id
    browser.get(f"/office/gateways/{account.id}/keys")
    browser.post(f"/office/gateways/{account.id}/keys/take-up", {"proposal": str(waits)})

    with tenant.session() as session:
        kept = get_settings(session, tenant, f"merchant:{account.id}", PayuGateway.settings_type, 2)
    assert (kept.client_secret, kept.second_key) == (payu_settings().client_secret, NEW)


@pytest.mark.parametrize("typed", [{}, {"client_secret": "s" * 32}, {"second_key": ""}])
def test_secrets_that_are_kept_are_sent_to_no_other_address_than_theirs(official, tenant, account, monkeypatch, typed):
    """Else one person alone reads them: an address of their own, and the secrets left out."""
    asked = []
    monkeypatch.setattr(PayuGateway, "check_access", lambda self: asked.append(self))
    words = {"base_url": "https://thief.example", "second_key": ""} | typed

    page = enter(official(), account, **words)

    assert page.status_code == 422
    assert asked == []
    assert now(tenant, account).proposal_id is None


def test_another_address_is_taken_with_all_secrets_typed_anew(official, tenant, account, gateway):
    enter(official(), account, base_url="https://secure.snd.payu.com", client_secret="s" * 32)

    assert now(tenant, account).proposal_id is not None


def test_the_second_person_sees_where_payers_would_be_sent_and_no_secret(official, tenant, account, gateway):
    enter(official(), account, base_url="https://thief.example", client_secret="s" * 32)

    page = official().get(f"/office/gateways/{account.id}/keys").text

    assert "https://thief.example" in page
    assert "s" * 32 not in page
    assert NEW not in page


def test_keys_the_gateway_does_not_take_are_not_kept(official, tenant, account, gateway):
    gateway(Misconfigured("no"))

    page = enter(official(), account)

    assert page.status_code == 422
    assert "Bramka nie przyjmuje tych kluczy" in page.text
    assert now(tenant, account).proposal_id is None


def test_a_gateway_that_is_away_does_not_keep_anybody_from_proposing(official, tenant, account, gateway):
    gateway(ExternalSystemError("away"))

    assert enter(official(), account).status_code == 303
    assert now(tenant, account).proposal_id is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pos_id": "999999"}, "innego konta"),
        ({"second_key": "short"}, "w innej postaci"),
        ({"pos_id": ""}, "Wypełnij to pole"),
        ({"second_key": "", "client_secret": ""}, "ma już te klucze"),
        ({"base_url": "http://evil.example"}, "w innej postaci"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(official, tenant, account, gateway, changes, said):
    page = enter(official(), account, **changes)

    assert page.status_code == 422
    assert said in page.text
    assert now(tenant, account).proposal_id is None


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.COMMUNICATIONS])
def test_who_may_not_change_keys_finds_no_page(official, account, gateway, role):
    assert official(role).get(f"/office/gateways/{account.id}/keys").status_code == 404
