"""Users of a gmina, who wants to be one, their roles, consents and browsers, and programs that call the API."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from skarbnik.db import Base, new_id
from skarbnik.plugin_api import Assurance, Role

LONGEST_CONSENT = 400  # characters: with it a row needs no table for long values beside it


class UserKind(StrEnum):
    RESIDENT = "resident"
    OFFICIAL = "official"


class UserState(StrEnum):
    INVITED = "invited"
    ACTIVE = "active"
    BLOCKED = "blocked"
    CLOSED = "closed"  # by its owner: nothing of the person is left in the row


class User(Base):
    """A person with an account in one gmina. One e-mail address may be a resident and an official: two accounts.

    `email` is one its owner has proven; who comes from an identity provider has none until then. Of a proven PESEL
    only the keyed hash is kept: it finds the account again, and the payers it may act for.
    """

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("kind", "email"),
        UniqueConstraint("kind", "pesel_hash"),
        CheckConstraint("kind = 'resident' OR email IS NOT NULL", name="officials_have_email"),
        CheckConstraint(
            "state <> 'closed' OR (email IS NULL AND password_hash IS NULL AND pesel_hash IS NULL AND phone IS NULL"
            " AND name = '')",
            name="closed_is_nobody",
        ),
        CheckConstraint("(pesel_hash IS NULL) = (pesel_key IS NULL)", name="pesel_is_whole"),
        CheckConstraint(f"roles ~ '^(({'|'.join(Role)})( |$))*$'", name="roles_are_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[UserKind]
    state: Mapped[UserState]
    email: Mapped[str | None] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str | None] = mapped_column(String(100))
    language: Mapped[str] = mapped_column(String(2), default="pl")
    terms_version: Mapped[str | None] = mapped_column(String(28))  # of the terms of use they agreed to last
    created_at: Mapped[datetime]
    roles: Mapped[str] = mapped_column(String(56), default="")  # of an official, parted by spaces
    pesel_hash: Mapped[UUID | None]  # 128 bits of the keyed hash, as payers have it
    pesel_key: Mapped[int | None]  # version of the key it was made with
    feed_version: Mapped[int] = mapped_column(default=1)  # raised, every private calendar address of before is nothing
    phone: Mapped[str | None] = mapped_column(String(16))  # as E.164 has it: +48601234567


class PasswordLink(Base):
    """A way to choose a password once, for who was invited or forgot it. The address holds a secret; here is its hash.

    A user has one at most: a new one ends the one before.
    """

    __tablename__ = "password_links"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[UUID | None]  # an official; nobody when it was made by a command
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class FactorKind(StrEnum):
    TOTP = "totp"  # an app that shows a new code every thirty seconds
    PASSKEY = "passkey"
    RECOVERY = "recovery"  # a code on paper, for when the others are lost


class SecondFactor(Base):
    """What somebody has besides the password, or instead of it. One table for all kinds (docs/decisions/0022).

    `mark` finds the row: `app` of the one authenticator app somebody may have, the SHA-256 of a passkey's id, that of a
    recovery code. A recovery code that was used is gone.
    """

    __tablename__ = "second_factors"
    __table_args__ = (
        CheckConstraint("(kind = 'totp') = (mark = 'app')", name="one_app"),
        CheckConstraint("num_nulls(name, credential_id) = CASE kind WHEN 'passkey' THEN 0 ELSE 2 END", name="passkey"),
        CheckConstraint("(kind = 'recovery') = (secret IS NULL)", name="secret"),
        CheckConstraint("octet_length(credential_id) <= 1023 AND octet_length(secret) <= 1100", name="bounds"),
        CheckConstraint("counter >= 0", name="counter"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    mark: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[FactorKind]
    name: Mapped[str | None] = mapped_column(String(60))  # of a passkey, as its owner calls it
    credential_id: Mapped[bytes | None]  # of a passkey
    secret: Mapped[bytes | None]  # of an app the sealed key, of a passkey its public key (COSE)
    counter: Mapped[int] = mapped_column(BigInteger, default=0)  # step of the last code; signatures of a passkey
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class WebSession(Base):
    """A browser somebody signed in with. The cookie holds a random token; here is only its hash."""

    __tablename__ = "web_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    way: Mapped[str] = mapped_column(String(40))  # `local`, or the identity provider
    second_at: Mapped[datetime | None]  # when a second factor was given last, or who has none typed the password again
    payer_id: Mapped[UUID | None]  # whom the user acts for now
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ip: Mapped[str] = mapped_column(String(45))
    agent: Mapped[str] = mapped_column(String(160))


class SignInOutcome(StrEnum):
    SIGNED_IN = "signed_in"
    WRONG = "wrong"
    BLOCKED = "blocked"
    FIRST_STEP = "first_step"  # the password was right, and the second factor is still to come
    WRONG_CODE = "wrong_code"


class SignInAttempt(Base):
    """Who tried to sign in, when, from where. Unknown users leave no address behind."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index("sign_in_attempts_user_id_idx", "user_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime]
    kind: Mapped[UserKind]
    user_id: Mapped[UUID | None]
    outcome: Mapped[SignInOutcome]
    way: Mapped[str] = mapped_column(String(40))  # as of a session
    ip: Mapped[str] = mapped_column(String(45))


class Door(StrEnum):
    """Whom an identity provider lets in. An official never comes in through a provider of residents."""

    RESIDENTS = "residents"
    OFFICE = "office"


class ProviderConnection(Base):
    """An identity provider of the gmina: whom it lets in, and with which settings. `draft` are those being prepared."""

    __tablename__ = "identity_providers"
    __table_args__ = (CheckConstraint("NOT enabled OR settings_version IS NOT NULL", name="settings"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)  # of the plugin's contract
    title: Mapped[str | None] = mapped_column(
        String(60)
    )  # as people see it; the plugin's own label where there is none
    door: Mapped[Door]
    enabled: Mapped[bool]
    level: Mapped[Assurance]  # the lowest that lets in
    settings_version: Mapped[int | None]
    draft: Mapped[bytes | None]  # sealed JSON
    changed_at: Mapped[datetime]


class SignInPurpose(StrEnum):
    """Why somebody was sent to an identity provider."""

    ENTER = "enter"
    CONNECT = "connect"  # to sign in that way from now on
    TRIAL = "trial"  # an official looks whether it works; nobody is signed in


class SignInAway(Base):
    """Somebody is at an identity provider now. The row is taken out when they come back, and ends after ten minutes."""

    __tablename__ = "pending_sign_ins"

    handle_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    cookie_hash: Mapped[str] = mapped_column(String(64))  # of the browser that was sent away
    request_id: Mapped[UUID]
    provider: Mapped[str] = mapped_column(String(40))
    purpose: Mapped[SignInPurpose]
    user_id: Mapped[UUID | None]  # whose account is connected, or who tries it
    level: Mapped[Assurance]
    wanted: Mapped[str] = mapped_column(String(300))
    kept: Mapped[bytes | None]  # the plugin's own text, sealed
    begun_at: Mapped[datetime]


class UsedAnswer(Base):
    """An answer of an identity provider that was used already, until nobody would believe it any more."""

    __tablename__ = "used_answers"

    answer_hash: Mapped[str] = mapped_column(String(64), primary_key=True)  # of issuer and id
    until_at: Mapped[datetime]


class ConnectedIdentity(Base):
    """Somebody's identity at a provider, by which their account is found. Only its keyed hash is kept."""

    __tablename__ = "identities"

    subject_hash: Mapped[str] = mapped_column(String(64), primary_key=True)  # of issuer and subject
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    provider: Mapped[str] = mapped_column(String(40))
    proves_pesel: Mapped[bool]  # then it always opens the account that has proven the same one
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]


class ProviderSession(Base):
    """What it takes to end the session at the provider, too, when its owner signs out here."""

    __tablename__ = "provider_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)  # the first half of the session's token hash
    provider: Mapped[str] = mapped_column(String(40))
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]


class ApiClient(Base):
    """A program of the gmina that may call the API (OAuth 2 client credentials). It names itself by its id."""

    __tablename__ = "api_clients"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))
    secret_hash: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[str] = mapped_column(String(200))  # parted by spaces
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class ApiToken(Base):
    """An access token handed to a client; here is only its hash."""

    __tablename__ = "api_tokens"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("api_clients.id"))
    scopes: Mapped[str] = mapped_column(String(200))
    expires_at: Mapped[datetime]


class Registration(Base):
    """Somebody who wants an account: first the e-mail address is proven, then the person, at a desk of the office.

    It is no account: nobody signs in with it. The address in the e-mail holds a secret; here is its hash. `number` is
    what the person reads aloud at the desk.
    """

    __tablename__ = "registrations"
    __table_args__ = (
        Index("registrations_proven_key", "email", unique=True, postgresql_where="proven_at IS NOT NULL"),
        CheckConstraint("number ~ '^[0-9]{8}$'", name="number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(8), unique=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(100))
    language: Mapped[str] = mapped_column(String(2))
    terms_version: Mapped[str] = mapped_column(String(28))
    created_at: Mapped[datetime]
    proven_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]  # a week to prove the address, then 60 days to come to the desk


class EmailChange(Base):
    """A new e-mail address of an account, until its owner follows the link that went there. One of a user at most."""

    __tablename__ = "email_changes"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    email: Mapped[str] = mapped_column(String(120))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Purpose(StrEnum):
    """What somebody may agree to, each by itself and freely (art. 7 RODO)."""

    EMAIL_NOTICES = "email_notices"
    SMS_NOTICES = "sms_notices"
    E_DECISIONS = "e_decisions"


class Consent(Base):
    """What somebody agreed to, and when they took it back.

    The gmina has to be able to show that they did (art. 7 ust. 1 RODO), so the row has the text as it was shown, and is
    kept when the account is closed: then it names nobody.
    """

    __tablename__ = "consents"
    __table_args__ = (CheckConstraint("withdrawn_at >= given_at", name="given_first"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    purpose: Mapped[Purpose] = mapped_column(primary_key=True)
    given_at: Mapped[datetime] = mapped_column(primary_key=True)
    version: Mapped[int]  # of the text
    language: Mapped[str] = mapped_column(String(2))
    text: Mapped[str] = mapped_column(String(LONGEST_CONSENT))
    withdrawn_at: Mapped[datetime | None]
