"""Reading who acts for whom, who asked to, and which payer is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select, text
from sqlalchemy.orm import Session, aliased

from skarbnik.accounts.models import User
from skarbnik.accounts.signed_in import GOOD_TODAY
from skarbnik.db import like_anywhere
from skarbnik.errors import NotFound
from skarbnik.payers.models import Mandate, MandateBasis, MandateRequest, Payer
from skarbnik.payers.states import RequestState

PAGE = 30
GOOD_ON = GOOD_TODAY.replace("%(today)s", ":today")  # the same for `text`
SHORTEST = 3  # characters of a text payers are looked for with

_Decider, _Ender, _Named = aliased(User), aliased(User), aliased(Payer)


def list_requests(session: Session, state: RequestState, *, after: UUID | None = None) -> Sequence[Any]:
    """The office's queue, the oldest first; one more than a page may come."""
    query = _requests().where(MandateRequest.state == state).order_by(MandateRequest.id).limit(PAGE + 1)
    return session.execute(query.where(MandateRequest.id > after) if after else query).all()


def list_requests_of(session: Session, user_id: UUID, *, before: UUID | None = None) -> Sequence[Any]:
    """What one person asked for, the newest first; one more than a page may come."""
    query = _requests().where(MandateRequest.user_id == user_id).order_by(MandateRequest.id.desc()).limit(PAGE + 1)
    return session.execute(query.where(MandateRequest.id < before) if before else query).all()


def get_request(session: Session, request_id: UUID) -> Any:
    found = session.execute(_requests().where(MandateRequest.id == request_id)).one_or_none()
    if found is None:
        raise NotFound(f"no request {request_id}")
    return found


def _requests() -> Any:
    """With the payer it was confirmed for, as which that one goes on when it was merged."""
    return (
        select(
            MandateRequest,
            User.name.label("asker"),
            (User.pesel_hash.is_not(None)).label("proven"),
            Payer.name.label("payer"),
            _Decider.name.label("decider"),
            _Ender.name.label("ender"),
            _Ender.kind.label("ender_kind"),
        )
        .join(User, User.id == MandateRequest.user_id)
        .outerjoin(_Named, _Named.id == MandateRequest.payer_id)
        .outerjoin(Payer, Payer.id == func.coalesce(_Named.merged_into, _Named.id))
        .outerjoin(_Decider, _Decider.id == MandateRequest.decided_by)
        .outerjoin(_Ender, _Ender.id == MandateRequest.ended_by)
    )


# Two finance systems may know one company, and one may have it twice: all of them are shown, and for one that was
# merged stands the one it became.
_CANDIDATES = text("""
    SELECT p.id, p.source, p.external_id, p.name, p.kind, p.nip, p.city, p.closed_at,
        p.pesel_hash IS NOT NULL AS has_pesel, i.id AS became_id, i.name AS became, i.external_id AS became_number
    FROM payers p LEFT JOIN payers i ON i.id = p.merged_into
    WHERE p.nip = :nip OR (:wanted <> '' AND (p.external_id = :wanted OR p.nip = :wanted OR p.name ILIKE :like))
    ORDER BY p.nip = :nip DESC NULLS LAST, p.merged_into IS NOT NULL, p.closed_at IS NOT NULL, p.name, p.id LIMIT 50
""")


def find_candidates(session: Session, *, nip: str | None, wanted: str) -> Sequence[Any]:
    """Payers a request may mean: by its NIP, and by a name or a number (three characters at least), 50 at most."""
    if len(wanted) < SHORTEST:
        wanted = ""
    return session.execute(_CANDIDATES, {"nip": nip, "wanted": wanted, "like": like_anywhere(wanted)}).all()


_ACTING = text("""
    SELECT m.id, m.user_id, m.basis, m.may_pay, m.from_on, m.until_on, m.request_id, u.name, u.state,
        c.name AS confirmer
    FROM mandates m JOIN users u ON u.id = m.user_id LEFT JOIN users c ON c.id = m.confirmed_by
    WHERE m.payer_id = ANY ((SELECT id || merged_from FROM payers WHERE id = :payer)::uuid[])
        AND (m.until_on IS NULL OR m.until_on >= greatest(m.from_on, :today))
        AND (CAST(:but AS uuid) IS NULL OR m.user_id <> :but)
    ORDER BY m.basis = 'self' DESC, u.name, m.id LIMIT :most
""")


def list_acting_for(
    session: Session, payer_id: UUID, *, today: date, but: UUID | None = None, most: int = 100
) -> Sequence[Any]:
    """Who acts for a payer today or will; `but` leaves somebody out."""
    return session.execute(_ACTING, {"payer": payer_id, "today": today, "but": but, "most": most}).all()


_MANDATES = text("""
    SELECT m.id, m.basis, m.may_pay, m.from_on, m.until_on, m.request_id, m.payer_id, p.id AS whole_id, p.name,
        n.external_id, c.name AS confirmer, q.ended_at, q.reason, e.name AS ender,
        m.until_on IS NOT NULL AND m.until_on < greatest(m.from_on, :today) AS over
    FROM mandates m JOIN payers n ON n.id = m.payer_id JOIN payers p ON p.id = coalesce(n.merged_into, n.id)
    LEFT JOIN users c ON c.id = m.confirmed_by LEFT JOIN mandate_requests q ON q.id = m.request_id
    LEFT JOIN users e ON e.id = q.ended_by
    WHERE m.user_id = :user ORDER BY over, m.basis = 'self' DESC, p.name, m.id LIMIT 200
""")


def list_mandates_of(session: Session, user_id: UUID, *, today: date) -> Sequence[Any]:
    """For whom somebody acts, will, or did: what is over comes last."""
    return session.execute(_MANDATES, {"user": user_id, "today": today}).all()


_PAYERS_OF = text("SELECT DISTINCT payer_id FROM mandates WHERE user_id IN :users").bindparams(
    bindparam("users", expanding=True)
)


def payers_of(session: Session, user_ids: Iterable[UUID]) -> set[UUID]:
    """Whose data stand behind these accounts: the payers they act for or did."""
    users = list(user_ids)
    return set(session.scalars(_PAYERS_OF, {"users": users})) if users else set()


def is_good(today: date) -> ColumnElement[bool]:
    """Whether a mandate is good on this day: as `GOOD_TODAY`, for queries of the ORM."""
    return (Mandate.from_on <= today) & (Mandate.until_on.is_(None) | (Mandate.until_on >= today))


def acts_as_self(session: Session, *, user_id: UUID, payer_id: UUID, today: date) -> bool:
    """Whether a user is this payer in person: the same proven PESEL."""
    named = aliased(Payer)
    found = (
        select(Mandate.id)
        .join(named, named.id == Mandate.payer_id)
        .where(
            Mandate.user_id == user_id,
            Mandate.basis == MandateBasis.SELF,
            is_good(today),
            (named.id == payer_id) | (named.merged_into == payer_id),
        )
        .limit(1)
    )
    return session.scalar(found) is not None
