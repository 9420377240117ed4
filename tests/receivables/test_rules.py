"""What an office adds to the law's values by date holds in its gmina, from that day on, and nowhere else."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event

import pytest

from skarbnik import clock
from skarbnik.db import new_id
from skarbnik.errors import Invalid, NotFound
from skarbnik.plugin_api import Regime
from skarbnik.receivables.models import DatedKind, InterestMode
from skarbnik.receivables.rules import rules_of
from skarbnik.receivables.services import KindSettings, set_kind, set_value
from skarbnik.testing.factories import CreditorAccountFactory, KindFactory, bound_to

SOON = date(2026, 12, 1)


def rate(tenant, day=SOON):
    with tenant.session() as session:
        return rules_of(session).tax.value_on(day)


def test_a_gmina_without_values_of_its_own_has_those_of_the_country(tenant):
    assert rate(tenant) == 1050


def test_an_added_value_holds_at_once_and_only_here(tenant, neighbour):
    assert (rate(tenant), rate(neighbour)) == (1050, 1050)
    with tenant.session() as session:
        set_value(session, DatedKind.TAX_RATE, SOON, 1000, note="M.P. 2026 poz. 1")

    assert (rate(tenant), rate(neighbour)) == (1000, 1050)
    assert rate(tenant, date(2026, 11, 30)) == 1050


def test_a_value_that_is_changed_and_one_that_is_taken_back_are_seen_at_once(tenant):
    with tenant.session() as session:
        set_value(session, DatedKind.TAX_RATE, SOON, 1000, note="")
    assert rate(tenant) == 1000
    with tenant.session() as session:
        set_value(session, DatedKind.TAX_RATE, SOON, 999, note="poprawka")
    assert rate(tenant) == 999
    with tenant.session() as session:
        set_value(session, DatedKind.TAX_RATE, SOON, None, note="pomyłka")
    assert rate(tenant) == 1050


def test_a_holiday_of_a_new_law_moves_what_is_due_that_day(tenant):
    with tenant.session() as session:
        set_value(session, DatedKind.FREE_DAY, date(2026, 12, 15), 1, note="ustawa o dniu wolnym")
        assert rules_of(session).first_day(date(2026, 12, 15)) == date(2026, 12, 17)


@pytest.mark.parametrize(
    ("day", "value"),
    [(date(1997, 12, 31), 100), (date(2090, 1, 1), 100), (SOON, 0), (SOON, -1), (SOON, 10_001)],
)
def test_what_cannot_be_meant_is_refused(tenant, day, value):
    with tenant.session() as session, pytest.raises(Invalid):
        set_value(session, DatedKind.TAX_RATE, day, value, note="")


def test_the_office_says_how_a_kind_is_paid_and_where_its_interest_comes_from(tenant, neighbour):
    with neighbour.session() as session, bound_to(session):
        foreign = CreditorAccountFactory().id
    with tenant.session() as session, bound_to(session):
        kind = KindFactory(regime=Regime.TAX)
        assert kind.interest is InterestMode.GIVEN
        wanted = KindSettings(5, False, True, InterestMode.COMPUTED, "XII/123/2025", kind.creditor_account_id)
        changed = set_kind(session, kind.id, wanted)
        assert (changed.position, changed.online, changed.in_parts) == (5, False, True)
        assert (changed.interest, changed.resolution) == (InterestMode.COMPUTED, "XII/123/2025")
        with pytest.raises(NotFound):
            set_kind(session, new_id(), wanted)
        with pytest.raises(NotFound):
            set_kind(session, kind.id, KindSettings(5, False, True, InterestMode.GIVEN, None, foreign))


def test_what_is_remembered_of_one_gmina_is_not_another_s(tenant, neighbour):
    with tenant.session() as session:
        set_value(session, DatedKind.FREE_DAY, clock.today(), 1, note="")
        ours = rules_of(session)
    with neighbour.session() as session:
        theirs = rules_of(session)
    assert ours.workdays.is_free(clock.today())
    assert theirs.workdays.free == frozenset()


def test_two_officials_who_change_at_once_are_both_heard(tenant):
    """Processes remember by the newest moment: it must be of who commits last."""
    first_wrote, second_asks = Event(), Event()

    def second():
        first_wrote.wait(10)
        with tenant.session() as session:
            second_asks.set()
            set_value(session, DatedKind.CIVIL_RATE, SOON, 800, note="")
        with tenant.session() as session:
            return rules_of(session).civil.value_on(SOON)

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(second)
        with tenant.session() as session:
            set_value(session, DatedKind.TAX_RATE, SOON, 1000, note="")
            first_wrote.set()
            second_asks.wait(10)
            time.sleep(0.1)
        assert other.result(timeout=10) == 800
    assert rate(tenant) == 1000
    with tenant.session() as session:
        moments = session.read("SELECT kind, changed_at FROM dated_values ORDER BY changed_at")
    assert [each.kind for each in moments] == ["tax_rate", "civil_rate"]
