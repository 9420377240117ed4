"""Who may act for whom because they are the same person: users with a proven PESEL, and payers with the same one.

A mandate of basis `self` is there exactly as long as both numbers are the same; nobody confirms it and nobody keeps
it: a number that was taken away, or a merge that was taken back, ends it as another number does. Numbers hashed with
different keys are not compared: what is, stays, until both were hashed with the new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.pesel import hashes_of
from skarbnik.audit.services import record_act
from skarbnik.payers.models import Payer
from skarbnik.tenancy.registry import Tenant

# A payer registered twice and merged is looked up by any of its numbers and stands for the one it became, unless that
# one is known to be somebody else.
_SAME: LiteralString = """
    FROM users u JOIN payers p ON p.pesel_hash = u.pesel_hash AND p.pesel_key = u.pesel_key
    LEFT JOIN payers b ON b.id = p.merged_into
    WHERE u.kind = 'resident' AND (b.pesel_hash IS NULL OR b.pesel_hash = u.pesel_hash)
"""
_MADE: LiteralString = f"""
    INSERT INTO mandates (id, user_id, payer_id, basis, may_pay, from_on, created_at)
    SELECT gen_random_uuid(), u.id, coalesce(p.merged_into, p.id), 'self', true, :today, :now {_SAME}
        AND (CAST(:user AS uuid) IS NULL OR u.id = :user)
    GROUP BY u.id, coalesce(p.merged_into, p.id)
    ON CONFLICT (user_id, payer_id, basis) DO NOTHING RETURNING user_id, payer_id
"""  # our own words
_ENDED: LiteralString = f"""
    DELETE FROM mandates m USING users o, payers b
    WHERE m.basis = 'self' AND o.id = m.user_id AND b.id = m.payer_id AND o.pesel_hash IS NOT NULL
        AND (CAST(:user AS uuid) IS NULL OR o.id = :user)
        AND NOT EXISTS (SELECT FROM payers q WHERE q.id = ANY(b.merged_from || b.id) AND q.pesel_key <> o.pesel_key)
        AND NOT EXISTS (SELECT {_SAME} AND u.id = m.user_id AND coalesce(p.merged_into, p.id) = m.payer_id)
    RETURNING m.user_id, m.payer_id
"""  # noqa: S608  # our own words


def match_user(session: Session, user_id: UUID) -> None:
    """This user acts for every payer with their PESEL, and for none that has another one now. Safe to repeat."""
    _match(session, user_id)


def match_all(session: Session) -> None:
    """Every user and payer of the gmina: after an import changed payers."""
    _match(session, None)


def match(tenant: Tenant, user_id: UUID) -> None:
    """Somebody proved who they are, at the desk or elsewhere."""
    with tenant.session() as session:
        match_user(session, user_id)


def list_with_pesel(session: Session, tenant: Tenant, pesel: str) -> Sequence[Payer]:
    """Payers a finance system knows by this number, as it calls them; those it was registered for twice, too."""
    found = select(Payer).where(Payer.pesel_hash.in_(hashes_of(tenant, pesel)), Payer.closed_at.is_(None))
    return session.scalars(found.order_by(Payer.id)).all()


def _match(session: Session, user_id: UUID | None) -> None:
    words = {"user": user_id, "today": clock.today(), "now": clock.now()}
    for statement, action in ((_ENDED, "mandate.ended"), (_MADE, "mandate.matched")):
        for row in session.execute(text(statement), words).all():
            record_act(session, action, subject="user", subject_id=row.user_id, payers=[row.payer_id])
