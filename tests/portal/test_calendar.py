"""Due dates for the calendar of a telephone: at an address of its owner's, which they can take back."""

import re
from datetime import date, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import update
from tests.portal.test_choices import row

from skarbnik import clock
from skarbnik.accounts.models import User, UserState
from skarbnik.money import Money
from skarbnik.payers.models import Mandate
from skarbnik.portal.calendar import list_months
from skarbnik.testing.factories import PASSWORD, InstalmentFactory, PayerFactory, UserFactory, bound_to


@pytest.fixture
def town(tenant):
    with tenant.session() as session, bound_to(session):
        payer = PayerFactory()
        soon = clock.today() + timedelta(days=20)
        first = InstalmentFactory(payer=payer, due_on=soon, principal=Money(12_345), interest=Money(0))
        InstalmentFactory(payer=payer, due_on=soon + timedelta(days=40), principal=Money(500), interest=Money(0))
        InstalmentFactory(payer=PayerFactory(), principal=Money(99_999))
        user = UserFactory(acts_for=[payer])
        return {"email": user.email, "user": user.id, "payer": payer.id, "first": first.id, "due": soon}


@pytest.fixture
def anna(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["email"], PASSWORD)
    return browser


def address(browser):
    return re.search(r'id="feed" readonly value="https://[^/]*(/[^"]*)"', browser.get("/calendar").text)[1]


def test_a_telephone_without_a_session_reads_the_due_dates(anna, browse, town, tenant):
    answer = browse("lipowo").get(address(anna))

    assert answer.content_type == "text/calendar; charset=utf-8"
    events = Calendar.from_ical(answer.get_data()).walk("VEVENT")
    assert len(events) == 2
    assert events[0].decoded("dtstart") == town["due"]
    assert events[0]["summary"].endswith("rata 1: 123,45\N{NO-BREAK SPACE}zł")
    assert str(events[0]["uid"]) == f"{town['first']}@{tenant.id}"
    assert str(events[0]["url"]).startswith("https://lipowo.skarbnik.test/receivables/")


def test_the_same_instalment_keeps_its_event_and_its_address(anna, browse):
    first = address(anna)
    assert address(anna) == first

    one, two = (Calendar.from_ical(browse("lipowo").get(first).get_data()).walk("VEVENT") for _each in range(2))
    assert [each["uid"] for each in one] == [each["uid"] for each in two]


def test_a_new_address_makes_the_old_one_useless(anna, browse):
    old = address(anna)
    assert anna.post("/calendar/address").status_code == 303

    assert browse("lipowo").get(old).status_code == 404
    assert browse("lipowo").get(address(anna)).status_code == 200


@pytest.mark.parametrize("change", ["mark", "payer", "user", "key", "letters", "gmina"])
def test_an_address_of_anything_else_is_nothing(anna, browse, town, change, tenant):
    with tenant.session() as session, bound_to(session):
        other = UserFactory(acts_for=[PayerFactory()])
    good = address(anna)
    head, mark = good.rsplit("/", 1)
    wrong = {
        "mark": f"{head}/{mark[:-6]}0{mark[-5:]}" if mark[-6] != "0" else f"{head}/{mark[:-6]}1{mark[-5:]}",
        "payer": good.replace(str(town["payer"]), str(other.id)),
        "user": good.replace(str(town["user"]), str(other.id)),
        "key": f"{head}/99-{mark.partition('-')[2]}",
        "letters": f"{head}/ż-{mark.partition('-')[2]}",
        "gmina": good,
    }[change]

    assert browse("debina" if change == "gmina" else "lipowo").get(wrong).status_code == 404


@pytest.mark.parametrize("ended", ["blocked", "mandate"])
def test_who_may_not_act_for_the_payer_any_more_reads_nothing(anna, browse, town, tenant, ended):
    good = address(anna)
    yesterday = clock.today() - timedelta(days=1)
    with tenant.session() as session:
        if ended == "blocked":
            session.execute(update(User).where(User.id == town["user"]).values(state=UserState.BLOCKED))
        else:
            session.execute(update(Mandate).where(Mandate.user_id == town["user"]).values(until_on=yesterday))

    assert browse("lipowo").get(good).status_code == 404


def test_months_have_their_sums_and_leave_out_what_is_paid():
    rows = [
        row("b", due=date(2026, 12, 15), grosze=200),
        row("a", due=date(2026, 11, 15), grosze=100),
        row("c", due=date(2026, 12, 1), grosze=50),
        row("paid", due=date(2026, 12, 2), grosze=0),
    ]
    months = list_months(rows)

    assert [(month.first, month.total, [each.title for each in month.rows]) for month in months] == [
        (date(2026, 11, 1), Money(100), ["a"]),
        (date(2026, 12, 1), Money(250), ["c", "b"]),
    ]
