"""One night a week the trail of a gmina is looked after, and once a month the gmina gets its newest seal."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.accounts.models import SignInAttempt, SignInOutcome, UserKind
from skarbnik.accounts.services import record_attempt
from skarbnik.audit import sealing
from skarbnik.audit.models import AuditEntry
from skarbnik.audit.services import record_act
from skarbnik.clock import WARSAW
from skarbnik.db import first_id_of
from skarbnik.errands import SUBSCRIBERS, Runner
from skarbnik.mail.models import Mail
from skarbnik.office.tending import next_turn, tend

NOBODY = UUID(int=0)


@pytest.fixture
def sealed(tenant):
    with tenant.session() as session:
        record_act(session, "payer.viewed", subject="payer", subject_id=None)
    sealing.seal(tenant, NOBODY)
    return tenant


def attempt(tenant, at):
    with tenant.session() as session:
        session.add(
            SignInAttempt(
                id=first_id_of(at),
                at=at,
                kind=UserKind.RESIDENT,
                outcome=SignInOutcome.WRONG,
                way="local",
                ip="10.0.0.1",
            )
        )


def test_who_tried_to_sign_in_is_kept_as_long_as_the_trail(sealed):
    now = clock.now()
    for days in (800, 733, 731, 1):
        attempt(sealed, now - timedelta(days=days))
    with sealed.session() as session:
        record_attempt(
            session, kind=UserKind.RESIDENT, user_id=None, outcome=SignInOutcome.WRONG, way="local", ip="10.0.0.1"
        )
    tend(sealed, NOBODY)
    with sealed.session() as session:
        kept = session.scalars(select(SignInAttempt.at).order_by(SignInAttempt.id)).all()
    assert [(now - each).days for each in kept][:2] == [731, 1]
    assert len(kept) == 3


def mails(tenant):
    with tenant.session() as session:
        return session.scalars(select(Mail).order_by(Mail.id)).all()


def acts(tenant):
    with tenant.session() as session:
        return session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()


def test_a_gmina_has_its_turn_each_week_at_night():
    after = clock.now()
    turns = []
    for _ in range(60):  # over both changes of the clock
        after = next_turn("abcdefgh", after)
        turns.append(after.astimezone(WARSAW))
    assert {each.weekday() for each in turns} == {turns[0].weekday()}
    assert all(1 <= each.hour < 4 for each in turns)
    between = {later.date() - one.date() for one, later in pairwise(turns)}
    assert between == {timedelta(days=7)}


def test_gminas_do_not_all_come_in_one_night():
    turns = [next_turn(f"gmina{number:03d}", clock.now()) for number in range(700)]
    nights = {each.date(): 0 for each in turns}
    for each in turns:
        nights[each.date()] += 1
    assert len(nights) >= 7
    assert max(nights.values()) < 200


def test_the_gmina_gets_its_seal_once_a_month(sealed):
    for moment in (datetime(2027, 3, 2, 2, tzinfo=WARSAW), datetime(2027, 3, 9, 2, tzinfo=WARSAW)):
        with clock.stopped_at(moment):
            tend(sealed, NOBODY)
    assert len(mails(sealed)) == 1
    with clock.stopped_at(datetime(2027, 4, 6, 2, tzinfo=WARSAW)):
        tend(sealed, NOBODY)

    found = mails(sealed)
    assert [each.recipient for each in found] == ["urzad@lipowo.example"] * 2
    assert "1:" in found[0].text
    assert acts(sealed).count("audit.verified") == 3


def test_a_broken_chain_is_told_at_once_and_nothing_is_removed(sealed, clean, monkeypatch):
    monkeypatch.setattr("skarbnik.office.tending.remove_old", lambda _: pytest.fail("removed evidence"))
    with clean.as_admin() as connection:
        connection.execute(f"UPDATE {sealed.schema}.audit_entries SET ip = '10.9.9.9'")
    tend(sealed, NOBODY)

    (mail,) = mails(sealed)
    assert mail.cause == "audit.broken"
    assert "under seal 1" in mail.text
    assert acts(sealed)[-1] == "audit.broken"


def test_a_gmina_without_an_address_is_looked_after_all_the_same(sealed):
    tend(replace(sealed, email=None), NOBODY)
    assert mails(sealed) == []


def test_its_errands_come_back(tenant, clean):
    with tenant.session() as session:
        record_act(session, "payer.viewed", subject="payer", subject_id=None)
    with clean.as_admin() as admin:
        admin.execute("UPDATE work.outbox SET due_at = now() WHERE topic = 'audit.seal'")
        runner = Runner(clean.instance, {topic: SUBSCRIBERS[topic] for topic in ("audit.seal", "audit.tend")})
        for topic in ("audit.seal", "audit.tend"):
            runner.run([row[0] for row in admin.execute("SELECT id FROM work.outbox WHERE topic = %s", (topic,))])
            soonest = admin.execute("SELECT min(due_at) FROM work.outbox WHERE topic = %s", (topic,)).fetchone()[0]
            assert soonest > clock.now() + timedelta(minutes=10)
        assert admin.execute("SELECT max(attempts) FROM work.outbox WHERE topic LIKE 'audit.%'").fetchone() == (0,)
    assert "audit.verified" in acts(tenant)
