"""Who asked to act for somebody is told by e-mail that the office decided, and who acted that it is over."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from skarbnik.accounts.models import User, UserState
from skarbnik.mail.services import send_mail
from skarbnik.payers.models import MandateRequest
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.languages import load_catalogue


def tell_decided(tenant: Tenant, request_id: UUID) -> None:
    """Once. Neither for whom it is nor what was decided stands in the e-mail."""
    with tenant.session() as session:
        request = session.get_one(MandateRequest, request_id)
        _ = load_catalogue(request.language).gettext
        text = _(
            "The office decided about your request to act for somebody.\n\nSee the decision: %(address)s\n\n"
            "%(office)s\nPlease do not answer this message."
        )
        _write(session, tenant, request, "mandate.decided", _("The office decided about your request"), text)


def tell_ended(tenant: Tenant, request_id: UUID) -> None:
    """Once. For whom they acted does not stand in the e-mail."""
    with tenant.session() as session:
        request = session.get_one(MandateRequest, request_id)
        _ = load_catalogue(request.language).gettext
        text = _(
            "A right to act for somebody was ended. You do not see their data any more.\n\n"
            "See for whom you act: %(address)s\n\n%(office)s\nPlease do not answer this message."
        )
        _write(session, tenant, request, "mandate.ended", _("A right to act for somebody was ended"), text)


def _write(session: Session, tenant: Tenant, request: MandateRequest, cause: str, subject: str, text: str) -> None:
    """To who asked, if they have an address and could sign in to read more."""
    asker = session.get_one(User, request.user_id)
    if asker.email is None or asker.state is not UserState.ACTIVE:
        return
    words = {"address": tenant.url("/acting"), "office": tenant.name}
    send_mail(session, cause=cause, subject_id=request.id, recipient=asker.email, subject=subject, text=text % words)
