"""The office searches who saw and did what, takes it along, and sees how it is kept."""

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.audit import sealing
from skarbnik.audit.models import AuditEntry
from skarbnik.audit.services import record_act, years_kept
from skarbnik.db import first_id_of
from skarbnik.office.tending import tend
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    OfficialFactory,
    PayerFactory,
    TransactionFactory,
    bound_to,
)


@pytest.fixture
def official(browse, tenant):
    def sign_in(*roles):
        with tenant.session() as session, bound_to(session):
            user = OfficialFactory(has_roles=roles)
        browser = browse("lipowo")
        browser.sign_in(user.email, PASSWORD, office=True)
        browser.user = user
        return browser

    return sign_in


@pytest.fixture
def auditor(official):
    return official(Role.AUDITOR)


@pytest.fixture
def town(tenant):
    """Two payers, an order of the first one, two officials, and what they did."""
    with tenant.session() as session, bound_to(session):
        first, second = PayerFactory(external_id="K-1"), PayerFactory(external_id="K-2", nip="5260001246")
        order = TransactionFactory(instalment=InstalmentFactory(payer=first)).order
        order.payer_id = first.id
        halina, adam = OfficialFactory(name="Halina Księgowa"), OfficialFactory(name="Adam Drugi")
        acts = [
            ("payer.viewed", "payer", first.id, [first.id], "user", halina.id),
            ("payer.viewed", "payer", second.id, [second.id], "user", adam.id),
            ("payers.searched", "payers", None, [first.id, second.id], "user", halina.id),
            ("payment.viewed", "payment_order", order.id, [first.id], "user", adam.id),
            ("payment.captured", "capture", None, [], "system", None),
            ("settings.changed", "plugin:smtp", None, [], "operator", None),
            ("tenant.suspended", "=cmd|' /C calc'!A0", None, [], "operator", None),
        ]
        for action, subject, subject_id, payers, actor, actor_id in acts:
            record_act(
                session, action, subject=subject, subject_id=subject_id, payers=payers, actor=actor, actor_id=actor_id,
                ip="10.0.0.1",
            )  # fmt: skip
    return {"first": first, "second": second, "order": order, "halina": halina, "adam": adam}


def listed(browser, query=""):
    """What stands in the file of a choice, the newest first: codes of acts, but for looks at the trail itself."""
    answer = browser.get(f"/office/audit/file/csv?{query}")
    assert answer.status_code == 200
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    return [row[6] for row in rows[1:] if not row[6].startswith("audit.")]


ALL = ["tenant.suspended", "settings.changed", "payment.captured", "payment.viewed", "payers.searched",
       "payer.viewed", "payer.viewed"]  # fmt: skip
CHOICES = {
    "": ALL,
    "who={halina.id}": ["payers.searched", "payer.viewed"],
    "who=operator": ["tenant.suspended", "settings.changed"],
    "who=system": ["payment.captured"],
    "who=api": [],
    "who=nobody": ALL,
    "act=people": ["payment.viewed", "payers.searched", "payer.viewed", "payer.viewed"],
    "act=money": ["payment.captured"],
    "act=settings": ["tenant.suspended", "settings.changed"],
    "act=payer.viewed": ["payer.viewed", "payer.viewed"],
    "act=no.such.act": ALL,
    "act=people&who={adam.id}": ["payment.viewed", "payer.viewed"],
    "of=K-1": ["payment.viewed", "payers.searched", "payer.viewed"],
    "of=526-000": [],
    "of=5260001246": ["payers.searched", "payer.viewed"],
    "of={second.id}": ["payers.searched", "payer.viewed"],
    "of={order.number}": ["payment.viewed"],
    "of={order.id}": ["payment.viewed"],
    "of=nothing+is+called+so": [],
    "of=%00": ALL,
    "of=K-1&who={halina.id}&act=payer.viewed": ["payer.viewed"],
    "from={today}": ALL,
    "until={today}": ALL,
    "from={tomorrow}": [],
    "until={yesterday}": [],
    "from=rubbish&until=2026-13-99": ALL,
}


def test_the_trail_is_found_by_who_what_of_whom_and_when(auditor, town):
    days = {"today": clock.today(), "tomorrow": clock.today() + timedelta(1), "yesterday": clock.today() - timedelta(1)}
    for query, acts in CHOICES.items():
        asked = query.format(**town, **days)
        assert listed(auditor, asked) == acts, query
        assert auditor.get(f"/office/audit?{asked}").status_code == 200, query


def test_a_day_begins_and_ends_at_midnight_in_warsaw(auditor, tenant, tamper_free_entry):
    midnight = clock.start_of(clock.today() - timedelta(days=40))
    tamper_free_entry("kind.changed", midnight - timedelta(seconds=1))
    tamper_free_entry("switch.changed", midnight)
    day = clock.today() - timedelta(days=40)

    assert listed(auditor, f"from={day}&until={day}") == ["switch.changed"]
    assert listed(auditor, f"until={day - timedelta(days=1)}") == ["kind.changed"]


@pytest.fixture
def tamper_free_entry(clean, tenant):
    """`tamper_free_entry(action, moment)`: an entry that was made back then."""

    def put(action, moment):
        with clean.as_admin() as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(
                f"INSERT INTO {tenant.schema}.audit_entries (id, at, actor, action, subject)"
                " VALUES (%s, %s, 'system', %s, 'x')",
                (first_id_of(moment), moment, action),
            )

    return put


def older_of(page):
    return page.partition('class="pages"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")


def test_pages_go_on_with_the_same_choice(auditor, town, tenant):
    with tenant.session() as session:
        for _ in range(70):
            record_act(session, "kind.changed", subject="kind", subject_id=None, actor="user", actor_id=town["adam"].id)
    seen, address = 0, f"/office/audit?act=kind.changed&who={town['adam'].id}"
    pages = 0
    while address:
        page = auditor.get(address).text
        seen += page.partition("<tbody>")[2].count("<tr>")
        address, pages = older_of(page), pages + 1
    assert (seen, pages) == (70, 3)


def test_numbers_lead_to_payer_and_payment(auditor, town):
    page = auditor.get("/office/audit").text

    assert f'href="/office/payers/{town["first"].id}"' in page
    assert f'href="/office/payments/{town["order"].number}"' in page
    assert town["first"].name not in page  # the trail holds ids


def test_a_payer_and_a_payment_lead_to_what_was_seen_of_them(auditor, official, town):
    pages = (f"/office/payers/{town['first'].id}", f"/office/payments/{town['order'].number}")
    for path, of in zip(pages, (town["first"].id, town["order"].number), strict=True):
        assert f'href="/office/audit?of={of}"' in auditor.get(path).text
        assert "/office/audit" not in official(Role.ACCOUNTANT).get(path).text


def test_who_pays_by_a_code_is_not_said_to_have_had_an_account(auditor, tenant, some_id):
    with tenant.session() as session:
        record_act(session, "payment.ordered", subject="payment_order", subject_id=None, actor="user", actor_id=None)
    page = auditor.get("/office/audit").text
    assert "osoba bez konta" in page
    assert "osoba, której konto usunięto" not in page
    assert "osoba bez konta" in auditor.get("/office/audit/file/csv").text
    with tenant.session() as session:
        record_act(session, "payer.viewed", subject="payer", subject_id=None, actor="user", actor_id=some_id())
    assert "osoba, której konto usunięto" in auditor.get("/office/audit").text


def test_whoever_looks_at_the_trail_stands_in_it(auditor, tenant):
    auditor.get("/office/audit")
    auditor.get("/office/audit/file/csv")
    auditor.get("/office/audit/file/jsonl")

    with tenant.session() as session:
        found = session.execute(select(AuditEntry.action, AuditEntry.subject).order_by(AuditEntry.id)).all()
    assert [tuple(each) for each in found] == [
        ("audit.searched", "audit"),
        ("audit.exported", "audit/csv"),
        ("audit.exported", "audit/jsonl"),
    ]


def test_no_cell_of_the_file_is_a_formula(auditor, town):
    text = auditor.get("/office/audit/file/csv").text

    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))
    assert any(cell == "'=cmd|' /C calc'!A0" for row in rows for cell in row)
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert len({len(row) for row in rows}) == 1


def test_a_file_longer_than_its_pieces_has_each_entry_once(auditor, tenant, monkeypatch):
    monkeypatch.setattr("skarbnik.office.trail_queries.AT_ONCE", 50)
    with tenant.session() as session:
        for _ in range(730):
            record_act(session, "payer.viewed", subject="payer", subject_id=None, ip="10.0.0.1")
    assert listed(auditor, "act=people") == ["payer.viewed"] * 730


def test_there_is_no_other_file(auditor):
    for wanted in ("xlsx", "pdf", "CSV"):
        assert auditor.get(f"/office/audit/file/{wanted}").status_code == 404, wanted


def test_an_address_that_is_not_ours_is_refused(auditor):
    for query in ("before=x", "before=", "before=1&before=2"):
        assert auditor.get(f"/office/audit?{query}").status_code == 400, query


@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.COMMUNICATIONS, Role.SURVEYS])
def test_others_do_not_read_the_trail(official, role):
    browser = official(role)
    for path in ("/office/audit", "/office/audit/file/csv", "/office/audit/file/jsonl"):
        assert browser.get(path).status_code == 404


def test_the_page_says_how_it_is_sealed(auditor, tenant, town):
    assert "jeszcze nie" in auditor.get("/office/audit").text or "no seal yet" in auditor.get("/office/audit").text
    sealing.seal(tenant, town["order"].id)
    tend(tenant, town["order"].id)
    page = auditor.get("/office/audit").text
    assert '<code class="text-break">1:' in page
    assert 'role="alert"' not in page


def test_the_page_says_loudly_that_somebody_tampered(auditor, tenant, town, clean):
    sealing.seal(tenant, town["order"].id)
    with clean.as_admin() as connection:
        connection.execute(f"UPDATE {tenant.schema}.audit_entries SET ip = '10.9.9.9'")
    tend(tenant, town["order"].id)

    assert 'role="alert"' in auditor.get("/office/audit").text


def test_the_administrator_says_how_long_it_is_kept(official, tenant):
    browser = official(Role.ADMINISTRATOR)
    assert browser.post("/office/audit/keeping", {"years": "5"}).status_code == 303
    with tenant.session() as session:
        assert years_kept(session) == 5
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert (last.action, last.subject) == ("audit.keeping_changed", "years/5")


def test_less_than_two_years_is_refused(official, tenant):
    browser = official(Role.ADMINISTRATOR)
    for years in ("1", "0", "-3", "51", "", "dwa", "2.5", "9" * 30):
        assert browser.post("/office/audit/keeping", {"years": years}).status_code == 422, years
    with tenant.session() as session:
        assert years_kept(session) == 2


def test_the_auditor_decides_nothing(auditor):
    assert auditor.post("/office/audit/keeping", {"years": "5"}).status_code == 404
