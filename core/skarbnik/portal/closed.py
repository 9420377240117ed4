"""What ends above the account when it is closed: mandates, and links by which others pay."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import update

from skarbnik import clock
from skarbnik.payers.ending import end_mandates
from skarbnik.payments.models import PaymentLink
from skarbnik.tenancy.registry import Tenant


def account_closed(tenant: Tenant, user_id: UUID) -> None:
    """Nobody acts with a closed account before this is done either: it is active no more. Safe to repeat."""
    with tenant.session() as session:
        end_mandates(session, user_id)
        session.execute(
            update(PaymentLink)
            .where(PaymentLink.created_by == user_id, PaymentLink.revoked_at.is_(None))
            .values(revoked_at=clock.now())
        )
