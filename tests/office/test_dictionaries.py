"""The office decides how a kind is paid and charged, and adds what the law changed before the product knew."""

import pytest
from sqlalchemy import select

from skarbnik.audit.models import AuditEntry
from skarbnik.plugin_api import Regime, Role
from skarbnik.receivables.models import DatedKind, DatedValue, InterestMode, Kind
from skarbnik.receivables.rules import rules_of
from skarbnik.testing.factories import CreditorAccountFactory, KindFactory, bound_to

VALUE = {"kind": "tax_rate", "from_on": "2026-12-01", "value": "10,25", "note": "M.P. 2026 poz. 1"}


@pytest.fixture
def kind(tenant):
    with tenant.session() as session, bound_to(session):
        return KindFactory(regime=Regime.TAX, title="Podatek od nieruchomości")


def kind_form(kind, **more):
    words = {"position": "7", "online": "y", "interest": "computed", "account": str(kind.creditor_account_id)}
    return words | {"resolution": "XII/123/2025"} | more


def own_values(tenant):
    with tenant.session() as session:
        rows = session.scalars(select(DatedValue).order_by(DatedValue.from_on))
        return [(row.kind, str(row.from_on), row.value, row.note) for row in rows]


def acts(tenant):
    with tenant.session() as session:
        wanted = ("kind.changed", "dated_value.changed")
        return list(session.scalars(select(AuditEntry.action).where(AuditEntry.action.in_(wanted))))


def test_a_clerk_says_how_a_kind_is_paid_and_the_trail_remembers(official, kind, tenant):
    browser = official()
    assert "Podatek od nieruchomości" in browser.get("/office/kinds").text
    browser.get(f"/office/kinds/{kind.id}")

    saved = browser.post(f"/office/kinds/{kind.id}", kind_form(kind))

    assert (saved.status_code, saved.location) == (303, "/office/kinds")
    with tenant.session() as session:
        found = session.get_one(Kind, kind.id)
        assert (found.position, found.online, found.in_parts) == (7, True, False)
        assert (found.interest, found.resolution) == (InterestMode.COMPUTED, "XII/123/2025")
    assert acts(tenant) == ["kind.changed"]


@pytest.mark.parametrize(
    ("regime", "interest", "status"),
    [("civil", "computed", 422), ("civil", "given", 303), ("tax", "computed", 303), ("none", "given", 303)],
)
def test_a_civil_kind_is_paid_in_parts_only_with_interest_of_the_finance_system(
    official, tenant, regime, interest, status
):
    """Interest comes before the principal there, and the portal does not remember what it was paid for."""
    with tenant.session() as session, bound_to(session):
        kind = KindFactory(regime=Regime(regime))
    browser = official()
    browser.get(f"/office/kinds/{kind.id}")
    answer = browser.post(f"/office/kinds/{kind.id}", kind_form(kind, in_parts="y", interest=interest))

    assert answer.status_code == status
    with tenant.session() as session:
        assert session.get_one(Kind, kind.id).in_parts == (status == 303)


@pytest.mark.parametrize(
    "wrong",
    [
        {"position": "x"},
        {"position": "-1"},
        {"position": ""},
        {"interest": "guessed"},
        {"account": "01920000-0000-7000-8000-000000000000"},
        {"resolution": "x" * 81},
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(official, kind, tenant, wrong):
    browser = official()
    browser.get(f"/office/kinds/{kind.id}")

    answer = browser.post(f"/office/kinds/{kind.id}", kind_form(kind, **wrong))

    assert answer.status_code == 422
    assert 'id="errors"' in answer.text
    with tenant.session() as session:
        assert session.get_one(Kind, kind.id).interest is InterestMode.GIVEN
    assert acts(tenant) == []


def test_an_account_of_the_neighbour_cannot_be_chosen(official, kind, neighbour, tenant):
    with neighbour.session() as session, bound_to(session):
        foreign = CreditorAccountFactory().id
    browser = official()
    browser.get(f"/office/kinds/{kind.id}")

    assert browser.post(f"/office/kinds/{kind.id}", kind_form(kind, account=str(foreign))).status_code == 422


def test_a_new_rate_is_added_shown_and_taken_back(official, tenant, neighbour):
    browser = official(Role.ADMINISTRATOR)
    assert "10,5" in browser.get("/office/kinds/rates").text

    assert browser.post("/office/kinds/rates", VALUE).status_code == 303

    assert own_values(tenant) == [(DatedKind.TAX_RATE, "2026-12-01", 1025, "M.P. 2026 poz. 1")]
    assert own_values(neighbour) == []
    page = browser.get("/office/kinds/rates").text
    assert "10,25" in page
    assert "M.P. 2026 poz. 1" in page
    assert browser.post("/office/kinds/rates/tax_rate/2026-12-01/withdraw").status_code == 303
    assert own_values(tenant) == [(DatedKind.TAX_RATE, "2026-12-01", None, "M.P. 2026 poz. 1")]
    assert browser.post("/office/kinds/rates/tax_rate/2026-12-01/withdraw").status_code == 404
    assert acts(tenant) == ["dated_value.changed"] * 2


def test_a_holiday_of_a_new_law_needs_no_value(official, tenant):
    browser = official()
    browser.get("/office/kinds/rates")
    words = {"kind": "free_day", "from_on": "2026-12-15", "value": "", "note": ""}
    assert browser.post("/office/kinds/rates", words).status_code == 303
    with tenant.session() as session:
        assert [str(day) for day in rules_of(session).workdays.free] == ["2026-12-15"]


def test_an_amount_of_the_law_is_typed_as_every_amount(official, tenant):
    browser = official()
    browser.get("/office/kinds/rates")
    words = VALUE | {"kind": "others_limit"}
    assert browser.post("/office/kinds/rates", words | {"value": "6 0"}).status_code == 422
    assert browser.post("/office/kinds/rates", words | {"value": "6\u00a0000,00 zł"}).status_code == 303

    assert [row[2] for row in own_values(tenant)] == [600_000]


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": ""},
        {"value": "10,555"},
        {"value": "-1"},
        {"value": "dziesięć"},
        {"value": "0"},
        {"value": "101"},
        {"value": "٣"},
        {"from_on": ""},
        {"from_on": "2026-13-01"},
        {"from_on": "1900-01-01"},
        {"kind": "lottery"},
        {"note": "x" * 201},
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_its_reason(official, tenant, wrong):
    browser = official()
    browser.get("/office/kinds/rates")

    answer = browser.post("/office/kinds/rates", VALUE | wrong)

    assert answer.status_code == 422
    assert own_values(tenant) == []
    assert acts(tenant) == []


def test_an_auditor_sees_and_does_not_decide(official, kind, tenant):
    browser = official(Role.AUDITOR)
    assert browser.get("/office/kinds").status_code == 200
    page = browser.get("/office/kinds/rates")
    assert page.status_code == 200
    assert "Dodaj wartość" not in page.text
    assert browser.get(f"/office/kinds/{kind.id}").status_code == 404
    assert browser.post("/office/kinds/rates", VALUE).status_code == 404
    assert own_values(tenant) == []


@pytest.mark.parametrize("year", ["1990", "3000", "x", ""])
def test_holidays_of_any_year_asked_for_are_those_of_a_year_we_know(official, year):
    page = official().get(f"/office/kinds/rates?year={year}")
    assert page.status_code == 200
    assert "Nowy Rok" in page.text
