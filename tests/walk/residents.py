"""People on their way to an account in the town of the walk: what stands in the addresses of their pages."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from tests.walk.files import LONG_WORD

from skarbnik import clock
from skarbnik.accounts.consents import give_consent, withdraw_consent
from skarbnik.accounts.models import EmailChange, Purpose, Registration, User, UserState
from skarbnik.accounts.password_links import make_password_link
from skarbnik.accounts.services import hash_token
from skarbnik.crypto import new_secret
from skarbnik.db import TenantSession
from skarbnik.testing.factories import UserFactory

WAITING = "31415926"


def register_some(session: TenantSession, user: User) -> dict[str, str]:
    """Secrets of a registration that waits, one that is not proven, an account to say yes to, a new address."""
    now, secrets = clock.now(), {name: new_secret() for name in ("waiting", "unproven", "email")}
    for name, number, proven_at in (("waiting", WAITING, now), ("unproven", "27182818", None)):
        session.add(
            Registration(
                number=number,
                secret_hash=hash_token(secrets[name]),
                email=f"{LONG_WORD[:80]}@example.pl",
                name=f"Konstancja {LONG_WORD[:80]}",
                password_hash="x",
                language="pl",
                terms_version="1",
                created_at=now,
                proven_at=proven_at,
                expires_at=now + timedelta(days=7),
            )
        )
    invited = UserFactory(state=UserState.INVITED, email=f"{LONG_WORD[:90]}@example.pl")
    secrets["activate"] = make_password_link(session, invited, by=None)
    session.add(
        EmailChange(
            user_id=user.id,
            email=f"nowy.{LONG_WORD[:80]}@example.pl",
            secret_hash=hash_token(secrets["email"]),
            created_at=now,
            expires_at=now + timedelta(days=1),
        )
    )
    _agree(session, user.id)
    return secrets


def _agree(session: TenantSession, user_id: UUID) -> None:
    """One consent given, one given and taken back, one never."""
    for purpose in (Purpose.EMAIL_NOTICES, Purpose.SMS_NOTICES):
        give_consent(session, user_id, purpose, version=1, language="pl")
    withdraw_consent(session, user_id, Purpose.SMS_NOTICES)
