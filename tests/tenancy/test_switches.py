"""What a gmina chooses for itself holds there and nowhere else."""

from skarbnik.tenancy.models import Switch, SwitchName
from skarbnik.tenancy.switches import is_switched_on, set_switch
from skarbnik.testing.factories import OfficialFactory, bound_to


def test_a_choice_nobody_made_is_off_and_is_kept_with_who_made_it(tenant):
    with tenant.session() as session, bound_to(session):
        by = OfficialFactory().id
        assert not is_switched_on(session, SwitchName.SUPPORT_AT_ONCE)
        assert set_switch(session, SwitchName.SUPPORT_AT_ONCE, on=True, by=by)
        assert is_switched_on(session, SwitchName.SUPPORT_AT_ONCE)
        assert not is_switched_on(session, SwitchName.NAME_CO_OWNERS)
        assert session.get_one(Switch, SwitchName.SUPPORT_AT_ONCE).changed_by == by


def test_choosing_what_is_chosen_changes_nothing(tenant):
    with tenant.session() as session, bound_to(session):
        first, second = OfficialFactory().id, OfficialFactory().id
        assert not set_switch(session, SwitchName.NAME_CO_OWNERS, on=False, by=first)
        assert set_switch(session, SwitchName.NAME_CO_OWNERS, on=True, by=first)
        assert not set_switch(session, SwitchName.NAME_CO_OWNERS, on=True, by=second)
        assert session.get_one(Switch, SwitchName.NAME_CO_OWNERS).changed_by == first
        assert set_switch(session, SwitchName.NAME_CO_OWNERS, on=False, by=second)
        assert not is_switched_on(session, SwitchName.NAME_CO_OWNERS)


def test_a_choice_of_one_gmina_is_none_of_another(tenant, neighbour):
    with tenant.session() as session, bound_to(session):
        set_switch(session, SwitchName.NAME_CO_OWNERS, on=True, by=OfficialFactory().id)
    with neighbour.session() as session:
        assert not is_switched_on(session, SwitchName.NAME_CO_OWNERS)
