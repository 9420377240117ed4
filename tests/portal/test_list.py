"""The page of everything to pay: sums of its groups, and pages that keep what was chosen."""

import re
from datetime import timedelta

import pytest

from skarbnik import clock
from skarbnik.money import Money
from skarbnik.portal.views import PAGE
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    KindFactory,
    LiabilityFactory,
    PayerFactory,
    ReceivableFactory,
    UserFactory,
    bound_to,
)


@pytest.fixture
def anna(tenant, browse):
    """She owes 1 zł more often than one page holds, and 50 zł for her dog."""
    due = clock.today() + timedelta(days=20)
    with tenant.session() as session, bound_to(session):
        payer = PayerFactory()
        tax, dog = (
            ReceivableFactory(title="Podatek", kind=KindFactory(title="Podatek")),
            ReceivableFactory(title="Pies", kind=KindFactory(title="Pies")),
        )
        InstalmentFactory(receivable=dog, payer=payer, due_on=due, principal=Money(5_000))
        LiabilityFactory(receivable_id=tax.id, payer_id=payer.id)
        for number in range(PAGE + 1):
            InstalmentFactory(receivable=tax, number=number + 1, due_on=due, principal=Money(100))
        email = UserFactory(acts_for=[payer]).email
    browser = browse("lipowo")
    browser.sign_in(email, PASSWORD)
    return browser


def captions(page):
    found = re.findall(r"<caption>(.*?)</caption>", page.text)
    return {re.sub("<.*?>", "", each).replace("\N{NO-BREAK SPACE}", " ") for each in found}


def test_a_group_says_what_it_comes_to_on_all_its_pages(anna):
    first, second = anna.get("/receivables"), anna.get("/receivables?page=2")

    assert captions(first) | captions(second) == {f"Podatek · {PAGE + 1},00 zł", "Pies · 50,00 zł"}
    assert captions(anna.get("/receivables?q=pies")) == {"Pies · 50,00 zł"}


def test_a_page_behind_the_last_one_is_the_last_one(anna):
    assert anna.get("/receivables?page=99").text.count('name="i"') == 2


def test_the_next_page_keeps_the_day_that_was_chosen(anna):
    day = clock.today() + timedelta(days=9)

    following = re.search(r'rel="next" href="([^"]*)"', anna.get(f"/receivables?day={day}").text)[1]

    assert f"day={day}" in following
