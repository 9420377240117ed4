"""The trail is only added to: nobody who runs the portal can change or remove what was done."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from skarbnik.audit.models import AuditEntry
from skarbnik.audit.services import record_act
from skarbnik.db import Base
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    OfficialFactory,
    TransactionFactory,
    bound_to,
)

NEVER_DELETED = [
    "audit_entries", "captures", "booking_lines", "transactions", "payment_orders", "order_lines", "refunds",
    "notifications", "booking_batches", "batch_lines", "differences", "payers", "kinds", "creditor_accounts",
    "receivables", "liabilities", "instalments", "operations", "overpayments", "plugin_settings",
    "audit_seals", "audit_keeping",
]  # fmt: skip
NEVER_CHANGED = ["audit_entries", "audit_seals", "audit_keeping", "notifications", "order_lines", "plugin_settings"]


def refused(tenant, statement):
    with pytest.raises(ProgrammingError, match="permission denied"), tenant.session() as session:
        session.execute(text(statement))


@pytest.mark.parametrize("table", NEVER_DELETED)
def test_what_happened_is_never_deleted(tenant, table):
    refused(tenant, f"DELETE FROM {table}")
    refused(tenant, f"TRUNCATE {table}")


@pytest.mark.parametrize("table", NEVER_CHANGED)
def test_what_was_written_down_is_never_changed(tenant, table):
    column = next(iter(Base.metadata.tables[table].columns)).name
    refused(tenant, f"UPDATE {table} SET {column} = {column}")


@pytest.mark.parametrize(
    "statement", ["INSERT INTO money_equation (captured) VALUES (1)", "DELETE FROM money_equation"]
)
def test_the_money_equation_is_only_read(tenant, statement):
    with pytest.raises(Exception, match=r"permission denied|cannot"), tenant.session() as session:
        session.execute(text(statement))


@pytest.mark.parametrize(
    "switch", ["SET session_replication_role = replica", "ALTER TABLE captures DISABLE TRIGGER ALL"]
)
def test_the_rules_of_the_database_cannot_be_switched_off(tenant, switch):
    with pytest.raises(ProgrammingError), tenant.session() as session:
        session.execute(text(switch))


def test_a_long_name_of_a_vendors_thing_keeps_nobody_from_doing_anything(session):
    record_act(session, "tested", subject=f"identity_provider/{'x' * 40}/signing", subject_id=None)
    written = session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "tested")).one()
    assert written == f"identity_provider/{'x' * 40}"[:40]


def test_an_act_is_written_in_the_transaction_that_does_it(tenant, some_id):
    session = tenant.open_session()
    record_act(session, "tested", subject="payer", subject_id=some_id())
    session.rollback()
    session.close()

    with tenant.session() as session:
        assert session.scalars(select(AuditEntry)).all() == []


@pytest.fixture
def clerk(browse, tenant):
    with tenant.session() as session, bound_to(session):
        user = OfficialFactory(has_roles=[Role.ACCOUNTANT, Role.AUDITOR])
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD, office=True)
    browser.user = user
    return browser


def test_every_look_at_a_person_by_an_official_is_written_down(clerk, tenant):
    with tenant.session() as session, bound_to(session):
        order = TransactionFactory(instalment=InstalmentFactory()).order
        payer_id, number = order.payer_id, order.number
        name = session.scalar(text("SELECT name FROM payers WHERE id = :id"), {"id": payer_id})
    for path in (f"/office/payers?q={name[:8]}", f"/office/payers/{payer_id}", f"/office/payments/{number}"):
        assert clerk.get(path).status_code == 200

    with tenant.session() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(each.action, each.subject_id) for each in entries] == [
        ("payers.searched", None),
        ("payer.viewed", payer_id),
        ("payment.viewed", order.id),
    ]
    assert {each.actor_id for each in entries} == {clerk.user.id}
    assert all(each.ip and each.request_id for each in entries)


def test_the_trail_holds_ids_and_no_names(clerk, tenant):
    with tenant.session() as session, bound_to(session):
        payer_id = TransactionFactory(instalment=InstalmentFactory()).order.payer_id
    clerk.get(f"/office/payers/{payer_id}")

    with tenant.session() as session:
        rows = session.execute(text("SELECT to_jsonb(a)::text FROM audit_entries a")).scalars().all()
    assert not any("Kowalsk" in row or "@" in row for row in rows)


def test_the_auditor_reads_the_trail_page_by_page(clerk, tenant, some_id):
    with tenant.session() as session:
        for _ in range(70):
            record_act(session, "payer.viewed", subject="payer", subject_id=some_id(), actor_id=clerk.user.id)
    seen, address = 0, "/office/audit"
    for _ in range(10):
        page = clerk.get(address).text
        seen += page.partition("<tbody>")[2].count("wgląd w dane kontrahenta")
        older = page.partition('class="pages"')[2].partition('href="')[2].partition('"')[0]
        if not older:
            break
        address = older.replace("&amp;", "&")
    assert seen == 70
