"""Users of a gmina, their roles, their signed-in browsers, and programs that call the API."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from skarbnik.db import Base, new_id
from skarbnik.plugin_api import Assurance


class UserKind(StrEnum):
    RESIDENT = "resident"
    OFFICIAL = "official"


class UserState(StrEnum):
    INVITED = "invited"
    ACTIVE = "active"
    BLOCKED = "blocked"


class Role(StrEnum):
    """What an official does in the office. A resident has none: what they may do follows from their mandates."""

    ADMINISTRATOR = "administrator"
    ACCOUNTANT = "accountant"
    COMMUNICATIONS = "communications"
    SURVEYS = "surveys"
    AUDITOR = "auditor"


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


class Purpose(StrEnum):
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
    purpose: Mapped[Purpose]
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
