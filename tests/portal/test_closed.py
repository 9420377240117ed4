"""What ends above an account that was closed: links by which others pay, and requests to act for somebody."""

import pytest
from sqlalchemy import select

from skarbnik.payers.models import MandateRequest
from skarbnik.payers.states import RequestState
from skarbnik.payments.links import make_link
from skarbnik.payments.models import PaymentLink
from skarbnik.portal.closed import account_closed
from skarbnik.testing.factories import InstalmentFactory, MandateRequestFactory, PayerFactory, UserFactory, bound_to


@pytest.fixture
def two(tenant):
    """Two residents of one payer, each with a link by which others pay."""
    with tenant.session() as session, bound_to(session):
        payer = PayerFactory()
        users = [UserFactory(acts_for=[payer]) for _each in range(2)]
        instalment = InstalmentFactory(payer=payer)
        for user in users:
            make_link(session, payer_id=payer.id, user_id=user.id, instalment_ids=[instalment.id])
    return users


def test_links_of_who_closed_the_account_end_and_no_others(two, tenant):
    account_closed(tenant, two[0].id)
    account_closed(tenant, two[0].id)
    with tenant.session() as session:
        ended = {each.created_by: each.revoked_at is not None for each in session.scalars(select(PaymentLink))}
    assert ended == {two[0].id: True, two[1].id: False}


def test_what_they_asked_for_waits_for_nobody_and_nobody_makes_a_mandate_of_it(tenant):
    with tenant.session() as session, bound_to(session):
        closed, other = UserFactory(), UserFactory()
        asked = MandateRequestFactory(user_id=closed.id, state=RequestState.ASKED)
        theirs = MandateRequestFactory(user_id=other.id, state=RequestState.ASKED)
    account_closed(tenant, closed.id)
    account_closed(tenant, closed.id)
    with tenant.session() as session:
        found = [session.get_one(MandateRequest, each.id).state for each in (asked, theirs)]
    assert found == [RequestState.WITHDRAWN, RequestState.ASKED]
