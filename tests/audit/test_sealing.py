"""The trail is sealed into a chain, batch after batch, whoever commits late, dies in between or comes twice."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from tests.audit.conftest import NOBODY

from skarbnik import clock
from skarbnik.audit import chain, sealing
from skarbnik.audit.models import AuditEntry
from skarbnik.audit.services import record_act
from skarbnik.audit.verifying import verify
from skarbnik.db import first_id_of


def test_every_entry_gets_one_seal_and_the_chain_holds(sealed, seals):
    assert [(each.number, each.entries) for each in seals()] == [(1, 2), (2, 3), (3, 4)]
    verdict = verify(sealed)
    assert verdict.broken == verdict.remarks == []
    assert (verdict.seals, verdict.entries, verdict.waiting) == (3, 9, 0)
    assert str(verdict.newest) == f"3:{seals()[-1].digest}"


def test_where_nothing_happened_nothing_is_sealed(sealed, seals):
    assert sealing.seal(sealed, NOBODY) is None
    assert len(seals()) == 3


def test_more_than_a_batch_is_more_than_one_seal(sealed, act, seals, monkeypatch):
    monkeypatch.setattr(sealing, "BATCH", 4)
    act(9)

    assert sealing.seal(sealed, NOBODY) is not None
    assert [each.entries for each in seals()] == [2, 3, 4, 4, 4, 1]
    assert verify(sealed).holds


def test_an_entry_that_is_committed_late_is_under_the_next_seal(tenant, act, seals):
    late = tenant.open_session()
    record_act(late, "payer.viewed", subject="payer", subject_id=None)  # its id is older than those that follow
    act(3)
    sealing.seal(tenant, NOBODY)
    late.commit()
    late.close()

    assert verify(tenant).waiting == 1
    sealing.seal(tenant, NOBODY)
    assert [each.entries for each in seals()] == [3, 1]
    assert verify(tenant).holds


def test_a_clock_that_went_back_leaves_nothing_out(sealed, act, tamper):
    tamper("ALTER TABLE audit_entries DISABLE TRIGGER USER")
    yesterday = clock.now() - timedelta(hours=20)
    tamper(
        "INSERT INTO audit_entries (id, at, actor, action, subject) VALUES (%s, %s, 'system', 'payer.viewed', 'payer')",
        first_id_of(yesterday), yesterday,
    )  # fmt: skip
    tamper("ALTER TABLE audit_entries ENABLE TRIGGER USER")
    act()

    sealing.seal(sealed, NOBODY)
    verdict = verify(sealed)
    assert (verdict.holds, verdict.seals, verdict.entries, verdict.waiting) == (True, 4, 11, 0)


def test_a_seal_is_never_older_than_the_one_before(sealed, act, forge, tenant):
    forge(key=True, older_by=timedelta(days=-1))  # the clock of the database was wrong for a while
    (clean_place := tenant.instance.settings.files / "audit" / tenant.id).unlink()
    act()
    sealing.seal(sealed, NOBODY)

    assert verify(sealed).holds
    assert clean_place.read_text().startswith("4:")


def test_two_workers_at_once_make_one_chain(tenant, act, seals, monkeypatch):
    monkeypatch.setattr(sealing, "BATCH", 7)
    act(60)
    workers = [threading.Thread(target=sealing.seal, args=(tenant, NOBODY)) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()

    sealing.seal(tenant, NOBODY)
    assert sum(each.entries for each in seals()) == 60
    assert verify(tenant).holds


def test_whoever_is_killed_before_the_commit_leaves_no_half_seal(tenant, act, seals):
    act(3)
    session = tenant.open_session()
    assert sealing.seal_batch(tenant, session) is not None
    session.rollback()
    session.close()

    assert seals() == []
    sealing.seal(tenant, NOBODY)
    assert [each.entries for each in seals()] == [3]
    assert verify(tenant).holds


def test_whoever_is_killed_after_the_commit_leaves_the_older_anchor(sealed, act, monkeypatch):
    monkeypatch.setattr(chain, "keep_anchor", lambda *_: None)
    act()
    sealing.seal(sealed, NOBODY)

    assert chain.find_kept_anchor(sealed).number == 3
    assert verify(sealed).holds


def test_a_worker_that_comes_late_does_not_put_an_older_anchor_back(sealed, seals):
    chain.keep_anchor(sealed, chain.Anchor(1, seals()[0].digest))

    assert chain.find_kept_anchor(sealed) == chain.Anchor(3, seals()[2].digest)


def test_lines_of_any_text_are_the_same_for_the_database_and_for_us(sealed, act):
    act(subject='źdźbło "\\ \t\n\x01\x7f', request_id="=1+1", ip="::1")

    sealing.seal(sealed, NOBODY)  # the database refuses a digest that is not its own
    assert verify(sealed).holds


def waiting_errands(admin, topic):
    return admin.execute("SELECT tenant_id, due_at FROM work.outbox WHERE topic = %s", (topic,)).fetchall()


def test_the_first_act_of_a_quarter_rings_and_the_others_do_not(tenant, neighbour, act, clean):
    act()
    act()
    act(3)
    with clean.as_admin() as admin:
        rung = waiting_errands(admin, "audit.seal")
    assert {each[0] for each in rung} == {tenant.id}
    assert len(rung) <= 2  # a quarter may end between two acts
    assert all(timedelta(0) < due - clock.now() < timedelta(minutes=22) for _, due in rung)


def test_the_first_seal_has_the_chain_looked_after(sealed, clean):
    with clean.as_admin() as admin:
        assert [each[0] for each in waiting_errands(admin, "audit.tend")] == [sealed.id]


ENTRY = "INSERT INTO audit_entries (id, at, actor, action, subject, seal) VALUES (:id, now(), 'system', 'x', 'x', 1)"
SEAL = "SELECT audit_seal(:number, CAST(:ids AS uuid[]), clock_timestamp(), :digest, 1, :mark)"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET seal = NULL",
        "UPDATE audit_seals SET removed_at = now()",
        "DELETE FROM audit_seals",
        "INSERT INTO audit_seals SELECT number + 1, entries, first_id, last_id, sealed_at, content, digest, 1, mark"
        " FROM audit_seals",
        "UPDATE audit_keeping SET years = 2",
        "DELETE FROM audit_keeping",
        "DROP FUNCTION audit_rings() CASCADE",
        "ALTER TABLE audit_entries DISABLE TRIGGER USER",
    ],
)
def test_who_runs_the_portal_cannot_touch_what_is_sealed(sealed, statement):
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), sealed.session() as session:
        session.execute(text(statement))


def test_who_runs_the_portal_cannot_put_an_entry_under_a_seal(sealed, some_id):
    with pytest.raises(ProgrammingError, match="permission denied"), sealed.session() as session:
        session.execute(text(ENTRY), {"id": some_id()})


@pytest.mark.parametrize("what", ["another number", "no entries", "sealed already", "another digest", "twice"])
def test_the_database_refuses_a_seal_that_is_not_of_these_entries(sealed, act, what):
    act(2)
    with sealed.session() as session:
        old = session.scalars(select(AuditEntry.id).where(AuditEntry.seal == 1)).all()
        new = session.scalars(select(AuditEntry.id).where(AuditEntry.seal.is_(None)).order_by(AuditEntry.id)).all()
    number, ids = {
        "another number": (5, new),
        "no entries": (4, []),
        "sealed already": (4, [*old, *new]),
        "another digest": (4, new),
        "twice": (4, [new[0], new[0], new[1]]),
    }[what]

    with pytest.raises(DBAPIError, match="seal"), sealed.session() as session:
        session.execute(text(SEAL), {"number": number, "ids": ids, "digest": "0" * 64, "mark": "0" * 64})
    assert verify(sealed).holds


def test_a_stolen_login_that_seals_without_our_key_is_noticed(sealed, act, monkeypatch):
    act()
    monkeypatch.setattr(chain, "mark_of", lambda *_, **__: "0" * 64)
    sealing.seal(sealed, NOBODY)
    monkeypatch.undo()

    assert any("seal 4 was not made by this portal" in each for each in verify(sealed).broken)


def test_a_table_of_the_same_name_does_not_fool_the_functions(sealed):
    """A login may make temporary tables, which are found before others unless a function says where to look."""
    session = sealed.open_session()
    session.execute(text("CREATE TEMPORARY TABLE audit_seals (number integer, removed_at timestamptz)"))
    with pytest.raises(DBAPIError, match="is kept still"):
        session.execute(text("SELECT audit_remove(1)"))
    session.rollback()
    session.close()
    assert verify(sealed).holds


def test_each_gmina_has_a_chain_of_its_own(sealed, neighbour):
    with neighbour.session() as session:
        record_act(session, "payer.viewed", subject="payer", subject_id=UUID(int=1))
    sealing.seal(neighbour, NOBODY)

    assert (verify(neighbour).seals, verify(neighbour).entries) == (1, 1)
    assert verify(sealed).seals == 3
