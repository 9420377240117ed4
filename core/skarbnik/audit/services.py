"""Writing the trail."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.audit.models import AuditEntry


def record_act(
    session: Session,
    action: str,
    *,
    subject: str,
    subject_id: UUID | None,
    actor: str = "system",
    actor_id: UUID | None = None,
    request_id: str | None = None,
    ip: str | None = None,
) -> None:
    """Append one act in the transaction that does it: neither is there without the other."""
    session.add(
        AuditEntry(
            at=clock.now(),
            actor=actor,
            actor_id=actor_id,
            action=action,
            subject=subject,
            subject_id=subject_id,
            request_id=request_id,
            ip=ip,
        )
    )
