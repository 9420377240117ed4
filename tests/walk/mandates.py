"""Acting for others in the town of the walk: a request in each state, and people whose accounts the office looks at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from tests.walk.files import LONG_WORD

from skarbnik import clock
from skarbnik.accounts.models import User, UserState
from skarbnik.payers import mandates
from skarbnik.payers.models import CompanyRole, Mandate, MandateBasis, MandateRequest
from skarbnik.payers.states import RequestState
from skarbnik.testing.factories import OfficialFactory, PayerFactory, UserFactory

OURS = "walk"  # as in `town`
NIP = "5260001246"


def act_for_others(session: Session, user: User, payer_id: UUID, words: str) -> dict[str, Any]:
    """Requests of one user by state, a right of theirs, and a resident whose account is blocked."""
    official = OfficialFactory(password_hash=None).id
    for number in range(3):
        PayerFactory(
            source=OURS, name=f"{words[:150]} {number}", nip=NIP, closed_at=clock.now() if number == 2 else None
        )
    made = {}
    for state in RequestState:
        if state is RequestState.ASKED:
            wish = mandates.Wish(MandateBasis.COMPANY, words, may_pay=True, nip=NIP, role=CompanyRole.PROXY)
        else:
            wish = mandates.Wish(MandateBasis.PROXY, LONG_WORD, may_pay=False, name=f"{state} {words[:150]}")
        made[state] = mandates.ask_mandate(session, user_id=user.id, wish=wish, language="pl")
    _decide(session, user, made, words, payer_id, official)
    blocked = UserFactory(name=LONG_WORD[:110], email=None, password_hash=None, state=UserState.BLOCKED)
    right = mandates.confirm_request(
        session,
        mandates.ask_mandate(
            session,
            user_id=user.id,
            wish=mandates.Wish(MandateBasis.PROXY, "Akt", may_pay=True, name="Jan Nowak"),
            language="pl",
        ).id,
        mandates.Decision(
            PayerFactory(source=OURS, name=words[:200]).id,
            MandateBasis.PROXY,
            True,
            clock.today(),
            clock.today() + timedelta(days=9),
        ),
        by=official,
    )
    return {"requests": [each.id for each in made.values()], "mandate": right.id, "blocked": blocked.id}


def _decide(
    session: Session, user: User, made: dict[RequestState, MandateRequest], words: str, payer_id: UUID, official: UUID
) -> None:
    mandates.withdraw_request(session, made[RequestState.WITHDRAWN].id, user_id=user.id)
    mandates.refuse_request(session, made[RequestState.REFUSED].id, reason=words, by=official)
    for state in (RequestState.ENDED, RequestState.CONFIRMED):
        payer = PayerFactory(source=OURS, name=f"{state} {LONG_WORD[:100]}")
        decision = mandates.Decision(payer.id, MandateBasis.COMPANY, False, clock.today() - timedelta(days=400))
        right = mandates.confirm_request(session, made[state].id, decision, by=official)
        if state is RequestState.ENDED:
            mandates.end_mandate(session, right.id, reason=words, by=official)
    proxy = UserFactory(name=f"Pełnomocnik {LONG_WORD[:80]}", password_hash=None)
    _give(session, proxy.id, payer_id, words, official)


def _give(session: Session, user_id: UUID, payer_id: UUID, words: str, official: UUID) -> Mandate:
    """A power of attorney that is good for a month."""
    wish = mandates.Wish(MandateBasis.PROXY, "Akt notarialny", may_pay=True, name=words[:200])
    asked = mandates.ask_mandate(session, user_id=user_id, wish=wish, language="pl")
    last = clock.today() + timedelta(days=30)
    given = mandates.Decision(payer_id, MandateBasis.PROXY, may_pay=True, from_on=clock.today(), until_on=last)
    return mandates.confirm_request(session, asked.id, given, by=official)
