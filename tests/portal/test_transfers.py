"""A resident prints transfer orders: their own, with the interest of today, to the right account."""

import io
import re
from datetime import timedelta
from uuid import uuid4

import pypdf
import pytest
import zxingcpp
from PIL import Image
from tests.payments.test_transfers import draw_page

from skarbnik import clock
from skarbnik.money import Money
from skarbnik.payments.transfers import Party
from skarbnik.plugin_api import LiabilityRole
from skarbnik.portal.debts import list_to_pay
from skarbnik.portal.papers import find_orders
from skarbnik.testing.factories import (
    PASSWORD,
    CreditorAccountFactory,
    InstalmentFactory,
    KindFactory,
    LiabilityFactory,
    PayerFactory,
    ReceivableFactory,
    UserFactory,
    bound_to,
)

OFFICE = Party("Gmina Lipowo", "ul. Lipowa 1, 11-111 Lipowo")
OWN = "68109010141675000001000001"


@pytest.fixture
def town(tenant):
    """Anna owes two instalments of a tax with an account of its own, a fee of a company, and a fee without account."""
    today = clock.today()
    with tenant.session() as session, bound_to(session):
        anna = PayerFactory(name="Kowalska Anna", street="Łąkowa 3/5", postal_code="11-111", city="Lipowo")
        jan = PayerFactory()
        company = CreditorAccountFactory(owner="Zakład Komunalny w Lipowie")
        tax = ReceivableFactory(number="FN.3120.1.2026", account=OWN)
        fee = ReceivableFactory(number=None, title="Opłata za śmieci", kind=KindFactory(creditor_account=company))
        nowhere = ReceivableFactory(kind=KindFactory(creditor_account=None))
        made = {
            "first": InstalmentFactory(
                receivable=tax, payer=anna, number=1, principal=Money(10_000), interest=Money(300)
            ),
            "second": InstalmentFactory(receivable=tax, number=2, principal=Money(20_000), due_on=today),
            "fee": InstalmentFactory(receivable=fee, payer=anna, principal=Money(4_050)),
            "nowhere": InstalmentFactory(receivable=nowhere, payer=anna, principal=Money(500)),
            "settled": InstalmentFactory(receivable=fee, number=2, principal=Money(0)),
        }
        LiabilityFactory(
            receivable_id=tax.id, payer_id=jan.id, role=LiabilityRole.OWNER, until_on=today - timedelta(days=1)
        )
        return {
            "ids": {name: str(each.id) for name, each in made.items()},
            "tax": str(tax.id),
            "company": company.nrb,
            "anna": anna.id,
            "jan": jan.id,
            "anna_email": UserFactory(acts_for=[anna]).email,
            "jan_email": UserFactory(acts_for=[jan]).email,
        }


@pytest.fixture
def orders(tenant, town):
    def find(*names, payer="anna"):
        with tenant.session() as session:
            return find_orders(
                session,
                list_to_pay(session, payer_id=town[payer], today=clock.today(), now=clock.now()).rows,
                payer_id=town[payer],
                ids=[town["ids"].get(name) or town.get(name) or name for name in names],
                office=OFFICE,
            )

    return find


def test_each_account_gets_its_form_with_all_that_is_left_today(orders, town):
    found = {order.nrb: order for order in orders("first", "second", "fee")}

    assert set(found) == {OWN, town["company"]}
    tax, fee = found[OWN], found[town["company"]]
    assert (tax.title, tax.amount, tax.payee) == ("FN.3120.1.2026", Money(30_300), OFFICE)
    assert (fee.title, fee.amount, fee.payee.name) == ("Opłata za śmieci", Money(4_050), "Zakład Komunalny w Lipowie")
    assert tax.payer == Party("Kowalska Anna", "Łąkowa 3/5, 11-111 Lipowo")


def test_one_instalment_of_two_is_named(orders):
    (order,) = orders("second")

    assert (order.title, order.amount) == ("FN.3120.1.2026 R.2", Money(20_000))


def test_a_whole_receivable_may_be_named(orders):
    (order,) = orders("tax")

    assert (order.title, order.amount) == ("FN.3120.1.2026", Money(30_300))


@pytest.mark.parametrize("names", [(), ("nowhere",), ("settled",), (str(uuid4()),), ("not-an-id",)])
def test_what_cannot_be_paid_by_transfer_makes_no_form(orders, names):
    assert orders(*names) == []


def test_nobody_prints_the_debts_of_another(orders):
    assert orders("first", "fee", "tax", payer="jan") == []


def sign_in(browse, email, slug="lipowo"):
    browser = browse(slug)
    browser.post("/sign-in", {"email": email, "password": PASSWORD})
    return browser


def test_the_page_gives_a_form_that_a_bank_reads(browse, town, orders):
    browser = sign_in(browse, town["anna_email"])

    answer = browser.get(f"/transfer-orders?i={town['ids']['first']}&i={town['ids']['fee']}")

    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Cache-Control"] == "no-store"
    pages = pypdf.PdfReader(io.BytesIO(answer.data)).pages
    assert len(pages) == 2
    texts = [re.sub(r"\s+", " ", page.extract_text()) for page in pages]
    assert any("Zakład Komunalny w Lipowie" in text and town["company"] in text for text in texts)
    (order,) = orders("first")
    codes = zxingcpp.read_barcodes(Image.open(io.BytesIO(draw_page(order))))
    assert codes[0].text == f"|PL|{OWN}|010300|Gmina Lipowo|FN.3120.1.2026 R.1|||"


def test_the_ways_to_it(browse, town):
    browser = sign_in(browse, town["anna_email"])

    assert f"/transfer-orders?r={town['tax']}" in browser.get(f"/receivables/{town['tax']}").text
    assert (
        f"/transfer-orders?i={town['ids']['nowhere']}" in browser.get(f"/payments/new?i={town['ids']['nowhere']}").text
    )


@pytest.mark.parametrize("who", ["jan_email", None])
def test_others_get_nothing(browse, town, who):
    browser = sign_in(browse, town[who]) if who else browse("lipowo")

    answer = browser.get(f"/transfer-orders?r={town['tax']}")

    assert answer.status_code == 303
    assert answer.data[:5] != b"%PDF-"


def test_the_neighbour_gmina_knows_nothing_of_it(lab, browse, town):
    with lab.tenant("debina").session() as session, bound_to(session):
        email = UserFactory(acts_for=[PayerFactory()]).email
    browser = sign_in(browse, email, "debina")

    assert browser.get(f"/transfer-orders?r={town['tax']}").status_code == 303
