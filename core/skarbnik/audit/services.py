"""Writing the trail, and how long it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.audit.models import LEAST_YEARS, LONGEST_SUBJECT, MOST_YEARS, AuditKeeping
from skarbnik.db import new_id
from skarbnik.errors import Invalid

MOST_PAYERS = 500  # of one entry; an act that showed more is several entries

_APPEND = text("""
    INSERT INTO audit_entries (id, at, actor, actor_id, action, subject, subject_id, payers, request_id, ip)
    VALUES (:id, :at, :actor, :actor_id, :action, :subject, :subject_id, CAST(:payers AS uuid[]), :request_id, :ip)
""")


def record_act(
    session: Session,
    action: str,
    *,
    subject: str,
    subject_id: UUID | None,
    payers: Iterable[UUID | None] = (),
    actor: str = "system",
    actor_id: UUID | None = None,
    request_id: str | None = None,
    ip: str | None = None,
) -> None:
    """Append one act in the transaction that does it: neither is there without the other.

    `payers` are those whose data it showed or changed. A subject names what it is; one made of a vendor's long name is
    cut, so that it keeps nobody from doing anything.
    """
    words = {
        "at": clock.now(),
        "actor": actor,
        "actor_id": actor_id,
        "action": action,
        "subject": subject[:LONGEST_SUBJECT],
        "subject_id": subject_id,
        "request_id": request_id,
        "ip": ip,
    }
    named = sorted({each for each in payers if each is not None})
    for start in range(0, max(len(named), 1), MOST_PAYERS):
        session.execute(_APPEND, {**words, "id": new_id(), "payers": named[start : start + MOST_PAYERS]})


def years_kept(session: Session) -> int:
    """For how many years entries are kept. KRI says two where no other law says more (Dz.U. 2024 poz. 773, § 20)."""
    newest = select(AuditKeeping.years).order_by(AuditKeeping.changed_at.desc()).limit(1)
    return session.scalar(newest) or LEAST_YEARS


def keep_for(session: Session, years: int, *, by: UUID | None) -> bool:
    """Keep entries for so many years from now on; Invalid for less than two. Whether that is another number."""
    if not LEAST_YEARS <= years <= MOST_YEARS:
        raise Invalid(f"the trail is kept from {LEAST_YEARS} to {MOST_YEARS} years, not {years}")
    if years == years_kept(session):
        return False
    session.add(AuditKeeping(changed_at=clock.now(), years=years, changed_by=by))
    return True
