"""The trail of what somebody signed in does in a browser."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from flask import g, request

from skarbnik.audit.services import record_act
from skarbnik.web import frame
from skarbnik.web.access import current_person


def record_own_act(
    action: str, subject: str, subject_id: UUID | None = None, *, payers: Iterable[UUID | None] = ()
) -> None:
    """Append an act of the person of this request, with where it came from, in the request's transaction."""
    person = current_person()
    record_act(
        frame.session(),
        action,
        subject=subject,
        subject_id=subject_id,
        payers=payers,
        actor="user" if person.access_id is None else "operator",
        actor_id=person.id,
        request_id=g.request_id,
        ip=request.remote_addr,
    )


def record_act_of_user(action: str, user_id: UUID) -> None:
    """Append what somebody did to their own account while nobody was signed in: by a link, or halfway in."""
    record_act(
        frame.session(),
        action,
        subject="user",
        subject_id=user_id,
        actor="user",
        actor_id=user_id,
        request_id=g.request_id,
        ip=request.remote_addr,
    )
