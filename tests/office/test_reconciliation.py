"""A day in the office: what the three say, what differs and what to do, on pages, on paper and as CSV."""

import csv
import io
from datetime import timedelta
from types import SimpleNamespace

import pypdf
import pytest
from sqlalchemy import select, text

from skarbnik import clock
from skarbnik.audit.models import AuditEntry
from skarbnik.money import Money
from skarbnik.payments import differences, settlements
from skarbnik.payments.models import Capture, Difference, Payout, SettlementLine, SettlementOrigin, SettlementReport
from skarbnik.payments.services import record_report
from skarbnik.plugin_api import Role, SettlementKind
from skarbnik.plugin_api import SettlementLine as Told
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    OfficialFactory,
    TransactionFactory,
    bound_to,
    report_on,
)

K = SettlementKind
YESTERDAY = clock.today() - timedelta(days=1)
HEAD = "Data;Typ;Id operacji;Id zamówienia;Kwota;Prowizja;Id wypłaty\r\n"


@pytest.fixture
def town(tenant, open_account):
    """One payment both sides have, one only the gateway has, a payout of both; all of yesterday."""
    moment = clock.start_of(YESTERDAY) + timedelta(hours=12)
    with tenant.session() as session, bound_to(session):
        instalment = InstalmentFactory(receivable__title="=Podatek")
        account = open_account(session, tenant, instalment.receivable.kind.creditor_account)
        account.created_at = moment - timedelta(days=9)
        transaction = TransactionFactory(started=True, instalment=instalment, merchant_account=account)
        record_report(session, transaction.id, report_on(transaction, "OURS", happened_at=moment))
        capture = session.scalars(select(Capture)).one()
        lines = [
            Told(K.PAYMENT, "OURS", Money(10_000), "PLN", moment, fee=Money(100), payout="W1"),
            Told(K.PAYMENT, "@FOREIGN", Money(5_000), "PLN", moment, payout="W1"),
            Told(K.PAYOUT, "W1", Money(14_900), "PLN", moment),
        ]
        settlements.keep(session, account.id, lines, SettlementOrigin.REPORT)
        settlements.note_told(session, account.id, YESTERDAY, SettlementOrigin.REPORT)
        settlements.match(session, account.id)
        differences.look(session, account.id)
        payout, difference = session.scalars(select(Payout)).one(), session.scalars(select(Difference)).one()
        order = transaction.order
    return SimpleNamespace(account=account, order=order, capture=capture, payout=payout, difference=difference)


def acts(tenant, *wanted):
    with tenant.session() as session:
        return list(session.scalars(select(AuditEntry.action).where(AuditEntry.action.in_(wanted))))


def test_the_list_of_days_marks_the_one_that_differs_and_leads_to_it(official, town):
    page = official().get("/office/reconciliation").text

    assert f'href="/office/reconciliation?day={YESTERDAY}"' in page
    assert page.count('class="tag wrong"') == 1
    assert page.count("<tr>") == 32
    older = official().get(f"/office/reconciliation?last={YESTERDAY - timedelta(days=40)}").text
    assert f"day={YESTERDAY - timedelta(days=40)}" in older
    assert 'class="tag wrong"' not in older
    assert 'href="/office/reconciliation"' in official().get("/office/").text


def test_a_day_shows_both_sides_what_differs_and_what_to_do(official, town):
    page = official().get(f"/office/reconciliation?day={YESTERDAY}").text

    assert f"/office/differences/{town.difference.id}" in page
    assert f"/office/payments/{town.order.number}" in page
    assert "OURS" in page
    assert "@FOREIGN" in page
    assert "150,00" in page
    assert page.count('class="tag wrong"') == 3  # the account, the difference, the line
    differing = official().get(f"/office/reconciliation?day={YESTERDAY}&lines=differing").text
    assert "@FOREIGN" in differing
    assert town.order.number not in differing.partition('id="lines"')[2]


@pytest.mark.parametrize(
    ("error", "said"), [("Misconfigured", "switched on"), ("Refused", "switched on"), ("Nonsense", "did not answer")]
)
def test_a_gateway_that_did_not_tell_is_told_apart_from_one_that_refuses(official, town, tenant, error, said):
    with tenant.session() as session:
        session.scalars(select(SettlementReport)).one().error = error
    browser = official()
    browser.get("/language/en")

    assert said in browser.get(f"/office/reconciliation?day={YESTERDAY}").text


def test_a_difference_of_currency_shows_both_currencies(official, town, tenant):
    moment = clock.start_of(YESTERDAY) + timedelta(hours=12)
    with tenant.session() as session:
        line = Told(K.PAYMENT, "OURS", Money(10_000), "EUR", moment, fee=Money(100), payout="W1")
        settlements.keep(session, town.account.id, [line], SettlementOrigin.REPORT)
        differences.look(session, town.account.id)
        found = session.scalars(select(Difference.id).where(Difference.kind == "amount_differs")).one()
    page = official().get(f"/office/differences/{found}").text

    assert "<dd>100,00\u00a0EUR</dd>" in page
    assert "<dd>100,00\u00a0zł</dd>" in page
    for path in ("/office/differences", f"/office/reconciliation?day={YESTERDAY}"):
        assert "100,00\u00a0EUR" in official().get(path).text


@pytest.mark.parametrize("last", ["0001-01-01", "9999-12-31", "1999-12-31", "x", ""])
def test_no_day_is_too_far_for_the_list_of_days_or_of_payments(official, town, last):
    browser = official()

    assert browser.get(f"/office/reconciliation?last={last}").status_code == 200
    assert browser.get(f"/office/payments?from={last}").status_code == 200
    assert browser.get(f"/office/payments?until={last}").status_code == 200
    assert browser.post("/office/reconciliation/ask", {"day": last}).status_code in {400, 404}


def test_from_an_older_page_of_days_one_comes_back_and_may_choose_any_day(official, town):
    page = official().get(f"/office/reconciliation?last={YESTERDAY - timedelta(days=40)}").text

    assert f'max="{clock.today()}"' in page
    assert f'rel="prev" href="/office/reconciliation?last={YESTERDAY - timedelta(days=9)}"' in page
    assert 'rel="prev"' not in official().get("/office/reconciliation").text


@pytest.mark.parametrize("day", ["", "x", "2026-02-30", "1999-12-31", "9999-01-01", "2026-11-26' OR 1=1"])
def test_a_day_that_is_none_does_not_exist(official, town, day):
    assert official().get(f"/office/reconciliation?day={day}").status_code == 404
    assert official().get(f"/office/reconciliation/protocol/pdf?day={day}").status_code == 404


def test_the_protocol_is_a_tagged_pdf_with_figures_differences_and_places_to_sign(official, town):
    answer = official().get(f"/office/reconciliation/protocol/pdf?day={YESTERDAY}")

    assert answer.content_type == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="uzgodnienie-{YESTERDAY}.pdf"'
    reader = pypdf.PdfReader(io.BytesIO(answer.data))
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    words = "".join(page.extract_text() for page in reader.pages)
    assert "Halina Księgowa" in words
    assert "150,00" in words
    assert "Gmina Lipowo" in words
    assert official().get(f"/office/reconciliation/protocol/docx?day={YESTERDAY}").status_code == 404


def test_the_lines_as_csv_hold_no_formula(official, town):
    answer = official().get(f"/office/reconciliation/protocol/csv?day={YESTERDAY}")

    head, *rows = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";")
    assert len(head) == 10
    assert [(row[3], row[4], row[5], row[6], row[7]) for row in sorted(rows, key=lambda row: row[3])] == [
        ("'@FOREIGN", "", "50,00", "0,00", ""),
        ("OURS", town.order.number, "100,00", "1,00", "100,00"),
    ]


def test_a_payout_is_listed_split_and_taken_as_files(official, town):
    browser = official()
    assert f"/office/reconciliation/payouts/{town.payout.id}" in browser.get("/office/reconciliation/payouts").text
    page = browser.get(f"/office/reconciliation/payouts/{town.payout.id}").text
    assert "149,00" in page
    assert "50,00" in page
    assert town.order.number in page

    path = f"/office/reconciliation/payouts/{town.payout.id}/file"
    pdf = browser.get(f"{path}/pdf")
    assert "149,00" in "".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(pdf.data)).pages)
    _head, *rows = csv.reader(io.StringIO(browser.get(f"{path}/csv").data.decode("utf-8-sig")), delimiter=";")
    assert sorted(row[6] for row in rows) == ["50,00", "99,00"]
    assert browser.get(f"{path}/exe").status_code == 404
    assert browser.get(f"/office/reconciliation/payouts/{town.account.id}").status_code == 404


def test_asking_again_rings_the_worker_for_every_account_and_is_in_the_trail(official, town, tenant, clean):
    browser = official()
    browser.get(f"/office/reconciliation?day={YESTERDAY}")
    assert browser.post("/office/reconciliation/ask", {"day": str(YESTERDAY)}).status_code == 303

    with tenant.session() as session:
        report = session.scalars(select(SettlementReport)).one()
    with clean.as_admin() as connection:
        rung = connection.execute("SELECT subject_id FROM work.outbox WHERE topic = 'settlements.ask'").fetchall()
    assert rung == [(report.id,)]
    assert acts(tenant, "settlement.asked") == ["settlement.asked"]
    for day, status in (("x", 400), ("", 400), (str(clock.today() + timedelta(days=1)), 404)):
        assert browser.post("/office/reconciliation/ask", {"day": day}).status_code == status
    assert browser.post("/office/reconciliation/ask", {"day": str(YESTERDAY)}, token=False).status_code == 400


def bring(browser, account, body, name="wyciag.csv"):
    browser.get("/office/reconciliation/statement")
    form = {"account": str(account), "file": (io.BytesIO(body), name)}
    return browser.post("/office/reconciliation/statement", form, content_type="multipart/form-data")


def statement(*rows):
    return (HEAD + "".join(f"{row}\r\n" for row in rows)).encode()


def read_lines(tenant):
    with tenant.session() as session:
        return session.execute(
            select(SettlementLine.external_id, SettlementLine.fee, SettlementLine.origin).order_by(
                SettlementLine.external_id
            )
        ).all()


def test_a_statement_of_the_panel_is_read_and_the_same_file_changes_nothing(official, town, tenant):
    body = statement(f"{YESTERDAY} 12:00;Wpłata;OP-1;OURS;100,00;1,20;", f"{YESTERDAY};Opłata;F-1;;-3,00;0;")
    browser = official()

    assert bring(browser, town.account.id, body).status_code == 303
    once = read_lines(tenant)
    assert bring(browser, town.account.id, body).status_code == 303

    assert read_lines(tenant) == once
    assert ("OURS", Money(120), SettlementOrigin.STATEMENT) in once
    assert len(once) == 3
    assert acts(tenant, "statement.brought") == ["statement.brought"] * 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "pusty"),
        (b"PK\x03\x04", "ZIP"),
        (statement("2026-11-26;Wpłata;=1+1;OURS;100,00;0;"), "numer ma od 1 do 80"),
        (statement("2026-11-26;Wpłata;OP-1;OURS;100,00;0;")[:-5], "urwany"),
        (statement(*["2026-11-26;Wpłata;OP-1;OURS;100,00;0;"] * 2), "drugi raz"),
        (HEAD.encode("utf-16"), "UTF-8"),
        (statement("2026-11-26;<script>;OP-1;OURS;100,00;0;"), "rodzaj operacji"),
    ],
)
def test_a_hostile_statement_says_what_is_wrong_and_changes_nothing(official, town, tenant, body, said):
    before = read_lines(tenant)

    answer = bring(official(), town.account.id, body)

    assert answer.status_code == 422
    assert said in answer.text
    assert "<script>;" not in answer.text
    assert read_lines(tenant) == before
    assert acts(tenant, "statement.brought") == []


def test_a_statement_larger_than_ten_megabytes_is_not_read(official, town, tenant):
    answer = bring(official(), town.account.id, b"x" * (10 * 1024 * 1024 + 100_000))

    assert answer.status_code == 413
    assert len(read_lines(tenant)) == 2


def test_a_statement_needs_a_file_and_an_account_of_this_gmina(official, town, neighbour, open_account):
    with neighbour.session() as session, bound_to(session):
        foreign = open_account(session, neighbour, pos_id="145227").id
    browser = official()
    assert bring(browser, foreign, statement()).status_code == 422
    assert bring(browser, "x", statement()).status_code == 422
    browser.get("/office/reconciliation/statement")
    assert browser.post("/office/reconciliation/statement", {"account": str(town.account.id)}).status_code == 422


@pytest.mark.parametrize(
    ("role", "sees", "acts"),
    [
        (Role.ACCOUNTANT, 200, 303),
        (Role.ADMINISTRATOR, 200, 404),
        (Role.AUDITOR, 200, 404),
        (Role.COMMUNICATIONS, 404, 404),
    ],
)
def test_who_may_see_money_looks_and_only_the_accountant_acts(official, town, role, sees, acts):
    browser = official(role)
    seen = [
        "/office/reconciliation",
        f"/office/reconciliation?day={YESTERDAY}",
        f"/office/reconciliation/protocol/csv?day={YESTERDAY}",
        "/office/reconciliation/payouts",
        f"/office/reconciliation/payouts/{town.payout.id}",
        f"/office/differences/{town.difference.id}",
        "/office/differences",
    ]
    assert [browser.get(path).status_code for path in seen] == [sees] * len(seen)
    done = [("/office/reconciliation/ask", {"day": str(YESTERDAY)})]
    done += [(f"/office/differences/{town.difference.id}/{act}", {}) for act in ("take", "give-back")]
    done += [(f"/office/differences/{town.difference.id}/note", {"note": "x"})]
    done += [(f"/office/differences/{town.difference.id}/close", {"resolution": "x"})]
    assert [browser.post(path, words).status_code for path, words in done] == [acts] * len(done)
    assert browser.get("/office/reconciliation/statement").status_code == (200 if acts == 303 else 404)


def test_a_difference_is_taken_noted_and_closed_with_names_and_stays_in_the_history(official, town, tenant):
    browser, path = official(), f"/office/differences/{town.difference.id}"
    assert f'href="{path}"' in browser.get("/office/differences").text
    browser.get(path)
    assert browser.post(f"{path}/take").status_code == 303
    assert f'href="{path}"' in browser.get("/office/differences?owner=mine").text
    assert f'href="{path}"' not in browser.get("/office/differences?owner=nobody").text
    assert browser.post(f"{path}/note", {"note": "Sklep gminy?"}).status_code == 303
    shown = browser.get(path).text
    assert "Sklep gminy?" in shown
    assert "@FOREIGN" in shown
    assert "50,00" in shown
    assert browser.post(f"{path}/note", {"note": "x" * 201}).status_code == 422
    assert browser.post(f"{path}/close", {"resolution": " "}).status_code == 422
    assert browser.post(f"{path}/close", {"resolution": "Inny program"}).status_code == 303

    assert f'href="{path}"' not in browser.get("/office/differences").text
    history = browser.get("/office/differences?state=closed").text
    assert "Inny program" in history
    assert "Halina Księgowa" in history
    late = browser.post(f"{path}/take")
    assert late.status_code == 303
    with tenant.session() as session:
        found = session.get_one(Difference, town.difference.id)
        assert (found.note, found.resolution, found.owner_id) == ("Sklep gminy?", "Inny program", found.closed_by)
    assert sorted(acts(tenant, "difference.taken", "difference.noted", "difference.closed")) == [
        "difference.closed", "difference.noted", "difference.taken",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", True),
        ("?kind=gateway_only", True),
        ("?kind=chargeback", False),
        ("?kind=x", True),
        ("?age=3", False),
        ("?age=x", True),
        ("?state=closed", False),
        ("?owner=nobody", True),
        ("?owner=mine", False),
    ],
)
def test_the_queue_is_filtered_and_linkable(official, town, query, shown):
    page = official().get(f"/office/differences{query}").text
    assert (f"/office/differences/{town.difference.id}" in page) is shown


def test_a_queue_longer_than_a_page_goes_on(official, town, tenant):
    with tenant.session() as session:
        session.execute(
            text(
                "INSERT INTO differences (id, kind, subject_id, amount, opened_at)"
                " SELECT gen_random_uuid(), 'chargeback', gen_random_uuid(), -n, now() FROM generate_series(1, 40) n"
            )
        )
    browser = official()
    first = browser.get("/office/differences?kind=chargeback").text
    following = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = browser.get(following).text
    assert (first.count("<tr>"), second.count("<tr>")) == (31, 11)
    assert browser.get("/office/differences?place=x").status_code == 400


def test_another_gminas_day_payout_and_difference_do_not_exist(browse, town, neighbour):
    with neighbour.session() as session, bound_to(session):
        email = OfficialFactory(has_roles=[Role.ACCOUNTANT]).email
    browser = browse("debina")
    browser.sign_in(email, PASSWORD, office=True)

    assert "OURS" not in browser.get(f"/office/reconciliation?day={YESTERDAY}").text
    assert browser.get(f"/office/reconciliation/payouts/{town.payout.id}").status_code == 404
    assert browser.get(f"/office/differences/{town.difference.id}").status_code == 404
    assert browser.post(f"/office/differences/{town.difference.id}/take").status_code == 404
