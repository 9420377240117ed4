"""A closed account is nobody's: nothing personal is left in it, nobody acts with it, and what was paid stays."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from tests.exchange.remote import relay

from skarbnik import clock
from skarbnik.accounts.closing import (
    FORMS_DONE,
    ClosedByTheOffice,
    close_account,
    erase_from_plugins,
    forget,
    own_tables,
)
from skarbnik.accounts.consents import give_consent, has_consent
from skarbnik.accounts.contact import ask_new_email
from skarbnik.accounts.models import Consent, Purpose, User, UserKind, UserState
from skarbnik.accounts.password_links import forgot, make_password_link
from skarbnik.accounts.pesel import set_pesel
from skarbnik.audit.models import AuditEntry
from skarbnik.mail.models import Mail, MailState
from skarbnik.outbox import Again
from skarbnik.payers.models import Mandate
from skarbnik.plugin_api import chapter_of
from skarbnik.portal.closed import account_closed
from skarbnik.tenancy.services import disable_plugin
from skarbnik.testing.factories import (
    PASSWORD,
    OfficialFactory,
    PayerFactory,
    TransactionFactory,
    UserFactory,
    bound_to,
)
from skarbnik_surveys import services as surveys
from skarbnik_surveys.questions import QuestionKind, new_question

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


def test_a_letter_that_waited_when_the_account_was_closed_is_emptied_once_it_has_left(full, tenant, clean):
    browser, user = full
    with tenant.session() as session:
        forgot(session, tenant, kind=UserKind.RESIDENT, email=user.email)
    close(browser)
    with tenant.session() as session:
        session.execute(text("UPDATE mails SET state = 'sent' WHERE cause = 'account.closed'"))
    assert isinstance(forget(tenant, user.id), Again)
    with tenant.session() as session:
        session.execute(text("UPDATE mails SET state = 'sent'"))
    assert forget(tenant, user.id) is None
    assert rows_that_say(clean, tenant, CANARY) == set()


def test_letters_to_whoever_has_the_address_that_was_never_proven_stay_theirs(full, tenant):
    browser, _user = full
    with tenant.session() as session, bound_to(session):
        theirs = UserFactory(email=f"{CANARY}2@example.pl").email
        forgot(session, tenant, kind=UserKind.RESIDENT, email=theirs)
        session.execute(text("UPDATE mails SET state = 'sent'"))
    close(browser)
    with tenant.session() as session:
        found = session.scalars(select(Mail.cause).where(Mail.recipient == theirs)).all()
    assert found == ["account.forgot"]


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


@pytest.fixture
def chapters(clean, monkeypatch):
    """Has a plugin hand out chapters of these in all gminas that have its table."""
    plugins = clean.instance.plugins
    pages = plugins.pages["surveys"]

    def hand_out(*words):
        found = [
            chapter_of("surveys_notes", "notes about you", "SELECT 1 AS note", table="surveys_sheets", **each)
            for each in words
        ]
        monkeypatch.setitem(plugins.pages, "surveys", replace(pages, own_data=(*found, *pages.own_data)))

    return hand_out


def relay_later(clean):
    """Forms that were under way when the account was closed are done."""
    with clock.stopped_at(clock.now() + FORMS_DONE):
        return relay(clean, "account.erase")


def open_survey(tenant, user):
    with tenant.session() as session:
        survey = surveys.write_survey(session, title="Park", intro="", closes_on=None, by=user.id)
        question = new_question(QuestionKind.TEXT, "Co?", required=False, question_id="q1")
        surveys.put_question(session, survey.id, question)
        surveys.open_survey(session, survey.id)
        return survey.id


def took_part(tenant, user):
    survey = open_survey(tenant, user)
    with tenant.session() as session:
        surveys.answer_survey(session, survey, user_id=user.id, answers={"q1": "Staw."})


def participations_and_sheets(tenant):
    with tenant.session() as session:
        statement = "SELECT (SELECT count(*) FROM surveys_participations), (SELECT count(*) FROM surveys_sheets)"
        return tuple(session.execute(text(statement)).one())


def test_what_plugins_keep_goes_with_the_account_by_an_errand(full, tenant, clean):
    browser, user = full
    took_part(tenant, user)
    close(browser)
    assert participations_and_sheets(tenant) == (1, 1)

    assert relay_later(clean) == 1

    assert participations_and_sheets(tenant) == (0, 1)


def test_what_was_sent_while_the_account_was_closed_is_erased_from_plugins_too(full, tenant, clean):
    """A form that began before is a transaction of its own: nothing tells a plugin that the account is closed now."""
    browser, user = full
    survey = open_survey(tenant, user)
    with tenant.session() as late:
        surveys.answer_survey(late, survey, user_id=user.id, answers={"q1": "Staw."})
        close(browser)
        relay(clean, "account.erase")
    assert participations_and_sheets(tenant) == (1, 1)

    relay_later(clean)

    assert participations_and_sheets(tenant) == (0, 1)


def test_a_plugin_the_gmina_gave_up_is_erased_from_too(clean):
    gmina = clean.tenant_with("bez-ankiet", "surveys")
    with gmina.session() as session, bound_to(session):
        user = UserFactory()
    took_part(gmina, user)
    disable_plugin(clean.instance.owner_engine(), gmina.id, "surveys")
    clean.instance.registry.forget()

    erase_from_plugins(clean.instance.registry.get(gmina.id), user.id)

    assert participations_and_sheets(gmina) == (0, 1)


def test_a_chapter_that_cannot_be_erased_keeps_no_other_from_it_and_the_errand_comes_back(
    full, tenant, clean, chapters
):
    browser, user = full
    took_part(tenant, user)
    chapters({"erased_by": "DELETE FROM surveys_nothing"})
    close(browser)

    assert relay_later(clean) == 1

    assert participations_and_sheets(tenant) == (0, 1)
    with clean.as_admin() as connection:
        statement = "SELECT attempts, parked_at FROM work.outbox WHERE topic = 'account.erase'"
        assert connection.execute(statement).fetchall() == [(1, None)]


def test_the_errand_comes_back_while_a_plugin_the_gmina_uses_does_not_load(full, tenant, clean, monkeypatch):
    browser, user = full
    took_part(tenant, user)
    close(browser)
    plugins = clean.instance.plugins
    with monkeypatch.context() as patched:
        patched.delitem(plugins.pages, "surveys")
        patched.setitem(plugins.broken, "surveys", "ImportError: no such thing")
        assert isinstance(erase_from_plugins(tenant, user.id), Again)
    assert participations_and_sheets(tenant) == (1, 1)

    assert erase_from_plugins(tenant, user.id) is None
    assert participations_and_sheets(tenant) == (0, 1)


def test_who_closes_their_account_reads_what_a_plugin_keeps_and_why(full, chapters):
    browser, _user = full
    chapters({"kept": "the law wants them for five years"})
    assert "notes about you: the law wants them for five years" in browser.get("/profile/close").text


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
