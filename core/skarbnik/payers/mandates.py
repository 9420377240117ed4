"""Asking to act for somebody, deciding it, ending it.

Who decides looks at the document: a power of attorney is given in writing, and its original or an officially certified
copy is shown (art. 33 § 2 and 3 KPA; in tax matters art. 138a-138e of the Tax Ordinance).
Locks: the user who acts or wants to (so all of this comes one after another for one person), request, payer, mandate.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.models import User
from skarbnik.errors import Conflict, Forbidden, Invalid, NotFound
from skarbnik.outbox import publish
from skarbnik.payers.models import CompanyRole, Mandate, MandateBasis, MandateRequest, Payer
from skarbnik.payers.queries import acts_as_self
from skarbnik.payers.states import RequestState, step

R = TypeVar("R", Mandate, MandateRequest)

MOST_OPEN = 5  # of one user


class TooManyOpen(Conflict):
    """The user has to wait for a decision, or withdraw something, before they ask for more."""


class AskedAlready(Conflict):
    """An open request of the same kind is about the same person or company."""


class OwnRequest(Forbidden):
    """Nobody decides what they asked for themselves, under whichever account."""


class PayerChanged(Conflict):
    """The finance system merged or closed the payer meanwhile; the official must look again."""


class EndedAlready(Conflict):
    """There is nothing to end: its last day is over, or somebody was quicker."""


@dataclass(frozen=True)
class Wish:
    """What somebody asks for. `nip` has ten digits; `document` is a word about what they will show."""

    basis: MandateBasis
    document: str
    may_pay: bool
    name: str | None = None
    nip: str | None = None
    role: CompanyRole | None = None
    document_on: date | None = None
    until_on: date | None = None

    @property
    def about(self) -> str:
        return self.nip or (self.name or "").casefold()


@dataclass(frozen=True)
class Decision:
    """What the office gives: for whom, as what, from which day to which; no last day is until it is ended."""

    payer_id: UUID
    basis: MandateBasis
    may_pay: bool
    from_on: date
    until_on: date | None = None


def ask_mandate(session: Session, *, user_id: UUID, wish: Wish, language: str) -> MandateRequest:
    """The same form sent twice asks once. AskedAlready when it says something else about the same; TooManyOpen.

    Invalid for a kind nobody asks for, or nobody named.
    """
    if wish.basis is MandateBasis.SELF or not wish.about or not wish.document:
        raise Invalid("a request says for whom, as what and with which document")
    _lock_user(session, user_id)  # so that two windows do not ask for the sixth
    mine = (MandateRequest.user_id == user_id) & (MandateRequest.state == RequestState.ASKED)
    waiting = session.scalars(select(MandateRequest).where(mine)).all()
    for each in waiting:
        if each.basis is wish.basis and wish_of(each).about == wish.about:
            if wish_of(each) == wish:
                return each
            raise AskedAlready(f"request {each.id} waits for a decision")
    if len(waiting) >= MOST_OPEN:
        raise TooManyOpen(f"user {user_id} has {MOST_OPEN} open requests")
    words = asdict(wish)
    words["wanted_until"], words["wants_pay"] = words.pop("until_on"), words.pop("may_pay")
    request = MandateRequest(user_id=user_id, language=language, asked_at=clock.now(), **words)
    session.add(request)
    session.flush()
    return request


def wish_of(request: MandateRequest) -> Wish:
    return Wish(
        basis=request.basis,
        document=request.document,
        may_pay=request.wants_pay,
        name=request.name,
        nip=request.nip,
        role=request.role,
        document_on=request.document_on,
        until_on=request.wanted_until,
    )


def withdraw_request(session: Session, request_id: UUID, *, user_id: UUID) -> MandateRequest:
    """By who asked. ForbiddenTransition once it is decided."""
    request = _lock_request(session, request_id, MandateRequest.user_id == user_id)
    request.move_to(RequestState.WITHDRAWN)
    return request


def confirm_request(session: Session, request_id: UUID, decision: Decision, *, by: UUID) -> Mandate:
    """From now on who asked may act, within the days of the decision. Once: ForbiddenTransition for who comes second.

    A newer mandate of the same basis takes the place of the one before. OwnRequest; PayerChanged when the payer was
    merged or closed since the official looked; Invalid for days that give nothing.
    """
    if decision.basis is MandateBasis.SELF:
        raise Invalid("nobody confirms who somebody is")
    if decision.until_on is not None and decision.until_on < max(decision.from_on, clock.today()):
        raise Invalid("the last day is before the first one, or over")
    request = _lock_request(session, request_id)
    _check_not_own(session, request, by)
    step(request.state, RequestState.CONFIRMED)  # who comes second is told so, whatever became of the payer
    _lock_payer(session, decision.payer_id)
    mandate = _find_mandate(session, request.user_id, decision)
    now = clock.now()
    if mandate.request_id is not None:
        _close(_lock_request(session, mandate.request_id), by=by, reason=None)
    request.move_to(RequestState.CONFIRMED)
    request.basis, request.payer_id, request.may_pay = decision.basis, decision.payer_id, decision.may_pay
    request.from_on, request.until_on = decision.from_on, decision.until_on
    request.decided_by, request.decided_at = by, now
    mandate.may_pay, mandate.from_on, mandate.until_on = decision.may_pay, decision.from_on, decision.until_on
    mandate.confirmed_by, mandate.created_at, mandate.request_id = by, now, request.id
    session.add(mandate)
    session.flush()
    publish(session, "account.mandate_decided", request.id)
    return mandate


def _find_mandate(session: Session, user_id: UUID, decision: Decision) -> Mandate:
    """The row of this user, payer and basis, locked; a new one that is not added yet, where there is none."""
    mine = (Mandate.user_id == user_id) & (Mandate.payer_id == decision.payer_id) & (Mandate.basis == decision.basis)
    found = session.scalars(select(Mandate).where(mine).with_for_update()).one_or_none()
    return found or Mandate(user_id=user_id, payer_id=decision.payer_id, basis=decision.basis)


def refuse_request(session: Session, request_id: UUID, *, reason: str, by: UUID) -> MandateRequest:
    """Once; who asked reads the reason. OwnRequest, ForbiddenTransition."""
    if not reason.strip():
        raise Invalid("a refusal says why")
    request = _lock_request(session, request_id)
    _check_not_own(session, request, by)
    request.move_to(RequestState.REFUSED)
    request.reason, request.decided_by, request.decided_at = reason, by, clock.now()
    session.flush()
    publish(session, "account.mandate_decided", request.id)
    return request


def end_mandate(session: Session, mandate_id: UUID, *, reason: str, by: UUID) -> Mandate:
    """An official ends it, now. Invalid for one by PESEL: that ends when the numbers differ. EndedAlready."""
    if not reason.strip():
        raise Invalid("an end says why")
    mandate = _lock_mandate(session, mandate_id)
    request = _end(session, mandate, by=by, reason=reason)
    publish(session, "account.mandate_ended", request.id)
    return mandate


def give_up_mandate(session: Session, mandate_id: UUID, *, user_id: UUID) -> Mandate:
    """Its holder does not want it any more. NotFound for what is somebody else's; EndedAlready."""
    mandate = _lock_mandate(session, mandate_id, Mandate.user_id == user_id)
    _end(session, mandate, by=user_id, reason=None)
    return mandate


def take_back_mandate(session: Session, mandate_id: UUID, *, payer_id: UUID, by: UUID) -> Mandate:
    """The person themselves ends a power of attorney they gave. NotFound unless `by` is the payer in person."""
    own = select(Payer.merged_from).where(Payer.id == payer_id)
    merged = [payer_id, *(session.scalar(own) or ())]
    if not acts_as_self(session, user_id=by, payer_id=payer_id, today=clock.today()):
        raise NotFound(f"user {by} is not payer {payer_id} in person")
    mandate = _lock_mandate(session, mandate_id, Mandate.payer_id.in_(merged), Mandate.basis == MandateBasis.PROXY)
    request = _end(session, mandate, by=by, reason=None)
    publish(session, "account.mandate_ended", request.id)
    return mandate


def _end(session: Session, mandate: Mandate, *, by: UUID, reason: str | None) -> MandateRequest:
    """The last good day was yesterday, or the day before its first one."""
    if mandate.request_id is None:
        raise Invalid("a mandate by PESEL ends when the numbers differ")
    today = clock.today()
    if mandate.until_on is not None and mandate.until_on < max(today, mandate.from_on):
        raise EndedAlready(f"mandate {mandate.id} is over")
    mandate.until_on = max(today, mandate.from_on) - timedelta(days=1)
    request = _lock_request(session, mandate.request_id)
    _close(request, by=by, reason=reason)
    session.flush()
    return request


def _close(request: MandateRequest, *, by: UUID, reason: str | None) -> None:
    """The story of a mandate ends; of one that was ended before, it has ended already."""
    if request.state is RequestState.CONFIRMED:
        request.move_to(RequestState.ENDED)
        request.ended_by, request.ended_at, request.reason = by, clock.now(), reason


def _check_not_own(session: Session, request: MandateRequest, by: UUID) -> None:
    """One person may have two accounts: their proven PESEL says so, or their proven e-mail address."""
    asker, official = session.get_one(User, request.user_id), session.get_one(User, by)
    same_number = asker.pesel_hash is not None and asker.pesel_hash == official.pesel_hash
    same_address = asker.email is not None and asker.email == official.email
    if asker.id == official.id or same_number or same_address:
        raise OwnRequest(f"user {by} asked for request {request.id} themselves")


def _lock_user(session: Session, user_id: UUID) -> None:
    session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))


def _lock_request(session: Session, request_id: UUID, *more: ColumnElement[bool]) -> MandateRequest:
    return _lock(session, MandateRequest, request_id, *more)


def _lock_mandate(session: Session, mandate_id: UUID, *more: ColumnElement[bool]) -> Mandate:
    return _lock(session, Mandate, mandate_id, *more)


def _lock(session: Session, kind: type[R], row_id: UUID, *more: ColumnElement[bool]) -> R:
    """The row, after the user whose it is. NotFound when there is none, or `more` does not hold of it."""
    wanted = kind.id == row_id
    user_id = session.scalar(select(kind.user_id).where(wanted, *more))
    if user_id is None:
        raise NotFound(f"no {kind.__name__} {row_id}")
    _lock_user(session, user_id)
    anew = {"populate_existing": True}  # what was read before the lock may be old
    found = session.scalars(select(kind).where(wanted).with_for_update().execution_options(**anew)).one_or_none()
    if found is None:
        raise NotFound(f"no {kind.__name__} {row_id}")
    return found


def _lock_payer(session: Session, payer_id: UUID) -> None:
    """No import merges or closes it until this is kept."""
    payer = session.scalars(
        select(Payer).where(Payer.id == payer_id).with_for_update(read=True).execution_options(populate_existing=True)
    ).one_or_none()
    if payer is None:
        raise NotFound(f"no payer {payer_id}")
    if payer.merged_into is not None or payer.closed_at is not None:
        raise PayerChanged(f"payer {payer_id} was merged or closed")
