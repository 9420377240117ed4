"""Who works with some kinds of receivables sees what is of those kinds, as if nothing else were there."""

import re

import pytest
from sqlalchemy import select, update
from tests.accounts.conftest import hidden

from skarbnik.accounts.models import User
from skarbnik.audit.models import AuditEntry
from skarbnik.money import Money
from skarbnik.payments.models import PaymentOrder
from skarbnik.payments.services import record_report
from skarbnik.payments.states import PaymentOrderState
from skarbnik.plugin_api import Role
from skarbnik.receivables.models import CreditorAccount, Instalment, Kind, OfficialScope
from skarbnik.receivables.scopes import ScopeOfWork, get_scope, set_scope
from skarbnik.remarks.models import Topic
from skarbnik.remarks.services import write_remark
from skarbnik.testing.factories import (
    PASSWORD,
    CreditorAccountFactory,
    DocumentFactory,
    InstalmentFactory,
    KindFactory,
    MerchantAccountFactory,
    OfficialFactory,
    OrderLineFactory,
    PayerFactory,
    ReceivableFactory,
    TransactionFactory,
    UserFactory,
    bound_to,
    report_on,
)


@pytest.fixture
def town(tenant, open_account):
    """Anna owes a tax and the waste fee, and paid both with one order; Borys owes the tax only; the fee is ZGK's."""
    with tenant.session() as session, bound_to(session):
        unit = CreditorAccountFactory(owner="ZGK Lipowo", title="Odpady")
        tax, waste = KindFactory(title="Podatek rolny"), KindFactory(title="Opłata za odpady", creditor_account=unit)
        anna, borys = PayerFactory(name="Anna Nowak"), PayerFactory(name="Borys Nowak")
        user = UserFactory(acts_for=[anna])
        taxed = InstalmentFactory(
            payer=anna,
            receivable=ReceivableFactory(kind=tax, title="Rolny 2026", number="R/1"),
            principal=Money(22_200),
        )
        thrown = InstalmentFactory(
            payer=anna, receivable=ReceivableFactory(kind=waste, title="Odpady 2026", number="O/1")
        )
        other = InstalmentFactory(payer=borys, receivable=ReceivableFactory(kind=tax, title="Rolny B", number="R/2"))
        documents = [
            DocumentFactory(receivable_id=each.receivable_id, title=title)
            for each, title in ((taxed, "Decyzja rolna"), (thrown, "Wezwanie o odpady"))
        ]
        account = open_account(session, tenant, unit)
        mixed = TransactionFactory(started=True, instalment=thrown, merchant_account=account)
        mixed.order.payer_id = anna.id
        session.flush()
        record_report(session, mixed.id, report_on(mixed, "E-1"))
        remarks = [
            write_remark(
                session, user_id=user.id, payer_id=anna.id, receivable_id=each.receivable_id, topic=Topic.AMOUNT,
                text=text, language="pl",
            ).id
            for each, text in ((taxed, "Nie mam tego pola."), (thrown, "Nas jest troje."))
        ]  # fmt: skip
        return {
            "tax": tax.id, "waste": waste.id, "unit": unit.id, "anna": anna.id, "borys": borys.id, "taxed": taxed.id,
            "other": other.id, "number": mixed.order.number, "documents": [each.id for each in documents],
            "remarks": remarks,
        }  # fmt: skip


@pytest.fixture
def clerk(tenant, browse, town):
    """`clerk(kinds, accounts, roles)`: a browser of an official with a scope of work."""

    def make(*, kinds=(), accounts=(), roles=(Role.ACCOUNTANT,)):
        with tenant.session() as session, bound_to(session):
            user = OfficialFactory(has_roles=list(roles))
            set_scope(session, user.id, ScopeOfWork(frozenset(kinds), frozenset(accounts)))
        browser = browse("lipowo")
        browser.sign_in(user.email, PASSWORD, office=True)
        browser.user = user
        return browser

    return make


@pytest.fixture
def administrator(tenant, browse):
    with tenant.session() as session, bound_to(session):
        user = OfficialFactory(has_roles=[Role.ADMINISTRATOR])
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD, office=True)
    browser.user = user
    return browser


def test_of_a_payer_only_what_is_of_the_kind_is_shown_and_summed(clerk, town):
    page = clerk(kinds=[town["waste"]]).get(f"/office/payers/{town['anna']}").text
    assert "Odpady 2026" in page
    assert "Rolny 2026" not in page
    assert "222,00" not in page


def test_a_payer_who_owes_other_things_only_is_not_there(clerk, town):
    browser = clerk(kinds=[town["waste"]])
    assert browser.get(f"/office/payers/{town['borys']}").status_code == 404
    assert browser.get(f"/office/payers/{town['borys']}/changes").status_code == 404
    for path in ("/office/payers?q=Nowak", "/office/search?q=Nowak"):
        page = browser.get(path).text
        assert "Anna Nowak" in page
        assert "Borys Nowak" not in page
    assert "Rolny B" not in browser.get("/office/search?q=R/2").text
    assert "Odpady 2026" in browser.get("/office/search?q=O/1").text


def test_documents_and_reports_are_those_of_the_kind(clerk, town):
    browser = clerk(kinds=[town["waste"]])
    page = browser.get(f"/office/payers/{town['anna']}/documents").text
    assert "Wezwanie o odpady" in page
    assert "Decyzja rolna" not in page
    assert browser.get(f"/office/payers/{town['anna']}/documents/{town['documents'][0]}").status_code == 404
    page = browser.get("/office/remarks").text
    about_tax, about_waste = town["remarks"]
    assert str(about_waste) in page
    assert str(about_tax) not in page
    assert browser.get(f"/office/remarks/{about_tax}").status_code == 404
    browser.get(f"/office/remarks/{about_waste}")
    assert browser.post(f"/office/remarks/{about_tax}/take", {}).status_code == 404
    assert browser.post(f"/office/remarks/{about_waste}/take", {}).status_code == 303


def test_a_payment_for_the_kind_alone_is_shown_whole(clerk, town):
    browser = clerk(kinds=[town["waste"]])
    assert town["number"] in browser.get("/office/payments").text
    page = browser.get(f"/office/payments/{town['number']}").text
    assert "E-1" in page  # its number at the gateway


def test_of_a_payment_for_several_kinds_the_part_is_shown_and_nothing_of_the_rest(clerk, tenant, town):
    add_line(tenant, town, Money(22_200))
    browser = clerk(kinds=[town["waste"]])
    for path in ("/office/payments", f"/office/search?q={town['number']}", f"/office/payments/{town['number']}"):
        page = browser.get(path).text
        assert town["number"] in page
        assert "222,00" not in page
        assert "322,00" not in page
        assert "Rolny" not in page
    assert "100,00" in page
    assert "E-1" not in page
    whole = clerk(kinds=[town["waste"], town["tax"]]).get(f"/office/payments/{town['number']}").text
    assert "Rolny" in whole


def test_what_became_of_the_rest_of_a_payment_is_not_told_to_who_works_with_a_part(clerk, tenant, town):
    """Its part is paid; the tax, through another account at another gateway, is not."""
    add_line(tenant, town, Money(22_200), at="Rachunek podatkowy P24")
    browser = clerk(kinds=[town["waste"]])
    for path in ("/office/payments", f"/office/search?q={town['number']}", f"/office/payments/{town['number']}"):
        page = browser.get(path).text
        assert tag_of("paid") in page
        assert tag_of("partly_paid") not in page
        assert "P24" not in page.partition("<tbody>")[2]
    assert shown(browser, town, state="paid", gateway="payu")
    assert not shown(browser, town, state="partly_paid")
    assert not shown(browser, town, gateway="przelewy24")

    browser = clerk(kinds=[town["tax"]])
    for path in ("/office/payments", f"/office/search?q={town['number']}", f"/office/payments/{town['number']}"):
        page = browser.get(path).text
        assert tag_of("abandoned") in page
        assert "PayU" not in page.partition("<tbody>")[2]
    assert shown(browser, town, state="abandoned", gateway="przelewy24")
    assert not shown(browser, town, state="partly_paid")
    assert not shown(browser, town, gateway="payu")

    for scope in ([], [town["waste"], town["tax"]]):
        browser = clerk(kinds=scope)
        assert shown(browser, town, state="partly_paid", gateway="payu")
        assert shown(browser, town, state="partly_paid", gateway="przelewy24")
        assert not shown(browser, town, state="paid")


def test_a_refund_of_the_rest_of_a_payment_is_not_told(clerk, tenant, town):
    add_line(tenant, town, Money(22_200), at="Rachunek podatkowy P24")
    with tenant.session() as session:  # as it is when what came for the waste went back
        session.execute(update(PaymentOrder).values(state=PaymentOrderState.REFUNDED))
    browser = clerk(kinds=[town["tax"]])
    page = browser.get(f"/office/payments/{town['number']}").text
    assert tag_of("abandoned") in page
    assert tag_of("refunded") not in page
    assert not shown(browser, town, state="refunded")


def test_who_works_with_another_kind_does_not_find_the_payment(clerk, town):
    browser = clerk(kinds=[town["tax"]])
    assert town["number"] not in browser.get("/office/payments").text
    assert browser.get(f"/office/payments/{town['number']}").status_code == 404
    assert "Anna Nowak" not in browser.get(f"/office/search?q={town['number']}").text


def test_a_unit_brings_the_kinds_paid_to_its_account_and_those_to_come(clerk, tenant, town):
    browser = clerk(accounts=[town["unit"]])
    assert "Opłata za odpady" in browser.get("/office/payers").text  # the scope stands on each page
    assert browser.get(f"/office/payers/{town['borys']}").status_code == 404
    with tenant.session() as session:
        session.get(Kind, town["tax"]).creditor_account_id = town["unit"]
    assert browser.get(f"/office/payers/{town['borys']}").status_code == 200


def test_what_is_of_all_the_money_is_closed(clerk, town):
    browser = clerk(kinds=[town["waste"], town["tax"]])
    for path in ("differences", "reconciliation", "gateways", "exchange", "requests", "residents", "desk", "people"):
        assert browser.get(f"/office/{path}").status_code == 404, path
    assert "/office/reconciliation" not in browser.get("/office/").text


def test_the_day_counts_what_is_of_the_kinds(clerk, town):
    page = clerk(kinds=[town["waste"]]).get("/office/").text
    assert "100,00" in page
    assert "1 płatność" in page
    page = clerk(kinds=[town["tax"]]).get("/office/").text
    assert "100,00" not in page
    assert "0 płatności" in page


def test_who_only_writes_is_led_to_what_they_write(clerk, town):
    browser = clerk(kinds=[town["waste"]], roles=[Role.COMMUNICATIONS])
    assert browser.get("/office/").location == "/office/content"


def test_who_has_a_scope_of_kinds_that_are_gone_sees_nobody(clerk, tenant, town):
    with tenant.session() as session, bound_to(session):
        empty = CreditorAccountFactory(owner="Biblioteka").id
    browser = clerk(accounts=[empty])
    page = browser.get("/office/payers?q=Nowak").text
    assert "Anna Nowak" not in page
    assert "żadnego kontrahenta" in page


def test_an_administrator_works_with_everything_whatever_is_written(clerk, town):
    browser = clerk(kinds=[town["waste"]], roles=[Role.ADMINISTRATOR, Role.ACCOUNTANT])
    assert browser.get(f"/office/payers/{town['borys']}").status_code == 200
    assert browser.get("/office/reconciliation").status_code == 200


def test_the_scope_holds_from_the_next_click_on_and_stands_in_the_trail(administrator, clerk, tenant, town):
    browser = clerk()
    assert browser.get(f"/office/payers/{town['borys']}").status_code == 200
    path = f"/office/people/{browser.user.id}"
    page = administrator.get(path).text
    assert "ZGK Lipowo, rachunek" in page
    answer = change(administrator, path, {"kinds": [str(town["waste"])]})
    assert answer.status_code == 303
    assert browser.get(f"/office/payers/{town['borys']}").status_code == 404
    assert "tylko niektóre" in administrator.get("/office/people").text
    waste, unit = f"kind:{town['waste'].hex}", f"unit:{town['unit'].hex}"
    assert scope_acts(tenant, browser.user) == [("limited", "user"), ("widened", waste)]

    administrator.get(path)
    change(administrator, path, {"units": [str(town["unit"])]})
    assert scope_acts(tenant, browser.user)[2:] == [("narrowed", waste), ("widened", unit)]
    page = administrator.get("/office/audit").text
    assert "jednostka ZGK Lipowo, " in page
    assert "rodzaj należności Opłata za odpady" in page
    assert f"{browser.user.name}</small>" in page
    assert "jednostka ZGK Lipowo, " in administrator.get("/office/audit/file/csv").text

    administrator.get(path)
    change(administrator, path, {})
    assert browser.get(f"/office/payers/{town['borys']}").status_code == 200
    assert scope_acts(tenant, browser.user)[4:] == [("lifted", "user"), ("narrowed", unit)]
    administrator.get(path)
    change(administrator, path, {})
    assert len(scope_acts(tenant, browser.user)) == 6


def scope_acts(tenant, user):
    """What happened to the scope of somebody, the oldest first."""
    with tenant.session() as session:
        rows = session.execute(
            select(AuditEntry.action, AuditEntry.subject)
            .where(AuditEntry.subject_id == user.id, AuditEntry.action.startswith("official.scope"))
            .order_by(AuditEntry.id)
        )
        return [(row.action.partition("_")[2], row.subject) for row in rows]


def test_a_unit_to_which_nothing_is_paid_any_more_stays_in_the_scope_that_names_it(administrator, clerk, tenant, town):
    """Else the form would not show it, and saving the form as it is would open everything."""
    browser = clerk(accounts=[town["unit"]])
    path = f"/office/people/{browser.user.id}"
    with tenant.session() as session:
        session.get(Kind, town["waste"]).creditor_account_id = None
    page = administrator.get(path).text
    chosen = re.findall(r'<input checked[^>]*name="units"[^>]*value="([^"]+)"', page)
    answer = change(administrator, path, {"units": chosen})
    assert answer.status_code == 303
    assert browser.get(f"/office/payers/{town['borys']}").status_code == 404
    with tenant.session() as session:
        assert get_scope(session, browser.user.id) == ScopeOfWork(accounts=frozenset([town["unit"]]))
    assert str(town["unit"]) not in administrator.get(f"/office/people/{clerk().user.id}").text


@pytest.mark.parametrize("value", ["x", "", "00000000-0000-7000-8000-000000000000"])
def test_a_kind_the_gmina_does_not_have_is_refused_and_nothing_changes(administrator, clerk, tenant, town, value):
    user = clerk(kinds=[town["waste"]]).user
    administrator.get(f"/office/people/{user.id}")
    answer = change(administrator, f"/office/people/{user.id}", {"kinds": [value], "units": [str(town["unit"])]})
    assert answer.status_code == 422
    with tenant.session() as session:
        assert get_scope(session, user.id) == ScopeOfWork(kinds=frozenset([town["waste"]]))


def test_a_scope_somebody_changed_meanwhile_is_not_overwritten_by_an_old_form(administrator, clerk, tenant, town):
    user = clerk(kinds=[town["waste"], town["tax"]]).user
    path = f"/office/people/{user.id}"
    before = hidden(administrator.get(path).text, "before")
    with tenant.session() as session:
        set_scope(session, user.id, ScopeOfWork(kinds=frozenset([town["waste"]])))

    old = {"kinds": [str(town["waste"]), str(town["tax"])], "units": [str(town["unit"])]}
    assert administrator.post(f"{path}/scope", old | {"before": before}).status_code == 303
    assert "zmienił w tym czasie" in administrator.get(path).text
    with tenant.session() as session:
        assert get_scope(session, user.id) == ScopeOfWork(kinds=frozenset([town["waste"]]))


def test_who_is_invited_for_a_unit_never_worked_with_everything(administrator, tenant, town):
    administrator.get("/office/people/new")
    fields = {
        "name": "Olga Nowa",
        "email": "olga@lipowo.example",
        "roles": ["accountant"],
        "units": [str(town["unit"])],
    }
    assert administrator.post("/office/people/new", fields | {"roles": []}).status_code == 422
    answer = administrator.post("/office/people/new", fields)
    assert answer.status_code == 303
    with tenant.session() as session:
        user = session.scalars(select(User).where(User.email == "olga@lipowo.example")).one()
        assert get_scope(session, user.id) == ScopeOfWork(accounts=frozenset([town["unit"]]))
        invited = session.scalars(select(AuditEntry).where(AuditEntry.action == "official.invited")).one()
    assert invited.subject_id == user.id
    assert scope_acts(tenant, user) == [("limited", "user"), ("widened", f"unit:{town['unit'].hex}")]


def test_who_acts_for_a_payer_is_no_matter_of_a_kind(administrator, clerk, town):
    path = f"/office/payers/{town['anna']}"
    assert "Kto działa" in administrator.get(path).text
    assert "Kto działa" not in clerk(kinds=[town["waste"]]).get(path).text


def test_nobody_gives_themselves_a_scope(administrator, tenant, town):
    administrator.get("/office/people")
    answer = administrator.post(f"/office/people/{administrator.user.id}/scope", {"kinds": [str(town["tax"])]})
    assert answer.status_code == 303
    with tenant.session() as session:
        assert session.scalars(select(OfficialScope)).all() == []


def test_a_resident_has_no_scope(administrator, tenant, town):
    with tenant.session() as session, bound_to(session):
        resident = UserFactory().id
    administrator.get("/office/people")
    assert administrator.post(f"/office/people/{resident}/scope", {"kinds": []}).status_code == 404


def change(administrator, path, fields):
    """As the page of the person shows the form now."""
    before = hidden(administrator.get(path).text, "before")
    return administrator.post(f"{path}/scope", {"before": before, **fields})


def add_line(tenant, town, amount, at=None):
    """The order pays for Anna's tax, too; `at`: through another account at a gateway, and nobody has paid that yet."""
    with tenant.session() as session, bound_to(session):
        order = session.scalars(select(PaymentOrder).where(PaymentOrder.number == town["number"])).one()
        taxed = session.get(Instalment, town["taxed"])
        account = session.get(CreditorAccount, town["unit"])
        if at is not None:
            account = CreditorAccountFactory()
            other = MerchantAccountFactory(gateway="przelewy24", title=at, creditor_account=account)
            TransactionFactory(started=True, instalment=taxed, order=order, merchant_account=other, amount=amount)
            order.state, order.held_until = PaymentOrderState.PARTLY_PAID, order.ordered_at
        OrderLineFactory(
            order=order, position=2, instalment=taxed, payer_id=town["anna"], creditor_account_id=account.id,
            title="Rolny 2026, rata 1", principal=amount,
        )  # fmt: skip
        order.amount = order.amount + amount


def shown(browser, town, **chosen):
    """Whether the list of payments has the order, with these filters."""
    return town["number"] in browser.get("/office/payments", query_string=chosen).text


def tag_of(state):
    """The tag of a state of an order as pages show it to officials."""
    return {
        "paid": ">zapłacono</span>",
        "partly_paid": ">zapłacono część</span>",
        "abandoned": ">nie zapłacono</span>",
        "refunded": ">zwrócono</span>",
    }[state]
