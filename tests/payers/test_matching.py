"""Who proved a PESEL acts for the payers with the same one, exactly as long as both are the same."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from skarbnik.accounts.pesel import hash_pesel, set_pesel
from skarbnik.audit.models import AuditEntry
from skarbnik.payers.matching import match_all, match_user
from skarbnik.payers.models import Mandate, MandateBasis
from skarbnik.testing.factories import MandateFactory, OfficialFactory, PayerFactory, UserFactory

NUMBERS = ("84051203469", "81110302754", "72090905196")


@pytest.fixture
def lipowo(lab):
    return lab.tenant("lipowo")


@pytest.fixture
def user(session, lipowo):
    made = UserFactory()
    set_pesel(made, lipowo, NUMBERS[0])
    session.flush()
    return made


def payer_of(tenant, number, **changes):
    return PayerFactory(
        pesel_hash=hash_pesel(tenant, number) if number else None, pesel_key=1 if number else None, **changes
    )


def acts_for(session, user):
    found = select(Mandate.payer_id).where(Mandate.user_id == user.id, Mandate.basis == MandateBasis.SELF)
    return set(session.scalars(found))


def test_every_payer_with_the_same_number_is_theirs_and_no_other(session, lipowo, user):
    mine = {payer_of(lipowo, NUMBERS[0]).id, payer_of(lipowo, NUMBERS[0]).id}
    payer_of(lipowo, NUMBERS[1])
    payer_of(lipowo, None)

    match_user(session, user.id)
    match_user(session, user.id)

    assert acts_for(session, user) == mine


def test_an_official_with_the_same_number_acts_for_nobody(session, lipowo):
    official = OfficialFactory()
    set_pesel(official, lipowo, NUMBERS[0])
    payer_of(lipowo, NUMBERS[0])

    match_all(session)

    assert acts_for(session, official) == set()


def test_a_number_that_was_corrected_ends_the_right_at_once(session, lipowo, user):
    payer = payer_of(lipowo, NUMBERS[0])
    match_all(session)
    payer.pesel_hash = hash_pesel(lipowo, NUMBERS[1])
    session.flush()

    match_all(session)

    assert acts_for(session, user) == set()
    actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert [each for each in actions if each.startswith("mandate.")] == ["mandate.matched", "mandate.ended"]


def test_a_right_an_official_gave_is_not_touched(session, lipowo, user):
    payer = payer_of(lipowo, NUMBERS[1])
    MandateFactory(user_id=user.id, payer_id=payer.id, basis=MandateBasis.PROXY)

    match_all(session)

    assert session.scalars(select(Mandate.basis)).all() == [MandateBasis.PROXY]


def test_a_payer_merged_into_another_stands_for_that_one(session, lipowo, user):
    new = payer_of(lipowo, None)
    old = payer_of(lipowo, NUMBERS[0])
    match_all(session)
    assert acts_for(session, user) == {old.id}
    old.merged_into = new.id
    session.flush()

    match_all(session)

    assert acts_for(session, user) == {new.id}


def test_a_payer_merged_into_somebody_else_stands_for_nobody(session, lipowo, user):
    other = payer_of(lipowo, NUMBERS[1])
    payer_of(lipowo, NUMBERS[0], merged_into=other.id)

    match_all(session)

    assert acts_for(session, user) == set()


def test_numbers_hashed_with_different_keys_are_not_compared(session, lipowo, user):
    payer = payer_of(lipowo, NUMBERS[0])
    match_all(session)
    user.pesel_key = 2
    session.flush()

    match_all(session)

    assert acts_for(session, user) == {payer.id}


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([None, 0, 1, 2]), st.booleans()), max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_imports_say_one_after_another_only_equal_numbers_remain(session, lipowo, changes):
    with session.begin_nested() as undone:
        people = [UserFactory() for _ in range(2)]
        for place, person in enumerate(people):
            set_pesel(person, lipowo, NUMBERS[place])
        payers = [payer_of(lipowo, None) for _ in range(4)]
        session.flush()
        for place, number, _rest in changes:
            payers[place].pesel_hash = None if number is None else hash_pesel(lipowo, NUMBERS[number])
            payers[place].pesel_key = None if number is None else 1
            session.flush()
            match_all(session)
            for person, own in zip(people, NUMBERS, strict=False):
                held = {each.id for each in payers if each.id in acts_for(session, person)}
                assert held == {each.id for each in payers if each.pesel_hash == hash_pesel(lipowo, own)}
        undone.rollback()


def test_a_number_that_was_taken_away_ends_the_right(session, lipowo, user):
    """The finance system had it by mistake: nothing says any more that the payer is this person."""
    payer = payer_of(lipowo, NUMBERS[0])
    match_all(session)
    payer.pesel_hash = payer.pesel_key = None
    session.flush()

    match_all(session)

    assert acts_for(session, user) == set()


def test_a_merge_that_was_taken_back_ends_the_right(session, lipowo, user):
    stranger = payer_of(lipowo, None)
    mine = payer_of(lipowo, NUMBERS[0], merged_into=stranger.id)
    match_all(session)
    assert acts_for(session, user) == {stranger.id}
    mine.merged_into = None
    session.flush()

    match_all(session)

    assert acts_for(session, user) == {mine.id}


def test_a_merged_number_hashed_with_another_key_is_not_compared(session, lipowo, user):
    new = payer_of(lipowo, None)
    new.merged_from = [payer_of(lipowo, NUMBERS[0], merged_into=new.id).id]
    session.flush()
    match_all(session)
    user.pesel_key = 2
    session.flush()

    match_all(session)

    assert acts_for(session, user) == {new.id}
