"""A resident takes the confirmation of what they paid; of what they did not there is none."""

import io
import re

import pypdf
import pytest

from skarbnik.money import Amounts, Money
from skarbnik.payments.models import BookingLine
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, PaymentOrderState
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    OrderLineFactory,
    PayerFactory,
    PaymentOrderFactory,
    TransactionFactory,
    UserFactory,
    bound_to,
    report_on,
)


@pytest.fixture
def town(tenant):
    """Anna ordered a tax; nothing came yet."""
    with tenant.session() as session, bound_to(session):
        anna = PayerFactory(name="Kowalska Anna")
        instalment = InstalmentFactory(payer=anna, principal=Money(10_000), interest=Money(300))
        order = PaymentOrderFactory(payer_id=anna.id, amount=Money(10_300), state=PaymentOrderState.STARTED)
        OrderLineFactory(
            order=order,
            instalment=instalment,
            payer_id=anna.id,
            creditor_account_id=instalment.receivable.kind.creditor_account_id,
            principal=Money(10_000),
            interest=Money(300),
        )
        transaction = TransactionFactory(started=True, order=order, instalment=instalment, amount=Money(10_300))
        return {
            "email": UserFactory(acts_for=[anna]).email,
            "other": UserFactory(acts_for=[PayerFactory()]).email,
            "transaction": transaction.id,
            "number": order.number,
            "path": f"/payments/{transaction.order.number}/confirmation",
        }


@pytest.fixture
def capture(tenant, town):
    def come(**more):
        with tenant.session() as session, bound_to(session):
            transaction = session.get_one(TransactionFactory._meta.model, town["transaction"])
            record_report(session, transaction.id, report_on(transaction, "EXT-77", **more))

    return come


def change_lines(tenant, **values):
    with tenant.session() as session:
        for line in session.query(BookingLine):
            for name, value in values.items():
                setattr(line, name, value)


def signed_in(browse, email):
    browser = browse("lipowo")
    browser.sign_in(email, PASSWORD)
    return browser


def words_of(answer):
    pages = pypdf.PdfReader(io.BytesIO(answer.data)).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages)).replace("\xa0", " ")


def test_it_says_what_came_when_and_for_what(browse, town, capture):
    capture()
    browser = signed_in(browse, town["email"])
    assert town["path"] in browser.get(f"/payments/{town['number']}").text

    answer = browser.get(town["path"])

    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    words = words_of(answer)
    for each in (town["number"], "Kowalska Anna", "Gmina Lipowo", "EXT-77", "100,00 zł", "3,00 zł", "103,00 zł"):
        assert each in words, each


def test_it_names_the_reference_once_it_is_booked(browse, town, capture, tenant):
    capture()
    browser = signed_in(browse, town["email"])
    assert "WB 9/2026" not in words_of(browser.get(town["path"]))
    with tenant.session() as session:
        day = session.query(BookingLine).one().recorded_at.date()
    change_lines(tenant, state=BookingState.BOOKED, reference="WB 9/2026", booked_on=day)

    assert "WB 9/2026" in words_of(browser.get(town["path"]))


def test_before_money_came_there_is_none(browse, town):
    browser = signed_in(browse, town["email"])

    assert town["path"] not in browser.get(f"/payments/{town['number']}").text
    assert browser.get(town["path"]).status_code == 404


def test_money_that_does_not_match_is_not_confirmed(browse, town, capture):
    capture(amount=Money(9_999))

    assert signed_in(browse, town["email"]).get(town["path"]).status_code == 404


def test_money_given_back_is_not_confirmed(browse, town, capture, tenant):
    capture()
    change_lines(tenant, state=BookingState.REFUNDED)

    assert signed_in(browse, town["email"]).get(town["path"]).status_code == 404


def test_nobody_else_gets_it(browse, town, capture):
    capture()

    assert signed_in(browse, town["other"]).get(town["path"]).status_code == 404
    assert browse("lipowo").get(town["path"]).status_code == 303
    assert signed_in(browse, town["email"]).get(town["path"].replace(town["number"], "NIC-1")).status_code == 404


def test_amounts_are_those_of_the_order(browse, town, capture, tenant):
    capture()
    with tenant.session() as session:
        assert session.query(BookingLine).one().amounts == Amounts(Money(10_000), Money(300), Money(0))
