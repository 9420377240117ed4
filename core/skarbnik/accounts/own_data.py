"""What accounts keep of a person, for the file with all their data."""

from __future__ import annotations

from skarbnik.plugin_api import N_, chapter_of

CHAPTERS = [
    chapter_of(
        "account",
        N_("your account: name, addresses, language, terms you agreed to"),
        "SELECT id, name, email, phone, language, state, created_at, terms_version AS terms_accepted,"
        " password_hash IS NOT NULL AS has_password, pesel_hash IS NOT NULL AS pesel_proven"
        " FROM users WHERE id = :user",
    ),
    chapter_of(
        "consents",
        N_("consents you gave and took back, with their texts"),
        "SELECT purpose, given_at, withdrawn_at, version, language, text FROM consents WHERE user_id = :user"
        " ORDER BY given_at",
    ),
    chapter_of(
        "sign_ins",
        N_("when and from where somebody tried to sign in with your account"),
        "SELECT at, outcome, way, ip FROM sign_in_attempts WHERE user_id = :user ORDER BY id",
    ),
    chapter_of(
        "browsers",
        N_("browsers you are signed in with"),
        "SELECT created_at AS signed_in_at, seen_at AS last_used_at, expires_at, way, ip, agent FROM web_sessions"
        " WHERE user_id = :user ORDER BY created_at",
    ),
    chapter_of(  # without anything one could sign in with
        "ways",
        N_("ways to sign in: identity providers and second steps, without their secrets"),
        "SELECT 'provider' AS kind, provider AS name, created_at, used_at FROM identities WHERE user_id = :user"
        " UNION ALL SELECT kind, name, created_at, used_at FROM second_factors WHERE user_id = :user ORDER BY 3",
    ),
    chapter_of(  # without what they said: some hold a secret
        "letters",
        N_("e-mails the portal sent to your address: when, and about what"),
        "SELECT m.created_at, m.sent_at, m.state, m.subject FROM mails m JOIN users u ON u.email = m.recipient"
        " WHERE u.id = :user ORDER BY m.id",
    ),
]
