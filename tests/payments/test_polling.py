"""When a gateway is asked what became of a payment."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik import clock
from skarbnik.payments import gateways, tasks
from skarbnik.payments.models import Transaction
from skarbnik.payments.services import next_question
from skarbnik.plugin_api import Misconfigured, TransactionState
from skarbnik.receivables.models import CreditorAccount
from skarbnik.testing.factories import report_on

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
OPEN = [state for state in TransactionState if state is not TransactionState.COMPLETED]


def asked_at(age, state=TransactionState.PENDING):
    with clock.stopped_at(START + age):
        return next_question(Transaction(state=state, created_at=START))


@pytest.mark.parametrize("state", OPEN)
def test_a_payment_is_asked_about_after_1_5_and_15_minutes_then_hourly_then_daily(state):
    age, ages = timedelta(0), []
    while (moment := asked_at(age, state)) is not None:
        age = moment - START
        ages.append(age)

    minutes = [each / timedelta(minutes=1) for each in ages]
    assert minutes[:4] == [1, 5, 15, 30]
    steps = [later - earlier for earlier, later in pairwise(ages[3:])]
    assert steps == [timedelta(hours=1)] * 24 + [timedelta(days=1)] * 29
    assert timedelta(days=29) < ages[-1] < timedelta(days=31)


@given(st.timedeltas(timedelta(0), timedelta(days=60)), st.sampled_from(OPEN))
def test_the_next_question_always_lies_ahead(age, state):
    moment = asked_at(age, state)

    assert (moment is None) == (age >= timedelta(days=30))
    assert moment is None or moment > START + age


def test_captured_money_ends_the_questions():
    assert asked_at(timedelta(minutes=2), TransactionState.COMPLETED) is None


def test_a_payment_started_with_credentials_that_were_changed_since_is_found_with_the_new_ones(
    tenant, pay, open_account, monkeypatch
):
    account = pay(tenant)
    with tenant.session() as session:
        creditor_account = session.get_one(CreditorAccount, account.creditor_account_id)
        open_account(session, tenant, creditor_account, second_key="c" * 32)
    report = report_on(account.paid, account.paid.external_id)

    class Gateway:
        def __init__(self, version):
            self.version = version

        def fetch(self, key):
            if self.version == 1:
                raise Misconfigured("the old secret is not taken any more")
            return report

    monkeypatch.setattr(
        gateways,
        "open_gateway",
        lambda tenant, account, version=None: Gateway(version or account.settings_version),
    )
    tasks.ask(tenant, account.paid.id)

    with tenant.session() as session:
        assert session.get_one(Transaction, account.paid.id).state is TransactionState.COMPLETED
