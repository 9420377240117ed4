"""Consents of residents: for one purpose each, freely, as easily taken back as given (art. 7 RODO).

The texts are content: whoever changes the meaning of one raises its version, and those who agreed to another version
are asked again. What somebody agreed to stands in their row, word for word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.contact import get_own
from skarbnik.accounts.models import Consent, Purpose
from skarbnik.errors import Conflict
from skarbnik.plugin_api import N_
from skarbnik.web.languages import load_catalogue


@dataclass(frozen=True)
class ConsentText:
    """What is agreed to. msgids."""

    title: str
    text: str
    version: int


CONSENTS = {
    Purpose.EMAIL_NOTICES: ConsentText(
        N_("Notices by e-mail"),
        N_(
            "I agree that the office sends me notices about due dates, arrears and new documents to the e-mail address"
            " of my account. I may take this back at any time; what was sent before stays lawful."
        ),
        1,
    ),
    Purpose.SMS_NOTICES: ConsentText(
        N_("Notices by SMS"),
        N_(
            "I agree that the office sends me short notices about due dates and arrears to the telephone number of my"
            " account. I may take this back at any time; what was sent before stays lawful."
        ),
        1,
    ),
    Purpose.E_DECISIONS: ConsentText(
        N_("Decisions in electronic form"),
        N_(
            "I agree to receive decisions about my taxes and fees electronically, at the delivery address I gave,"
            " instead of on paper. I may take this back at any time; what was delivered before stays delivered."
        ),
        1,
    ),
}


class TextChanged(Conflict):
    """The text is another one than the one that was shown; it has to be read again."""


def has_consent(session: Session, user_id: UUID, purpose: Purpose) -> bool:
    """Whether a person agrees today, to the text of today, and their account is open."""
    found = _open(session, user_id, purpose)
    return found is not None and found.version == CONSENTS[purpose].version


def give_consent(session: Session, user_id: UUID, purpose: Purpose, *, version: int, language: str) -> bool:
    """Keep what was agreed to, as it was shown. False when they agreed to it already. TextChanged."""
    asked = CONSENTS[purpose]
    if version != asked.version:
        raise TextChanged(f"{purpose} is version {asked.version} by now")
    get_own(session, user_id, lock=True)  # two tabs give it once
    known = _open(session, user_id, purpose)
    if known is not None and known.version == version:
        return False
    if known is not None:
        known.withdrawn_at = clock.now()
        session.flush()
    session.add(
        Consent(
            user_id=user_id,
            purpose=purpose,
            given_at=clock.now(),
            version=version,
            language=language,
            text=load_catalogue(language).gettext(asked.text),
        )
    )
    session.flush()
    return True


def withdraw_consent(session: Session, user_id: UUID, purpose: Purpose) -> bool:
    """False when there was none."""
    get_own(session, user_id, lock=True)
    known = _open(session, user_id, purpose)
    if known is None:
        return False
    known.withdrawn_at = clock.now()
    return True


def list_consents(session: Session, user_id: UUID, *, most: int = 100) -> Sequence[Consent]:
    """All they gave and took back, the newest first."""
    return session.scalars(
        select(Consent).where(Consent.user_id == user_id).order_by(Consent.given_at.desc()).limit(most)
    ).all()


def _open(session: Session, user_id: UUID, purpose: Purpose) -> Consent | None:
    return session.scalars(
        select(Consent).where(Consent.user_id == user_id, Consent.purpose == purpose, Consent.withdrawn_at.is_(None))
    ).one_or_none()
