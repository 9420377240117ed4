"""Accounts at gateways as the office sees them: names and costs, and no keys."""

import pytest
from sqlalchemy import select

from skarbnik.audit.models import AuditEntry
from skarbnik.money import Money
from skarbnik.payments.models import MerchantAccount
from skarbnik.payments.states import CommissionPayer
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import bound_to

GOOD = {"title": "PayU: karta i BLIK", "enabled": "y", "blik": "y", "payer": "payer", "rate": "0,99", "fixed": "0,05"}


@pytest.fixture
def account(tenant, open_account):
    with tenant.session() as session, bound_to(session):
        return open_account(session, tenant)


def kept(tenant):
    with tenant.session() as session:
        return session.scalars(select(MerchantAccount)).one()


def test_the_office_says_who_bears_what_a_gateway_takes(official, account, tenant):
    browser = official(Role.ACCOUNTANT)
    browser.get(f"/office/gateways/{account.id}")
    assert browser.post(f"/office/gateways/{account.id}", GOOD).status_code == 303

    found = kept(tenant)
    assert (found.title, found.enabled, found.blik) == ("PayU: karta i BLIK", True, True)
    assert (found.commission_payer, found.commission_rate) == (CommissionPayer.PAYER, 99)
    assert found.commission_fixed == Money(5)
    listed = browser.get("/office/gateways").text
    assert "0,99\u00a0%" in listed
    assert "1,04\u00a0zł" in listed  # of 100 zł
    with tenant.session() as session:
        assert "merchant_account.changed" in session.scalars(select(AuditEntry.action)).all()


def test_keys_of_a_gateway_are_not_shown(official, account, tenant):
    browser = official(Role.ADMINISTRATOR)
    pages = browser.get("/office/gateways").text + browser.get(f"/office/gateways/{account.id}").text

    assert account.merchant in pages
    for secret in ("s" * 32, "b6ca15b0d1020e8094d9b5f8d163db54", account.hook_secret):
        assert secret not in pages


@pytest.mark.parametrize(
    "changes",
    [
        {"rate": "-1"},
        {"rate": "0,999"},
        {"rate": "11"},
        {"rate": "x"},
        {"fixed": "10,01"},
        {"fixed": "-0,05"},
        {"fixed": "0,055"},
        {"fixed": "a lot"},
        {"title": ""},
        {"title": "x" * 81},
        {"payer": "nobody"},
        {"payer": ""},
    ],
)
def test_what_cannot_be_meant_is_asked_again_with_what_was_typed(official, account, tenant, changes):
    browser = official(Role.ACCOUNTANT)
    browser.get(f"/office/gateways/{account.id}")
    answer = browser.post(f"/office/gateways/{account.id}", GOOD | changes)

    assert answer.status_code == 422
    assert kept(tenant).title == "PayU"
    assert 'id="errors"' in answer.text


def test_nothing_typed_is_no_commission(official, account, tenant):
    browser = official(Role.ACCOUNTANT)
    browser.get(f"/office/gateways/{account.id}")
    browser.post(f"/office/gateways/{account.id}", GOOD | {"rate": "", "fixed": ""})

    assert (kept(tenant).commission_rate, kept(tenant).commission_fixed) == (0, Money(0))


@pytest.mark.parametrize(("role", "sees", "changes"), [(Role.AUDITOR, 200, 404), (Role.COMMUNICATIONS, 404, 404)])
def test_who_only_reads_changes_nothing(official, account, tenant, role, sees, changes):
    browser = official(role)

    assert browser.get("/office/gateways").status_code == sees
    assert browser.post(f"/office/gateways/{account.id}", GOOD).status_code == changes
    assert kept(tenant).title == "PayU"


def test_an_account_that_is_switched_off_is_offered_to_nobody(official, account, tenant):
    browser = official(Role.ACCOUNTANT)
    browser.get(f"/office/gateways/{account.id}")
    browser.post(f"/office/gateways/{account.id}", {name: value for name, value in GOOD.items() if name != "enabled"})

    assert not kept(tenant).enabled
