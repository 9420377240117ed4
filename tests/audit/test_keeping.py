"""The trail is kept as long as the gmina says and two years at least; then it goes, and the chain still holds."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from skarbnik.audit.keeping import remove_old
from skarbnik.audit.models import AuditEntry
from skarbnik.audit.services import keep_for, years_kept
from skarbnik.audit.verifying import verify
from skarbnik.errors import Invalid

TWO_YEARS = timedelta(days=2 * 366)


@pytest.fixture
def old(sealed, forge, act):
    """Three seals that are two years old, and the anchor of the chain as it is now."""

    def make(years=2):
        forge(key=True, older_by=timedelta(days=366 * years))
        (sealed.instance.settings.files / "audit" / sealed.id).unlink()
        return sealed

    return make


def test_what_is_old_enough_goes_and_its_seals_stay(old, act, seals):
    tenant = old()
    act(5)
    assert remove_old(tenant) == 9

    with tenant.session() as session:
        assert len(session.scalars(select(AuditEntry)).all()) == 5
    assert all(each.removed_at for each in seals())
    verdict = verify(tenant)
    assert (verdict.broken, verdict.removed, verdict.entries, verdict.waiting) == ([], 3, 0, 5)
    assert remove_old(tenant) == 0


def test_what_is_younger_than_two_years_stays(sealed, seals):
    assert remove_old(sealed) == 0
    assert not any(each.removed_at for each in seals())


@pytest.mark.parametrize(("years", "gone"), [(2, 9), (3, 0), (5, 0)])
def test_a_gmina_may_keep_it_longer(old, years, gone):
    tenant = old()
    with tenant.session() as session:
        keep_for(session, years, by=None)
    assert remove_old(tenant) == gone


@pytest.mark.parametrize("years", [-1, 0, 1, 51, 10**9])
def test_nobody_keeps_it_for_less_than_two_years(tenant, years):
    with tenant.session() as session:
        with pytest.raises(Invalid):
            keep_for(session, years, by=None)
        assert years_kept(session) == 2
    with pytest.raises(DBAPIError, match=r"audit_keeping_years_check|out of range"), tenant.session() as session:
        session.execute(text("INSERT INTO audit_keeping (changed_at, years) VALUES (now(), :years)"), {"years": years})


def test_the_newest_choice_counts_and_the_same_one_is_none(tenant):
    for years, changed in ((5, True), (5, False), (3, True)):
        with tenant.session() as session:
            assert keep_for(session, years, by=None) is changed
    with tenant.session() as session:
        assert years_kept(session) == 3


def remove(tenant, number):
    with tenant.session() as session:
        session.execute(text("SELECT audit_remove(:number)"), {"number": number})


def test_a_stolen_login_removes_nothing_before_its_time(sealed):
    with pytest.raises(DBAPIError, match="is kept still"):
        remove(sealed, 1)


def test_a_stolen_login_removes_nothing_out_of_turn(old):
    tenant = old()
    for number in (2, 3, 4, 0, None):
        with pytest.raises(DBAPIError, match="not the oldest"):
            remove(tenant, number)
    remove(tenant, 1)
    with pytest.raises(DBAPIError, match="not the oldest"):
        remove(tenant, 1)


def test_what_was_tampered_with_is_evidence_and_stays(old, tamper):
    tenant = old()
    tamper("UPDATE audit_entries SET ip = '10.0.0.9' WHERE seal = 2")
    with pytest.raises(DBAPIError, match="under seal 2 was changed"):
        remove_old(tenant)

    with tenant.session() as session:
        assert len(session.scalars(select(AuditEntry).where(AuditEntry.seal.in_((2, 3)))).all()) == 7


def test_a_night_that_is_cut_short_is_finished_the_next(old, monkeypatch):
    tenant = old()
    monkeypatch.setattr("skarbnik.audit.keeping.MOST_AT_ONCE", 1)
    assert [remove_old(tenant) for _ in range(4)] == [2, 3, 4, 0]
    assert verify(tenant).holds
