"""What accounts keep of a person, for the file with all their data."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from skarbnik.accounts.chapters import Chapter, Row, read_rows
from skarbnik.accounts.letters import N_
from skarbnik.db import TenantSession


def _account(session: TenantSession, user_id: UUID) -> Iterator[Row]:
    return read_rows(
        session,
        "SELECT id, name, email, phone, language, state, created_at, terms_version AS terms_accepted,"
        " password_hash IS NOT NULL AS has_password, pesel_hash IS NOT NULL AS pesel_proven"
        " FROM users WHERE id = :user",
        user=user_id,
    )


def _consents(session: TenantSession, user_id: UUID) -> Iterator[Row]:
    return read_rows(
        session,
        "SELECT purpose, given_at, withdrawn_at, version, language, text FROM consents WHERE user_id = :user"
        " ORDER BY given_at",
        user=user_id,
    )


def _sign_ins(session: TenantSession, user_id: UUID) -> Iterator[Row]:
    return read_rows(
        session,
        "SELECT at, outcome, way, ip FROM sign_in_attempts WHERE user_id = :user ORDER BY id",
        user=user_id,
    )


def _browsers(session: TenantSession, user_id: UUID) -> Iterator[Row]:
    return read_rows(
        session,
        "SELECT created_at AS signed_in_at, seen_at AS last_used_at, expires_at, way, ip, agent FROM web_sessions"
        " WHERE user_id = :user ORDER BY created_at",
        user=user_id,
    )


def _ways(session: TenantSession, user_id: UUID) -> Iterator[Row]:
    """Without anything one could sign in with."""
    return read_rows(
        session,
        "SELECT 'provider' AS kind, provider AS name, created_at, used_at FROM identities WHERE user_id = :user"
        " UNION ALL SELECT kind, name, created_at, used_at FROM second_factors WHERE user_id = :user ORDER BY 3",
        user=user_id,
    )


def _letters(session: TenantSession, user_id: UUID) -> Iterator[Row]:
    """Without what they said: some hold a secret."""
    return read_rows(
        session,
        "SELECT m.created_at, m.sent_at, m.state, m.subject FROM mails m JOIN users u ON u.email = m.recipient"
        " WHERE u.id = :user ORDER BY m.id",
        user=user_id,
    )


CHAPTERS = [
    Chapter("account", N_("your account: name, addresses, language, terms you agreed to"), _account),
    Chapter("consents", N_("consents you gave and took back, with their texts"), _consents),
    Chapter("sign_ins", N_("when and from where somebody tried to sign in with your account"), _sign_ins),
    Chapter("browsers", N_("browsers you are signed in with"), _browsers),
    Chapter("ways", N_("ways to sign in: identity providers and second steps, without their secrets"), _ways),
    Chapter("letters", N_("e-mails the portal sent to your address: when, and about what"), _letters),
]
