"""Consents: each for itself, given with the text that was shown, taken back as easily, all of it kept."""

import pytest
from sqlalchemy import select

from skarbnik.accounts import consents
from skarbnik.accounts.consents import CONSENTS, ConsentText, give_consent, has_consent, list_consents, withdraw_consent
from skarbnik.accounts.models import LONGEST_CONSENT, Consent, Purpose
from skarbnik.errors import NotFound
from skarbnik.testing.factories import PASSWORD, PayerFactory, UserFactory, bound_to

EMAIL, SMS = Purpose.EMAIL_NOTICES, Purpose.SMS_NOTICES


@pytest.fixture
def user(session):
    return UserFactory()


def give(session, user, purpose=EMAIL, version=1):
    return give_consent(session, user.id, purpose, version=version, language="en")


def test_a_consent_is_for_one_purpose_and_has_the_text_that_was_shown(session, user):
    assert give(session, user)

    assert has_consent(session, user.id, EMAIL)
    assert not has_consent(session, user.id, SMS)
    (row,) = list_consents(session, user.id)
    assert (row.text, row.version, row.language) == (CONSENTS[EMAIL].text, 1, "en")


def test_it_is_given_once_and_taken_back_once_and_the_history_stays(session, user):
    assert [give(session, user), give(session, user)] == [True, False]
    assert [withdraw_consent(session, user.id, EMAIL) for _each in range(2)] == [True, False]
    assert not has_consent(session, user.id, EMAIL)
    give(session, user)
    assert has_consent(session, user.id, EMAIL)
    assert [each.withdrawn_at is None for each in list_consents(session, user.id)] == [True, False]


def test_a_text_that_changed_is_read_again(session, user, monkeypatch):
    give(session, user)
    monkeypatch.setitem(consents.CONSENTS, EMAIL, ConsentText("Notices", "Another text.", 2))
    assert not has_consent(session, user.id, EMAIL)
    with pytest.raises(consents.TextChanged):
        give(session, user, version=1)
    assert give(session, user, version=2)
    assert [(each.version, each.withdrawn_at is None) for each in list_consents(session, user.id)] == [
        (2, True),
        (1, False),
    ]


def test_nobody_agrees_for_an_account_that_is_not_open(session):
    from skarbnik.accounts.models import UserState

    blocked = UserFactory(state=UserState.BLOCKED)
    with pytest.raises(NotFound):
        give(session, blocked)


def test_every_purpose_has_a_text_that_fits():
    assert set(CONSENTS) == set(Purpose)
    assert all(len(each.text) <= LONGEST_CONSENT for each in CONSENTS.values())


def test_a_resident_gives_and_takes_back_on_a_page(browse, tenant):
    with tenant.session() as session, bound_to(session):
        email = UserFactory(acts_for=[PayerFactory()]).email
    browser = browse("lipowo")
    browser.sign_in(email, PASSWORD)
    browser.get("/profile/consents")

    assert browser.post("/profile/consents/email_notices", {"version": "1"}).status_code == 303
    assert browser.post("/profile/consents/sms_notices", {"version": "7"}).status_code == 303
    assert browser.post("/profile/consents/nothing", {"version": "1"}).status_code == 404
    with tenant.session() as session:
        assert [each.purpose for each in session.scalars(select(Consent))] == [EMAIL]
    browser.get("/profile/consents")
    assert browser.post("/profile/consents/email_notices").status_code == 303
    with tenant.session() as session:
        assert session.scalars(select(Consent)).one().withdrawn_at is not None
