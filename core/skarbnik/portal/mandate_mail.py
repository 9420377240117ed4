"""Who asked to act for somebody is told by e-mail that the office decided, and who acted that it is over.

Neither for whom it is nor what was decided stands in an e-mail.
"""

from __future__ import annotations

from uuid import UUID

from skarbnik.accounts.letters import Letter, send_letter
from skarbnik.accounts.models import User, UserState
from skarbnik.payers.models import MandateRequest
from skarbnik.plugin_api import N_
from skarbnik.tenancy.registry import Tenant

DECIDED = Letter(
    "mandate.decided",
    N_("The office decided about your request"),
    N_(
        "The office decided about your request to act for somebody.\n\nSee the decision: %(address)s\n\n"
        "%(office)s\nPlease do not answer this message."
    ),
)
ENDED = Letter(
    "mandate.ended",
    N_("A right to act for somebody was ended"),
    N_(
        "A right to act for somebody was ended. You do not see their data any more.\n\n"
        "See for whom you act: %(address)s\n\n%(office)s\nPlease do not answer this message."
    ),
)


def tell_decided(tenant: Tenant, request_id: UUID) -> None:
    """Once."""
    _tell(tenant, request_id, DECIDED)


def tell_ended(tenant: Tenant, request_id: UUID) -> None:
    """Once."""
    _tell(tenant, request_id, ENDED)


def _tell(tenant: Tenant, request_id: UUID, letter: Letter) -> None:
    """Who asked, if they have an address and could sign in to read more."""
    with tenant.session() as session:
        request = session.get_one(MandateRequest, request_id)
        asker = session.get_one(User, request.user_id)
        if asker.email is None or asker.state is not UserState.ACTIVE:
            return
        words = {"address": tenant.url("/acting")}
        send_letter(session, tenant, letter, words, to=asker.email, language=request.language, about=request.id)
