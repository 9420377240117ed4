"""Signing out at the provider, too; and rows that ended go with the next sign-ins."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, text

from skarbnik import clock
from skarbnik.accounts import provider_sign_out
from skarbnik.accounts.codes import code_at, new_app_key
from skarbnik.accounts.factors import store_app
from skarbnik.accounts.models import ProviderSession, SignInAway, User
from skarbnik.errors import OutcomeUnknown, Refused

from .providing import back, go, identity


def test_signing_out_here_ends_the_session_there(lipowo, provider, browse):
    provider.says = identity(session="words of the provider")
    browser = browse("lipowo")
    back(browser, go(browser, provider))
    with lipowo.session() as session:
        kept = session.scalars(select(ProviderSession)).one()
    assert b"words" not in kept.sealed

    browser.get("/profile")
    browser.post("/sign-out", {})
    assert provider_sign_out.end_there(lipowo, kept.id) is None

    assert provider.ended == ["words of the provider"]
    with lipowo.session() as session:
        assert session.scalars(select(ProviderSession)).all() == []
    assert provider_sign_out.end_there(lipowo, kept.id) is None  # rung twice


@pytest.mark.parametrize(("error", "again"), [(OutcomeUnknown("slow"), True), (Refused("no"), False)])
def test_a_provider_that_does_not_end_it_keeps_nobody_signed_in_here(lipowo, provider, browse, error, again):
    provider.says = identity(session="words")
    browser = browse("lipowo")
    back(browser, go(browser, provider))
    browser.get("/profile")
    browser.post("/sign-out", {})
    provider.on_end = error
    with lipowo.session() as session:
        kept = session.scalars(select(ProviderSession)).one()

    assert (provider_sign_out.end_there(lipowo, kept.id) is not None) == again
    assert browser.get("/profile").status_code == 303
    with lipowo.session() as session:
        session.scalars(select(ProviderSession.id)).all()


def test_it_is_given_up_after_half_an_hour(lipowo, provider, browse):
    provider.says = identity(session="words")
    provider.on_end = OutcomeUnknown("slow")
    browser = browse("lipowo")
    back(browser, go(browser, provider))
    browser.get("/profile")
    browser.post("/sign-out", {})
    with lipowo.session() as session:
        kept = session.scalars(select(ProviderSession)).one()
        kept.created_at = clock.now() - provider_sign_out.TRIED_FOR

    assert provider_sign_out.end_there(lipowo, kept.id) is None
    with lipowo.session() as session:
        assert session.scalars(select(ProviderSession)).all() == []


def test_a_second_step_of_ours_after_the_provider_changes_nothing_of_it(lipowo, provider, browse):
    provider.says = identity(session="words of the provider")
    browser = browse("lipowo")
    back(browser, go(browser, provider))
    with lipowo.session() as session:
        user = session.scalars(select(User)).one()
        app = new_app_key()
        store_app(session, lipowo, user.id, app)
    browser.get("/profile")
    browser.post("/sign-out", {})
    with lipowo.session() as session:
        session.execute(delete(ProviderSession))

    provider.says = identity(2, session="words of the second time")
    answer = back(browser, go(browser, provider))
    assert answer.location == "/sign-in/second"
    assert browser.get("/profile").status_code == 303
    browser.get("/sign-in/second")
    browser.post("/sign-in/second", {"code": code_at(app, clock.now().timestamp())})
    assert browser.get("/profile").status_code == 200
    browser.post("/sign-out", {})
    with lipowo.session() as session:
        kept = session.scalars(select(ProviderSession)).one()
    assert provider_sign_out.end_there(lipowo, kept.id) is None
    assert provider.ended == ["words of the second time"]


def test_rows_that_ended_go_with_the_next_sign_ins(lipowo, provider, browse):
    long_ago = clock.now() - timedelta(days=2)
    with lipowo.session() as session:
        for number in range(30):
            session.execute(
                text(
                    "INSERT INTO pending_sign_ins (handle_hash, cookie_hash, request_id, provider, purpose, level,"
                    " wanted, begun_at) VALUES (:n, 'c', gen_random_uuid(), 'p', 'enter', 'low', '', :at)"
                ),
                {"n": str(number), "at": long_ago},
            )
            session.execute(
                text("INSERT INTO used_answers (answer_hash, until_at) VALUES (:n, :at)"),
                {"n": str(number), "at": long_ago},
            )
    for _ in range(2):
        go(browse("lipowo"), provider)

    with lipowo.session() as session:
        assert session.scalar(select(func.count()).select_from(SignInAway)) == 2
        assert session.scalar(text("SELECT count(*) FROM used_answers")) == 0
