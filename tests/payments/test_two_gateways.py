"""Where two gateways receive the same money the payer chooses; an attempt that is open goes on before any choice."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.errors import ExternalSystemError, Misconfigured, Nonsense, OutcomeUnknown, Refused
from skarbnik.http import BreakerOpen
from skarbnik.payments import starting
from skarbnik.payments.accounts import open_merchant_account
from skarbnik.payments.models import Transaction
from skarbnik.payments.queries import list_silent
from skarbnik.payments.services import mark_not_started, mark_started
from skarbnik.plugin_api import StartedPayment
from skarbnik.testing.factories import PASSWORD, InstalmentFactory, PayerFactory, UserFactory, bound_to
from skarbnik_przelewy24.gateway import Przelewy24Gateway
from skarbnik_przelewy24.settings import Przelewy24Settings

OTHER_KEY = "6f1c6f7e-7b0d-4a55-9f8e-0c3f3a1d2b4d"
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


SILENT = [
    ExternalSystemError("no connection"),
    Misconfigured("wrong keys"),
    Nonsense("a page of HTML"),
    BreakerOpen("given a rest"),
]


class Gateway:
    """A gateway that fails in one way, or takes what it is asked."""

    def __init__(self, error):
        self.error = error

    def start(self, request):
        if self.error is not None:
            raise self.error
        return StartedPayment(external_id=request.transaction_id.hex, redirect_url="https://p.example/")


@pytest.fixture
def payu_answers(monkeypatch):
    """PayU fails so; Przelewy24 takes every attempt."""

    def make(error):
        monkeypatch.setattr(
            starting,
            "open_gateway",
            lambda tenant, account, version: Gateway(error if account.gateway == "payu" else None),
        )

    return make


@pytest.mark.parametrize("error", SILENT, ids=lambda error: type(error).__name__)
def test_who_met_a_silent_gateway_is_led_to_the_other_one(anna, town, payu_answers, error):
    payu_answers(error)
    number = anna.post("/payments", form(town[1])).headers["Location"].rpartition("/")[2]
    page = anna.get(f"/payments/{number}").get_data(as_text=True)
    assert CHOICE.findall(page) == [("przelewy24", " checked"), ("payu", "")]
    assert "PayU nie odpowiada w tej chwili" in page
    assert "Bramka PayU nie przyjęła płatności" in page
    assert "Przekazano do PayU" not in page


def test_the_next_payer_is_led_past_a_silent_gateway_beforehand(anna, town, tenant, payu_answers):
    payu_answers(ExternalSystemError("no connection"))
    anna.post("/payments", form(town[1]))
    assert CHOICE.findall(anna.get(f"/payments/new?i={town[1].id}").get_data(as_text=True)) == [
        ("przelewy24", " checked"),
        ("payu", ""),
    ]
    anna.post("/payments", form(town[1], key=OTHER_KEY))
    assert tried(tenant) == ["payu", "przelewy24"]


def test_who_chooses_a_silent_gateway_all_the_same_is_sent_there(anna, town, tenant, payu_answers):
    payu_answers(BreakerOpen("given a rest"))
    anna.post("/payments", form(town[1]))
    anna.post("/payments", form(town[1], gateway="payu"))
    assert tried(tenant) == ["payu", "payu"]


@pytest.mark.parametrize("error", [Refused("no such amount"), None], ids=["refused", "taken"])
def test_a_gateway_that_answers_is_not_called_silent(anna, town, payu_answers, error):
    payu_answers(error)
    anna.post("/payments", form(town[1]))
    page = anna.get(f"/payments/new?i={town[1].id}").get_data(as_text=True)
    assert [gateway for gateway, _ in CHOICE.findall(page)] == ["payu", "przelewy24"]
    assert "nie odpowiada" not in page


def test_an_answer_ends_the_silence_and_so_does_time(anna, town, tenant, payu_answers):
    with tenant.session() as session:
        payu_answers(ExternalSystemError("no connection"))
        anna.post("/payments", form(town[1]))
        assert len(list_silent(session, clock.now())) == 1
        assert list_silent(session, clock.now() + timedelta(minutes=6)) == set()
    payu_answers(None)
    anna.post("/payments", form(town[1], gateway="payu"))
    with tenant.session() as session:
        assert list_silent(session, clock.now()) == set()


def test_an_attempt_nobody_knows_the_end_of_is_waited_for_before_any_other_gateway(anna, town, tenant, payu_answers):
    payu_answers(OutcomeUnknown("timed out"))
    number = anna.post("/payments", form(town[1])).headers["Location"].rpartition("/")[2]
    assert CHOICE.findall(anna.get(f"/payments/{number}").get_data(as_text=True)) == []
    anna.post("/payments", form(town[1], gateway="przelewy24"))
    assert set(tried(tenant)) == {"payu"}


def test_the_silence_of_one_gmina_is_nothing_in_another(anna, town, neighbour, payu_answers):
    payu_answers(ExternalSystemError("no connection"))
    anna.post("/payments", form(town[1]))
    with neighbour.session() as session:
        assert list_silent(session, clock.now()) == set()
