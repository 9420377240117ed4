"""BLIK with a code typed on our page: charged once, said why it was refused, and never two attempts at a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from skarbnik import clock
from skarbnik.errors import ExternalSystemError, OutcomeUnknown
from skarbnik.money import Money
from skarbnik.payments import gateways, starting, tasks
from skarbnik.payments.models import MerchantAccount, PaymentOrder, Transaction
from skarbnik.payments.ordering import BLIK_TIME, open_transaction
from skarbnik.payments.services import record_report
from skarbnik.payments.states import CommissionPayer, PaymentOrderState
from skarbnik.plugin_api import BlikProblem, BlikRefused, GatewayReport, StartedPayment, TransactionState
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    PayerFactory,
    UserFactory,
    bound_to,
    report_on,
)
from skarbnik_payu.gateway import PayuGateway

CODE = "777123"


@pytest.fixture
def asked(monkeypatch):
    """What the gateway was asked to start. `answer` is given back, or raised."""
    said = []

    def start(_self, request):
        said.append(request)
        answer = start.answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    start.answer = StartedPayment("PAYU-1", None)
    monkeypatch.setattr(PayuGateway, "start", start)
    gateways._open.clear()
    said_and = type("Asked", (), {"requests": said, "answers": lambda _self, answer: setattr(start, "answer", answer)})
    return said_and()


@pytest.fixture
def town(tenant, open_account):
    """Anna owes 100,00, which a PayU that takes codes on our page receives."""
    with tenant.session() as session, bound_to(session):
        anna = PayerFactory()
        own = InstalmentFactory(payer=anna)
        open_account(session, tenant, own.receivable.kind.creditor_account).blik = True
        user = UserFactory(acts_for=[anna])
    return {"user": user, "own": own}


@pytest.fixture
def anna(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["user"].email, PASSWORD)
    browser.get("/acting")
    return browser


def form(town, **more):
    words = {"i": str(town["own"].id), "p": "10000", "n": "0", "k": "0"}
    return {"request_key": str(uuid4())} | words | more


def attempts(tenant):
    with tenant.session() as session:
        return session.scalars(select(Transaction).order_by(Transaction.created_at)).all()


def order_of(tenant):
    with tenant.session() as session:
        return session.scalars(select(PaymentOrder)).one()


def test_a_code_begins_the_payment_and_the_page_waits_for_the_bank(anna, town, tenant, asked):
    answer = anna.post("/payments", form(town, blik="777 123"))

    (request,) = asked.requests
    (transaction,) = attempts(tenant)
    assert request.blik_code == CODE
    assert answer.location == f"/payments/{order_of(tenant).number}"
    assert (transaction.state, transaction.is_blik, transaction.redirect_url) == (TransactionState.PENDING, True, None)
    page = anna.get(answer.location).text
    assert "data-waits" in page
    assert 'name="rest"' not in page  # nobody begins another payment meanwhile


def test_a_code_is_kept_nowhere(anna, town, tenant, asked, capsys):
    anna.post("/payments", form(town, blik=CODE))

    assert CODE not in repr(asked.requests[0])
    said = capsys.readouterr()
    assert CODE not in said.out + said.err
    with tenant.session() as session:
        for (table,) in session.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        ).all():
            found = session.execute(
                text(f"SELECT count(*) FROM {table} t WHERE t::text LIKE :code"), {"code": f"%{CODE}%"}
            ).scalar_one()
            assert found == 0, table


@pytest.mark.parametrize("typed", ["12345", "1234567", "abcdef", "12 34", "٧٧٧١٢٣", "77712\x003"])
def test_what_is_no_code_is_asked_again_and_nothing_is_ordered(anna, town, tenant, asked, typed):
    answer = anna.post("/payments", form(town, blik=typed))

    assert answer.status_code == 422
    assert 'id="blik-error"' in answer.text
    assert asked.requests == []
    with tenant.session() as session:
        assert session.scalars(select(PaymentOrder)).all() == []


def test_a_gateway_that_was_not_allowed_to_takes_no_codes(anna, town, tenant, asked):
    with tenant.session() as session:
        session.scalars(select(MerchantAccount)).one().blik = False
    page = anna.get(f"/payments/new?i={town['own'].id}").text
    assert 'name="blik"' not in page

    assert anna.post("/payments", form(town, blik=CODE)).status_code == 422
    assert asked.requests == []


def test_where_the_payer_bears_the_commission_the_code_is_typed_at_the_gateway(anna, town, tenant, asked):
    """Only there it can be added."""
    with tenant.session() as session:
        session.scalars(select(MerchantAccount)).one().commission_payer = CommissionPayer.PAYER

    assert 'name="blik"' not in anna.get(f"/payments/new?i={town['own'].id}").text
    assert anna.post("/payments", form(town, blik=CODE)).status_code == 422
    assert asked.requests == []


@pytest.mark.parametrize("problem", list(BlikProblem))
def test_a_refused_code_says_why_and_another_may_be_tried(anna, town, tenant, asked, problem):
    asked.answers(BlikRefused(problem, "PAYU-1"))
    answer = anna.post("/payments", form(town, blik=CODE))

    (transaction,) = attempts(tenant)
    assert (transaction.state, transaction.external_id) == (TransactionState.REJECTED, "PAYU-1")
    assert transaction.answer == f"blik {problem}"
    page = anna.get(answer.location)
    assert 'class="note wrong"' in page.text
    assert 'name="blik"' in page.text

    asked.answers(StartedPayment("PAYU-2", None))
    anna.post(f"{answer.location}/pay", {"rest": "10000", "blik": CODE})
    assert [each.state for each in attempts(tenant)] == [TransactionState.REJECTED, TransactionState.PENDING]


def test_each_problem_has_words_of_its_own(anna, town, tenant, asked):
    said = set()
    for problem in (
        BlikProblem.WRONG,
        BlikProblem.EXPIRED,
        BlikProblem.CANCELLED,
        BlikProblem.USED,
        BlikProblem.NOT_HERE,
    ):
        asked.answers(BlikRefused(problem))
        page = anna.get(anna.post("/payments", form(town, blik=CODE)).location).text
        said.add(page.partition('class="note wrong"')[2].partition("</strong>")[0])
    assert len(said) == 5


def test_after_a_refused_code_the_page_of_the_gateway_is_still_there(anna, town, tenant, asked):
    asked.answers(BlikRefused(BlikProblem.USED))
    page = anna.post("/payments", form(town, blik=CODE)).location
    asked.answers(StartedPayment("PAYU-2", "https://payu.example/page"))
    answer = anna.post(f"{page}/pay", {"rest": "10000", "blik": ""})

    assert answer.location == f"{page}/go"
    assert [each.is_blik for each in attempts(tenant)] == [True, False]
    assert asked.requests[1].blik_code is None


def test_a_time_out_stays_unknown_and_nothing_else_is_begun_meanwhile(anna, town, tenant, asked):
    asked.answers(OutcomeUnknown("no answer"))
    page = anna.post("/payments", form(town, blik=CODE)).location
    assert [each.state for each in attempts(tenant)] == [TransactionState.UNKNOWN]
    assert 'name="rest"' not in anna.get(page).text

    anna.post(f"{page}/pay", {"rest": "10000", "blik": "777999"})
    assert len(attempts(tenant)) == 1
    assert len(asked.requests) == 1


def test_a_call_that_surely_failed_is_no_payment(anna, town, tenant, asked):
    asked.answers(ExternalSystemError("no connection"))
    page = anna.post("/payments", form(town, blik=CODE)).location

    assert order_of(tenant).state is PaymentOrderState.ABANDONED
    assert 'name="blik"' in anna.get(page).text


def test_the_same_form_twice_charges_the_code_once(anna, town, tenant, asked):
    fields = form(town, blik=CODE)
    for _ in range(2):
        anna.post("/payments", fields)

    assert len(asked.requests) == 1
    assert len(attempts(tenant)) == 1


def test_of_two_that_start_one_attempt_at_once_only_one_calls_the_gateway(tenant, town, asked, anna):
    asked.answers(OutcomeUnknown("no answer"))
    anna.post("/payments", form(town, blik=CODE))
    with tenant.session() as session:
        session.connection().exec_driver_sql("UPDATE transactions SET state = 'created'")
        transaction_id = session.scalars(select(Transaction.id)).one()
    asked.requests.clear()

    caller = starting.Caller(blik_code=CODE)
    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(starting.start, tenant, transaction_id, caller=caller) for _ in range(2)]:
            each.result()
    assert len(asked.requests) == 1


def test_until_the_gateway_says_what_became_of_a_code_another_attempt_is_the_same_one(anna, town, tenant, asked):
    anna.post("/payments", form(town, blik=CODE))
    with tenant.session() as session:
        made = session.scalars(select(PaymentOrder)).one()
        account = session.scalars(select(MerchantAccount)).one()
        (first,) = made.transactions
        assert open_transaction(session, made, account).id == first.id
        with clock.stopped_at(clock.now() + BLIK_TIME + timedelta(seconds=1)):
            assert open_transaction(session, made, account).id == first.id
        record_report(session, first.id, report_on(first, "PAYU-1", state=TransactionState.REJECTED))
        assert open_transaction(session, made, account).id != first.id


def test_while_the_gateway_is_silent_about_a_code_nothing_else_is_begun(anna, town, tenant, asked, monkeypatch):
    def cancel(_self, _key):
        raise ExternalSystemError("no connection")

    monkeypatch.setattr(PayuGateway, "cancel", cancel)
    page = anna.post("/payments", form(town, blik=CODE)).location
    with tenant.session() as session:
        session.connection().exec_driver_sql("UPDATE transactions SET created_at = created_at - interval '4 minutes'")

    assert anna.post(f"{page}/pay", {"rest": "10000"}).location == page
    assert len(attempts(tenant)) == len(asked.requests) == 1
    assert 'class="note warn"' in anna.get(page).text


def test_an_attempt_nobody_confirmed_is_given_up_after_its_time(anna, town, tenant, asked, monkeypatch):
    given_up = []

    def cancel(_self, key):
        given_up.append(key)
        with tenant.session() as session:
            transaction = session.get_one(Transaction, key.transaction_id)
            return report_on(transaction, "PAYU-1", state=TransactionState.REJECTED)

    monkeypatch.setattr(PayuGateway, "cancel", cancel)
    page = anna.post("/payments", form(town, blik=CODE)).location
    anna.post(f"{page}/pay", {"rest": "10000"})
    assert given_up == []

    with tenant.session() as session:
        session.connection().exec_driver_sql("UPDATE transactions SET created_at = created_at - interval '4 minutes'")
    asked.answers(StartedPayment("PAYU-2", "https://payu.example/page"))
    assert anna.post(f"{page}/pay", {"rest": "10000"}).location == f"{page}/go"
    assert len(given_up) == 1


def test_a_confirmed_code_is_captured_as_any_payment(anna, town, tenant, asked):
    page = anna.post("/payments", form(town, blik=CODE)).location
    (transaction,) = attempts(tenant)
    with tenant.session() as session:
        record_report(session, transaction.id, report_on(session.get_one(Transaction, transaction.id)))

    assert order_of(tenant).state is PaymentOrderState.PAID
    assert 'name="rest"' not in anna.get(page).text


def test_money_that_comes_after_a_refusal_is_kept(anna, town, tenant, asked):
    asked.answers(BlikRefused(BlikProblem.EXPIRED, "PAYU-1"))
    anna.post("/payments", form(town, blik=CODE))
    (transaction,) = attempts(tenant)
    with tenant.session() as session:
        record_report(session, transaction.id, report_on(session.get_one(Transaction, transaction.id)))
    assert order_of(tenant).state is PaymentOrderState.PAID


def test_an_attempt_whose_process_died_before_the_call_is_found_out_without_the_code(
    anna, town, tenant, asked, monkeypatch
):
    """The code is gone with the process. The poller learns that the gateway has nothing, and nobody is charged."""
    asked.answers(OutcomeUnknown("the process died"))
    anna.post("/payments", form(town, blik=CODE))
    (transaction,) = attempts(tenant)
    unknown = GatewayReport(transaction.id, "", Money(0), "PLN", state=TransactionState.UNKNOWN)
    monkeypatch.setattr(PayuGateway, "fetch", lambda _self, _key: unknown)
    asked.answers(StartedPayment("PAYU-1", "https://payu.example/page"))
    tasks.ask(tenant, transaction.id)

    assert [each.blik_code for each in asked.requests] == [CODE, None]
    assert [each.state for each in attempts(tenant)] == [TransactionState.UNKNOWN]
    assert attempts(tenant)[0].redirect_url is None
