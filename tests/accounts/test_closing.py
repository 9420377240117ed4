"""A closed account is nobody's: nothing personal is left in it, nobody acts with it, and what was paid stays."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from skarbnik import clock
from skarbnik.accounts.closing import ClosedByTheOffice, close_account, forget, own_tables
from skarbnik.accounts.consents import give_consent, has_consent
from skarbnik.accounts.contact import ask_new_email
from skarbnik.accounts.models import Consent, Purpose, User, UserState
from skarbnik.accounts.password_links import make_password_link
from skarbnik.accounts.pesel import set_pesel
from skarbnik.audit.models import AuditEntry
from skarbnik.mail.models import Mail, MailState
from skarbnik.outbox import Again
from skarbnik.payers.models import Mandate
from skarbnik.portal.closed import account_closed
from skarbnik.testing.factories import (
    PASSWORD,
    OfficialFactory,
    PayerFactory,
    TransactionFactory,
    UserFactory,
    bound_to,
)

CANARY = "zqxjkv"
PESEL = "44051401359"


@pytest.fixture
def full(tenant, browse):
    """Somebody with everything an account can have, signed in."""
    with tenant.session() as session, bound_to(session):
        user = UserFactory(
            email=f"{CANARY}@example.pl", name=f"{CANARY} Nowak", phone="+48601234567", acts_for=[PayerFactory()]
        )
        set_pesel(user, tenant, PESEL)
        make_password_link(session, user, by=None)
        ask_new_email(session, tenant, user, f"{CANARY}2@example.pl")
        give_consent(session, user.id, Purpose.SMS_NOTICES, version=1, language="pl")
        session.execute(text("UPDATE mails SET state = 'sent'"))
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)
    browser.get("/profile/close")
    return browser, user


def close(browser, **words):
    return browser.post("/profile/close", {"current": PASSWORD, "sure": "y", **words})


def rows_that_say(clean, tenant, word):
    with clean.as_admin() as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (tenant.schema,)
        ).fetchall()
        return {
            table
            for (table,) in tables
            if connection.execute(
                f"SELECT 1 FROM {tenant.schema}.{table} AS t WHERE t::text ILIKE '%{word}%' LIMIT 1"
            ).fetchone()
        }


def test_nothing_personal_is_left_of_who_closes_their_account(full, tenant, clean):
    browser, user = full
    assert {"users", "email_changes", "mails"} <= rows_that_say(clean, tenant, CANARY)

    assert close(browser).headers["Location"] == "/"

    assert rows_that_say(clean, tenant, CANARY) == {"mails"}  # the last letter, which has not left yet
    with tenant.session() as session:
        kept = session.get_one(User, user.id)
        assert (kept.state, kept.name, kept.created_at) == (UserState.CLOSED, "", user.created_at)
        assert [kept.email, kept.password_hash, kept.pesel_hash, kept.pesel_key, kept.phone] == [None] * 5
        for table in own_tables():
            assert session.execute(select(table).where(table.c.user_id == user.id)).all() == [], table.name
        assert "account.closed" in session.scalars(select(AuditEntry.action)).all()


def test_the_last_letter_is_emptied_once_it_has_left(full, tenant, clean):
    browser, user = full
    close(browser)
    assert isinstance(forget(tenant, user.id), Again)
    with tenant.session() as session:
        last = session.scalars(select(Mail).where(Mail.state == MailState.WAITING)).one()
        assert last.recipient == user.email
        last.state = MailState.SENT
    assert forget(tenant, user.id) is None
    assert rows_that_say(clean, tenant, CANARY) == set()


def test_every_table_that_says_something_of_a_user_is_emptied():
    assert {"password_links", "web_sessions", "sign_in_attempts", "email_changes"} <= {
        table.name for table in own_tables()
    }
    assert not {"users", "consents", "mandates", "remarks"} & {table.name for table in own_tables()}


def test_nobody_acts_with_a_closed_account(full, tenant, browse):
    browser, user = full
    other = browse("lipowo")
    other.sign_in(user.email, PASSWORD)
    close(browser)
    assert [each.get("/dashboard").status_code for each in (browser, other)] == [303, 303]
    assert browse("lipowo").sign_in(user.email, PASSWORD).status_code == 422
    account_closed(tenant, user.id)
    account_closed(tenant, user.id)
    with tenant.session() as session:
        assert [each.until_on for each in session.scalars(select(Mandate))] == [clock.today()]
        consent = session.scalars(select(Consent)).one()
        assert consent.withdrawn_at is not None
        assert not has_consent(session, user.id, Purpose.SMS_NOTICES)


def test_a_mandate_of_the_future_ends_on_its_first_day(full, tenant):
    _browser, user = full
    first = clock.today() + timedelta(days=10)
    with tenant.session() as session:
        session.scalars(select(Mandate)).one().from_on = first
    account_closed(tenant, user.id)
    with tenant.session() as session:
        assert session.scalars(select(Mandate)).one().until_on == first


def test_payments_stay_whole(full, tenant):
    browser, user = full
    with tenant.session() as session, bound_to(session):
        order = TransactionFactory(started=True).order
        order.user_id = user.id
        number = order.number
    close(browser)
    with tenant.session() as session:
        found = session.execute(
            text("SELECT user_id FROM payment_orders WHERE number = :n"), {"n": number}
        ).scalar_one()
    assert found == user.id


@pytest.mark.parametrize("words", [{"current": "not the password"}, {"current": ""}, {"sure": ""}])
def test_without_the_password_and_a_yes_nothing_is_closed(full, tenant, words):
    browser, user = full
    assert close(browser, **words).status_code == 422
    with tenant.session() as session:
        assert session.get_one(User, user.id).state is UserState.ACTIVE


def test_registering_again_makes_another_account(full, tenant):
    browser, user = full
    close(browser)
    with tenant.session() as session, bound_to(session):
        again = UserFactory(email=user.email)
        set_pesel(again, tenant, PESEL)
        session.flush()
        assert again.id != user.id


def test_an_account_of_the_office_is_closed_by_nobody(tenant, browse):
    with tenant.session() as session, bound_to(session):
        official = OfficialFactory()
        with pytest.raises(ClosedByTheOffice):
            close_account(session, tenant, official)
    browser = browse("lipowo")
    browser.sign_in(official.email, PASSWORD, office=True)
    assert browser.get("/profile/close").status_code == 404
