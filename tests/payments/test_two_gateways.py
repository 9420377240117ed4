"""Where two gateways receive the same money the payer chooses; an attempt that is open goes on before any choice."""

import re

import pytest
from sqlalchemy import select

from skarbnik.payments import starting
from skarbnik.payments.accounts import open_merchant_account
from skarbnik.payments.models import Transaction
from skarbnik.payments.services import mark_not_started, mark_started
from skarbnik.testing.factories import PASSWORD, InstalmentFactory, PayerFactory, UserFactory, bound_to
from skarbnik_przelewy24.gateway import Przelewy24Gateway
from skarbnik_przelewy24.settings import Przelewy24Settings

CHOICE = re.compile(r'<input type="radio" name="gateway" id="gateway-\w+" value="(\w+)"( checked)?>')


@pytest.fixture
def town(tenant, open_account):
    """Anna owes one instalment, which PayU and Przelewy24 both receive."""
    with tenant.session() as session, bound_to(session):
        anna = PayerFactory()
        user = UserFactory(acts_for=[anna])
        own = InstalmentFactory(payer=anna)
        account = own.receivable.kind.creditor_account
        open_account(session, tenant, account)
        keys = Przelewy24Settings("99001", "99001", "a" * 32, "c" * 16, "u@lipowo.pl", base_url="http://127.0.0.1:9")
        open_merchant_account(
            session, tenant, Przelewy24Gateway, keys, title="Przelewy24", creditor_account_id=account.id
        )
    return user, own


@pytest.fixture
def anna(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town[0].email, PASSWORD)
    browser.get("/acting")
    return browser


@pytest.fixture
def gateways_answer(monkeypatch):
    """Every attempt is taken by its gateway, or none is."""

    def make(taken):
        def start(tenant, transaction_id, *, caller):
            with tenant.session() as session:
                if taken:
                    mark_started(
                        session, transaction_id, external_id=transaction_id.hex, redirect_url="https://p.example/"
                    )
                else:
                    mark_not_started(session, transaction_id, answer="Refused")
            with tenant.session() as session:
                return session.get_one(Transaction, transaction_id)

        monkeypatch.setattr(starting, "start", start)

    return make


def form(own, key="6f1c6f7e-7b0d-4a55-9f8e-0c3f3a1d2b4c", **more):
    amounts = {"p": own.principal, "n": own.interest, "k": own.costs}
    return {"request_key": key, "i": str(own.id)} | {name: str(a.grosze) for name, a in amounts.items()} | more


def tried(tenant):
    with tenant.session() as session:
        found = session.scalars(select(Transaction).order_by(Transaction.created_at)).all()
        return [each.merchant_account.gateway for each in found]


def test_both_are_offered_and_the_older_account_is_chosen_beforehand(anna, town):
    page = anna.get(f"/payments/new?i={town[1].id}").get_data(as_text=True)
    assert CHOICE.findall(page) == [("payu", " checked"), ("przelewy24", "")]


def test_there_is_no_choice_where_one_gateway_is_switched_off(anna, town, tenant):
    with tenant.session() as session:
        session.connection().exec_driver_sql("UPDATE merchant_accounts SET enabled = false WHERE gateway = 'payu'")
    page = anna.get(f"/payments/new?i={town[1].id}").get_data(as_text=True)
    assert CHOICE.findall(page) == []
    assert "Przelewy24" in page


@pytest.mark.parametrize(
    ("more", "gateway"),
    [
        ({}, "payu"),
        ({"gateway": "payu"}, "payu"),
        ({"gateway": "przelewy24"}, "przelewy24"),
        ({"gateway": "nobody"}, "payu"),
        ({"gateway": ""}, "payu"),
    ],
)
def test_the_payer_is_sent_where_the_payer_chose(anna, town, tenant, gateways_answer, more, gateway):
    gateways_answer(taken=True)
    assert anna.post("/payments", form(town[1], **more)).status_code == 303
    assert tried(tenant) == [gateway]


def test_the_form_sent_again_with_another_choice_goes_on_with_the_open_attempt(anna, town, tenant, gateways_answer):
    gateways_answer(taken=True)
    anna.post("/payments", form(town[1], gateway="przelewy24"))
    anna.post("/payments", form(town[1], gateway="payu"))
    assert tried(tenant) == ["przelewy24"]


def test_after_an_attempt_that_failed_the_other_gateway_may_be_chosen(anna, town, tenant, gateways_answer):
    gateways_answer(taken=False)
    anna.post("/payments", form(town[1], gateway="przelewy24"))
    anna.post("/payments", form(town[1], gateway="payu"))
    assert tried(tenant) == ["przelewy24", "payu"]


def test_trying_again_without_a_choice_goes_to_the_gateway_of_the_last_time(anna, town, tenant, gateways_answer):
    gateways_answer(taken=False)
    anna.post("/payments", form(town[1], gateway="przelewy24"))
    anna.post("/payments", form(town[1]))
    assert tried(tenant) == ["przelewy24", "przelewy24"]
