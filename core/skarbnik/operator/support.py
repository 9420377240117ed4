"""Support access: an operator asks, the gmina is told and agrees, the operator comes in by a link that works once.

The row of the access is locked by whatever changes it: who agrees and who refuses in the same moment do not both do
it, and a click of the operator is either before the end of the access or not at all.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid5

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.letters import Letter, send_letter
from skarbnik.accounts.models import User
from skarbnik.accounts.officials import list_administrators
from skarbnik.accounts.services import short_hash
from skarbnik.audit.services import record_act
from skarbnik.errors import Conflict, Invalid, NotFound
from skarbnik.operator.models import HOURS, LONGEST_REASON, SupportAccess
from skarbnik.operator.sign_in import Operator
from skarbnik.operator.states import OPEN, SupportState
from skarbnik.plugin_api import N_, Support
from skarbnik.tenancy.models import SwitchName
from skarbnik.tenancy.registry import Tenant
from skarbnik.tenancy.switches import is_switched_on
from skarbnik.web.formats import moment

WAITS = timedelta(days=3)  # for an answer; then the question is over
LINK = timedelta(minutes=1)
PAGE = 20
MARK = "support"  # a session's token begins with it, and is looked for here and not among those of users

ASKED = Letter(
    "support.asked",
    N_("Support asks for access: %(office)s"),
    N_(
        "The operator of the portal, %(operator)s, asks to look at the portal of the office for %(hours)d h.\n\n"
        "Why: %(reason)s\n\nAgree or refuse here: %(address)s\n\n"
        "Until somebody agrees, nobody looks. You can end the access at any moment.\n\n"
        "%(office)s\nPlease do not answer this message."
    ),
)
LET_IN = Letter(
    "support.asked",
    N_("Support has access: %(office)s"),
    N_(
        "The operator of the portal, %(operator)s, may look at the portal of the office until %(until)s.\n\n"
        "Why: %(reason)s\n\nYou can end the access at any moment here: %(address)s\n\n"
        "It needed nobody's agreement, as your office chose. %(office)s\nPlease do not answer this message."
    ),
)


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('support'), hashtext(:operator))")


class AskedAlready(Conflict):
    """The operator has access to this gmina, or waits for an answer: one at a time."""


class Over(Conflict):
    """The access was refused, ended, or its time is over; or somebody decided a moment ago."""


def ask(
    session: Session, tenant: Tenant, *, access_id: UUID, by: Operator, reason: str, scope: Support, hours: int, ip: str
) -> SupportAccess:
    """Ask a gmina to let an operator look, and tell its administrators. Invalid, AskedAlready.

    Where the gmina lets operators in at once it is agreed to already; its administrators are told all the same.
    """
    reason = " ".join(reason.split())
    if not 0 < len(reason) <= LONGEST_REASON or hours not in HOURS:
        raise Invalid("a reason and a number of hours are needed")
    now = clock.now()
    session.execute(_ONE_AT_A_TIME, {"operator": str(by.id)})
    if has_open(session, by.id):
        raise AskedAlready("there is an open access of this operator")
    access = SupportAccess(
        id=access_id,
        operator_id=by.id,
        operator_name=by.name,
        reason=reason,
        scope=scope,
        hours=hours,
        state=SupportState.ASKED,
        asked_at=now,
        until_at=now + WAITS,
    )
    session.add(access)
    session.flush()
    _record(session, access, "support.asked", ip=ip)
    if is_switched_on(session, SwitchName.SUPPORT_AT_ONCE):
        access.move_to(SupportState.AGREED)
        access.decided_at, access.until_at = now, now + timedelta(hours=hours)
        _record(session, access, "support.let_in", ip=ip)
    _tell_administrators(session, tenant, access)
    return access


def has_open(session: Session, operator_id: UUID) -> bool:
    """Whether the operator may look, or waits for an answer."""
    mine = (SupportAccess.operator_id == operator_id) & SupportAccess.state.in_(OPEN)
    found = select(SupportAccess.id).where(mine, SupportAccess.until_at > clock.now()).limit(1)
    return session.scalar(found) is not None


def agree(session: Session, access_id: UUID, *, by: UUID) -> SupportAccess:
    """The operator may look, from now on for as long as was asked. NotFound, Over."""
    access = _lock_open(session, access_id, SupportState.ASKED)
    access.move_to(SupportState.AGREED)
    access.decided_at, access.decided_by = clock.now(), by
    access.until_at = access.decided_at + timedelta(hours=access.hours)
    return access


def refuse(session: Session, access_id: UUID, *, by: UUID) -> SupportAccess:
    """The operator may not. NotFound, Over."""
    access = _lock_open(session, access_id, SupportState.ASKED)
    access.move_to(SupportState.REFUSED)
    access.decided_at, access.decided_by = clock.now(), by
    return access


def end(session: Session, access_id: UUID, *, by: UUID | None) -> SupportAccess:
    """It is over, now: the operator's next click is nobody's. `by` nobody: the operator. NotFound, Over."""
    access = _lock_open(session, access_id)
    access.move_to(SupportState.ENDED)
    access.ended_at, access.ended_by = clock.now(), by
    return access


def withdraw(session: Session, access_id: UUID, *, operator_id: UUID, ip: str) -> None:
    """The operator needs it no more. NotFound when it is another operator's; Over."""
    get_of_operator(session, access_id, operator_id)
    access = end(session, access_id, by=None)
    _record(session, access, "support.withdrawn", ip=ip)


def make_link(session: Session, access_id: UUID, *, operator_id: UUID) -> str:
    """The secret of a link that lets this operator's browser in, once and within a minute. The one before is nothing.

    NotFound when the access is another operator's; Over.
    """
    get_of_operator(session, access_id, operator_id)
    access = _lock_open(session, access_id, SupportState.AGREED)
    secret = secrets.token_urlsafe(32)
    access.link_hash, access.link_until = short_hash(secret), clock.now() + LINK
    return secret


def find_linked(session: Session, access_id: UUID, secret: str, *, lock: bool = False) -> SupportAccess | None:
    """Whom a link lets in now. None for one that was used, is too old, or is of an access that is over."""
    access = session.get(SupportAccess, access_id, with_for_update=lock or None, populate_existing=lock)
    now = clock.now()
    if access is None or access.state is not SupportState.AGREED or access.until_at <= now:
        return None
    if access.link_hash != short_hash(secret) or access.link_until is None or access.link_until <= now:
        return None
    return access


def use_link(session: Session, access_id: UUID, secret: str, *, ip: str) -> str:
    """Change the link for a session: the token for the cookie. Another browser of this access is out. NotFound."""
    access = find_linked(session, access_id, secret, lock=True)
    if access is None:
        raise NotFound("no such link, or used, or too old")
    key = secrets.token_urlsafe(32)
    access.link_hash = access.link_until = None
    access.session_hash, access.seen_at = short_hash(key), clock.now()
    _record(session, access, "support.entered", ip=ip)
    return f"{MARK}.{access.id.hex}.{key}"


def leave(session: Session, token: str, *, ip: str) -> None:
    """The browser of the operator is signed out; the access stays until it ends."""
    access_id, key = read_token(token) or (None, "")
    access = session.get(SupportAccess, access_id, with_for_update=True) if access_id else None
    if access is not None and access.session_hash == short_hash(key):
        access.session_hash = None
        _record(session, access, "support.left", ip=ip)


def read_token(token: str) -> tuple[UUID, str] | None:
    """The access a session's token is of, and its key; None when it is a token of somebody else."""
    mark, _dot, rest = token.partition(".")
    number, _dot, key = rest.partition(".")
    try:
        return (UUID(number), key) if mark == MARK and key else None
    except ValueError:
        return None


def get_of_operator(session: Session, access_id: UUID, operator_id: UUID) -> SupportAccess:
    """NotFound for another operator's, as for none."""
    access = session.get(SupportAccess, access_id)
    if access is None or access.operator_id != operator_id:
        raise NotFound(f"no access {access_id} of this operator")
    return access


def list_accesses(session: Session, *, before: UUID | None) -> Sequence[SupportAccess]:
    """All there were, the newest first, one more than a page shows."""
    found = select(SupportAccess).order_by(SupportAccess.id.desc()).limit(PAGE + 1)
    return session.scalars(found if before is None else found.where(SupportAccess.id < before)).all()


def names_of(session: Session, accesses: Sequence[SupportAccess]) -> dict[UUID, str]:
    """Who of the office decided, by id."""
    ids = {who for each in accesses for who in (each.decided_by, each.ended_by) if who is not None}
    if not ids:
        return {}
    return {row.id: row.name for row in session.execute(select(User.id, User.name).where(User.id.in_(ids)))}


def _lock_open(session: Session, access_id: UUID, *states: SupportState) -> SupportAccess:
    """NotFound; Over unless it is in one of these states, or in any that is open where none is named."""
    access = session.get(SupportAccess, access_id, with_for_update=True, populate_existing=True)
    if access is None:
        raise NotFound(f"no access {access_id}")
    if access.state not in (states or OPEN) or access.until_at <= clock.now():
        raise Over("refused, ended, or too late")
    return access


def _record(session: Session, access: SupportAccess, action: str, *, ip: str) -> None:
    record_act(
        session,
        action,
        subject="support_access",
        subject_id=access.id,
        actor="operator",
        actor_id=access.operator_id,
        ip=ip[:45],
    )


def _tell_administrators(session: Session, tenant: Tenant, access: SupportAccess) -> None:
    """Each in their language, once for each access."""
    words = {
        "operator": access.operator_name,
        "hours": access.hours,
        "reason": access.reason,
        "until": moment(access.until_at),
        "address": tenant.url("/office/support"),
    }
    letter = LET_IN if access.state is SupportState.AGREED else ASKED
    for user in list_administrators(session):
        if user.email is not None:
            about = uuid5(access.id, str(user.id))
            send_letter(session, tenant, letter, words, to=user.email, language=user.language, about=about)
