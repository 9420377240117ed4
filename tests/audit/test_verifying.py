"""Whoever breaks the chain by hand is found, and told where, in words."""

import re
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from tests.audit.conftest import NOBODY

from skarbnik import clock
from skarbnik.audit import chain, sealing
from skarbnik.audit.models import AuditEntry, AuditSeal
from skarbnik.audit.verifying import verify
from skarbnik.cli import main
from skarbnik.crypto import KeyRing
from skarbnik.db import first_id_of

SECOND = "(SELECT id FROM audit_entries WHERE seal = 2 ORDER BY id LIMIT 1)"
INSERTED = (
    "INSERT INTO audit_entries (id, at, actor, action, subject, seal) VALUES"
    " (gen_random_uuid(), now(), 'user', 'payer.viewed', 'payer', 2)"
)
BY_HAND = {
    "a field": (f"UPDATE audit_entries SET ip = '10.0.0.9' WHERE id = {SECOND}", "3 entries are under seal 2.*changed"),
    "a moment": (f"UPDATE audit_entries SET at = at - interval '1 day' WHERE id = {SECOND}", "under seal 2.*changed"),
    "whose data": (f"UPDATE audit_entries SET payers = ARRAY[id] WHERE id = {SECOND}", "under seal 2.*changed"),
    "an entry deleted": (f"DELETE FROM audit_entries WHERE id = {SECOND}", "1 of 3 entries under seal 2.*deleted"),
    "all entries deleted": ("DELETE FROM audit_entries WHERE seal = 2", "3 of 3 entries under seal 2.*deleted"),
    "an entry put in": (INSERTED, "1 entries under seal 2.*put in later"),
    "an entry unsealed": (f"UPDATE audit_entries SET seal = NULL WHERE id = {SECOND}", "1 of 3 entries under seal 2"),
    "an entry under another seal": (
        f"UPDATE audit_entries SET seal = 3 WHERE id = {SECOND}", "1 entries under seal 3.*put in later"
    ),
    "two entries swapped": (
        "UPDATE audit_entries AS e SET actor_id = o.subject_id, subject_id = o.subject_id FROM audit_entries AS o"
        " WHERE e.seal = 2 AND o.seal = 2 AND e.id <> o.id", "under seal 2.*changed"
    ),
    "a seal deleted": ("DELETE FROM audit_seals WHERE number = 2", "seal 2 missing"),
    "the first seal deleted": ("DELETE FROM audit_seals WHERE number = 1", "seal 1 missing"),
    "a seal deleted with its entries": (
        "WITH gone AS (DELETE FROM audit_entries WHERE seal = 2) DELETE FROM audit_seals WHERE number = 2",
        "seal 2 missing before seal 3"
    ),
    "a moment of a seal": (
        "UPDATE audit_seals SET sealed_at = sealed_at - interval '3 years' WHERE number = 2", "seal 2.*does not follow"
    ),
    "a digest": ("UPDATE audit_seals SET digest = repeat('0', 64) WHERE number = 2", "seal 2.*does not follow"),
    "a mark": ("UPDATE audit_seals SET mark = repeat('0', 64) WHERE number = 2", "seal 2 was not made by this portal"),
    "removed too early": (
        "WITH gone AS (DELETE FROM audit_entries WHERE seal = 1)"
        " UPDATE audit_seals SET removed_at = now() WHERE number = 1", "seal 1 were removed before 2 years"
    ),
    "called removed and still there": (
        "UPDATE audit_seals SET removed_at = now() + interval '3 years' WHERE number = 1",
        "seal 1, whose entries were removed"
    ),
    "removed out of turn": (
        "WITH gone AS (DELETE FROM audit_entries WHERE seal = 2)"
        " UPDATE audit_seals SET removed_at = now() + interval '3 years' WHERE number = 2",
        "seal 2 were removed and those of seal 1 were not"
    ),
    "the end cut off": (
        "WITH gone AS (DELETE FROM audit_entries WHERE seal = 3) DELETE FROM audit_seals WHERE number = 3",
        "ends with seal 2, and seal 3 was made: its end was cut off"
    ),
    "everything deleted": (
        "WITH gone AS (DELETE FROM audit_entries) DELETE FROM audit_seals", "ends with seal 0, and seal 3 was made"
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", BY_HAND)
def test_what_somebody_does_by_hand_is_found(sealed, tamper, how):
    statement, words = BY_HAND[how]
    assert verify(sealed).holds
    tamper(statement)

    broken = "\n".join(verify(sealed).broken)
    assert re.search(words, broken), broken


def test_a_chain_written_anew_by_the_owner_of_the_tables_lacks_our_mark(sealed, tamper, forge):
    tamper(f"DELETE FROM audit_entries WHERE id = {SECOND}")
    forge()

    broken = "\n".join(verify(sealed).broken)
    assert "seal 2 was not made by this portal" in broken
    assert "entries under seal 2" not in broken  # the digests are all right


def test_a_chain_written_anew_with_our_key_is_not_the_one_that_is_known_outside(sealed, tamper, forge):
    tamper(f"DELETE FROM audit_entries WHERE id = {SECOND}")
    forge(key=True)

    assert verify(sealed).broken == ["seal 3 is not the one that was made: the chain was written anew"]


def test_an_anchor_on_paper_finds_what_the_kept_one_does_not(sealed, tamper, forge, seals):
    noted = chain.Anchor(2, seals()[1].digest)
    tamper(f"DELETE FROM audit_entries WHERE id = {SECOND}")
    forge(key=True)
    (sealed.instance.settings.files / "audit" / sealed.id).unlink()  # whoever has key and tables has the files too

    assert verify(sealed).holds
    assert verify(sealed, [noted]).broken == ["seal 2 is not the one that was made: the chain was written anew"]


def test_a_kept_anchor_that_was_overwritten_is_told(sealed, act):
    (sealed.instance.settings.files / "audit" / sealed.id).write_text("nothing")

    assert "cannot be read" in verify(sealed).broken[0]
    act()
    sealing.seal(sealed, NOBODY)  # goes on, and leaves the evidence
    assert "cannot be read" in verify(sealed).broken[0]


def test_an_old_act_that_comes_only_now_is_remarked(sealed, act, tamper):
    year_ago = clock.now() - timedelta(days=365)
    tamper(
        "INSERT INTO audit_entries (id, at, actor, action, subject) VALUES (%s, %s, 'user', 'payer.viewed', 'payer')",
        first_id_of(year_ago), year_ago,
    )  # fmt: skip
    assert "has no seal yet" in verify(sealed).remarks[0]
    sealing.seal(sealed, NOBODY)

    verdict = verify(sealed)
    assert verdict.holds
    assert "was put in before it was sealed" in verdict.remarks[0]


def test_a_key_that_left_the_ring_is_said_and_breaks_nothing(sealed, tamper):
    tamper("UPDATE audit_seals SET key_version = 9")

    verdict = verify(sealed)
    assert verdict.holds
    assert len([each for each in verdict.remarks if "key 9" in each]) == 3


def test_a_new_key_marks_new_seals_and_the_old_one_proves_the_old_ones(sealed, act, monkeypatch):
    keys = sealed.instance.keys
    monkeypatch.setattr(sealed.instance, "keys", KeyRing(((2, b"n" * 32), *keys._keys.items())))
    act()
    sealing.seal(sealed, NOBODY)

    verdict = verify(sealed)
    assert (verdict.broken, verdict.remarks, verdict.seals) == ([], [], 4)


def test_no_more_than_a_screen_is_said(sealed, act, tamper, monkeypatch):
    monkeypatch.setattr(sealing, "BATCH", 1)
    act(40)
    sealing.seal(sealed, NOBODY)
    tamper("UPDATE audit_entries SET ip = '10.0.0.9'")

    lines = list(verify(sealed).lines())
    assert "BROKEN: and 23 times more" in lines
    assert lines[-1] == "THE CHAIN IS BROKEN"


@pytest.fixture
def command(clean, monkeypatch):
    for name, value in clean.environment.items():
        monkeypatch.setenv(name, value)
    return lambda *words: CliRunner().invoke(main, ["audit", *words])


def test_the_command_says_that_the_chain_holds_and_the_trail_that_it_was_looked_at(sealed, command):
    done = command("verify", "lipowo")

    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "the chain holds")
    assert "3 seals, 9 entries" in done.output
    with sealed.session() as session:
        newest = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert (newest.action, newest.actor) == ("audit.verified", "operator")


def test_the_command_says_where_it_breaks(sealed, command, tamper):
    tamper(f"DELETE FROM audit_entries WHERE id = {SECOND}")
    done = command("verify", "lipowo")

    assert done.exit_code == 2
    assert "BROKEN: 1 of 3 entries under seal 2" in done.output


def test_the_command_takes_anchors_and_refuses_what_is_none(sealed, command, seals):
    assert command("verify", "lipowo", "--anchor", f"2:{seals()[1].digest}").exit_code == 0
    assert command("verify", "lipowo", "--anchor", f"9:{seals()[1].digest}").exit_code == 2
    for wrong in ("2", "2:abc", f"x:{'0' * 64}", f"2:{'A' * 64}", ""):
        done = command("verify", "lipowo", "--anchor", wrong)
        assert (done.exit_code, "not an anchor" in done.output) == (2, True)
    assert command("verify", "nowhere").exit_code == 1


def test_a_gmina_without_a_seal_has_nothing_to_break(tenant, command):
    assert verify(tenant).holds
    assert "there is no seal yet" in command("verify", "lipowo").output
    with tenant.session() as session:
        assert session.scalars(select(AuditSeal)).all() == []
