"""Two who do the same in one moment: one of them did it, and nothing either of them made is lost."""

from sqlalchemy import func, select, text

from skarbnik.accounts import connections
from skarbnik.accounts.models import User, UserKind
from skarbnik.accounts.services import AddressTaken, make_user
from skarbnik.testing.together import together


def test_two_invitations_of_one_address_make_one_account(tenant):
    def invite():
        with tenant.session() as session:
            make_user(session, kind=UserKind.OFFICIAL, email="olga@lipowo.example", name="Olga", password=None)
            session.execute(text("SELECT pg_sleep(0.3)"))
        return "made"

    ends = together(invite, invite)
    assert "made" in ends
    assert [type(each) for each in ends if each != "made"] == [AddressTaken]
    with tenant.session() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 1


def test_two_administrators_who_make_keys_of_one_provider_lose_neither(tenant):
    with tenant.session() as session:
        connections.prepare(session, tenant, "epuap", {})

    def make(use):
        with tenant.session() as session:
            connections.make_waiting_key(session, tenant, "epuap", use)
            session.execute(text("SELECT pg_sleep(0.3)"))
        return use

    uses = ["signing", "encryption"]
    assert sorted(together(*[lambda use=use: make(use) for use in uses])) == sorted(uses)
    with tenant.session() as session:
        assert sorted(connections.read_prepared(session, tenant, "epuap").waiting) == sorted(uses)
