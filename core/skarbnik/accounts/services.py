"""Accounts: making them, signing in and out. Roles are read at each request, never kept in a cookie."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.factors import needs_second
from skarbnik.accounts.models import (
    ApiClient,
    ApiToken,
    SignInAttempt,
    SignInAway,
    SignInOutcome,
    User,
    UserKind,
    UserState,
    WebSession,
)
from skarbnik.accounts.passwords import check_password, hash_password, is_outdated
from skarbnik.errors import Conflict, Forbidden
from skarbnik.plugin_api import Role

RESIDENT_SESSION = timedelta(hours=8)
OFFICIAL_SESSION = timedelta(hours=10)
IDLE = {UserKind.RESIDENT: timedelta(minutes=30), UserKind.OFFICIAL: timedelta(minutes=60)}
TOKEN_LIFE = timedelta(hours=1)
LOCAL = "local"  # a way to sign in: with a password of ours; the others are ids of identity providers
SWEPT = 20  # ended rows a new one takes away
REMEMBERED = timedelta(days=1)  # an ended session still tells whose a form was that was sent too late


class WrongSignIn(Forbidden):
    """No such user, or not their password, or blocked: who asks is not told which."""


class AddressTaken(Conflict):
    """Another account of the same kind has the e-mail address."""


def make_user(
    session: Session,
    *,
    kind: UserKind,
    email: str,
    name: str,
    password: str | None,
    roles: frozenset[Role] = frozenset(),
) -> User:
    """An account; one without a password waits for its owner to choose one. AddressTaken."""
    address = email.strip().lower()
    if session.scalar(select(User.id).where(User.kind == kind, User.email == address)) is not None:
        raise AddressTaken("there is such an account already")
    user = User(
        kind=kind,
        state=UserState.ACTIVE if password else UserState.INVITED,
        email=address,
        name=name,
        password_hash=hash_password(password) if password else None,
        created_at=clock.now(),
        roles=" ".join(sorted(roles)),
    )
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError as error:  # somebody made it in the same moment
        raise AddressTaken("there is such an account already") from error
    return user


def check_sign_in(session: Session, *, kind: UserKind, email: str, password: str, ip: str) -> User:
    """Whose e-mail address and password these are.

    The attempt is written down either way, so the caller commits also when WrongSignIn is raised. Nobody is signed in
    by it: the second factor may be missing still.
    """
    user = session.scalars(select(User).where(User.kind == kind, User.email == email.strip().lower())).one_or_none()
    right = check_password(user.password_hash if user else None, password)
    if user is not None and right:
        right = _hold(session, user, password)
    outcome = SignInOutcome.SIGNED_IN
    if user is None or not right:
        outcome = SignInOutcome.WRONG
    elif user.state is not UserState.ACTIVE:
        outcome = SignInOutcome.BLOCKED
    elif needs_second(session, user):
        outcome = SignInOutcome.FIRST_STEP
    record_attempt(session, kind=kind, user_id=user.id if user else None, outcome=outcome, way=LOCAL, ip=ip)
    if user is None or outcome in {SignInOutcome.WRONG, SignInOutcome.BLOCKED}:
        raise WrongSignIn("sign-in refused")
    return user


def _hold(session: Session, user: User, password: str) -> bool:
    """Keep the account as it is until this sign-in is committed. False when the password is not theirs any more.

    Checking took a while. An owner who chose another password meanwhile, to be rid of who knows this one, keeps that
    one; who chooses one or blocks the account from now on waits, and then ends this session with the others. A hash
    made with costs of before is made anew.
    """
    checked = user.password_hash
    anew = hash_password(password) if checked and is_outdated(checked) else None
    session.refresh(user, with_for_update={"read": anew is None})
    if user.password_hash != checked:
        return check_password(user.password_hash, password)
    if anew is not None:
        user.password_hash = anew
    return True


def record_attempt(
    session: Session, *, kind: UserKind, user_id: UUID | None, outcome: SignInOutcome, way: str, ip: str
) -> None:
    """Keep who tried to sign in, in which way, and what came of it."""
    session.add(SignInAttempt(at=clock.now(), kind=kind, user_id=user_id, outcome=outcome, way=way, ip=ip[:45]))


def open_session(session: Session, user: User, *, way: str, second: bool, ip: str, agent: str) -> str:
    """Sign a browser in: the token for its cookie. `second`: a second factor was given just now."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    sweep(session, WebSession.token_hash, WebSession.expires_at < now - REMEMBERED)
    session.add(
        WebSession(
            token_hash=hash_token(token),
            user_id=user.id,
            way=way,
            second_at=now if second else None,
            created_at=now,
            seen_at=now,
            expires_at=now + (OFFICIAL_SESSION if user.kind is UserKind.OFFICIAL else RESIDENT_SESSION),
            ip=ip[:45],
            agent=agent[:160],
        )
    )
    return token


def sweep(session: Session, key: Any, ended: Any) -> None:
    """Take away some of the rows that ended; `key` is the column that names one.

    Whoever adds a row takes away more than one: the table never grows for long, nobody has to visit every gmina for
    it, and nobody waits for whoever is at the same rows.
    """
    rows = (select(key).where(ended).limit(SWEPT).with_for_update(skip_locked=True)).cte(
        "ended"
    )  # a sub-select with a limit may be read again for each row, and then takes all of them
    session.execute(delete(key.class_).where(key.in_(select(rows.c[key.key]))))


def find_owner(session: Session, token: str) -> UUID | None:
    """Whose session this was, also when it has ended: until its row is swept."""
    return session.scalar(select(WebSession.user_id).where(WebSession.token_hash == hash_token(token)))


def sign_out(session: Session, token: str) -> None:
    gone = delete(WebSession).where(WebSession.token_hash == hash_token(token)).returning(WebSession.user_id)
    for user_id in session.scalars(gone).all():
        forget_begun(session, user_id)


def forget_begun(session: Session, user_id: UUID) -> None:
    """A session of this user ended: an identity somebody was about to connect in it is not connected any more."""
    session.execute(delete(SignInAway).where(SignInAway.user_id == user_id))


def mark_confirmed(session: Session, token: str) -> None:
    """Who sits at this browser has just proven again that they are its owner."""
    session.execute(update(WebSession).where(WebSession.token_hash == hash_token(token)).values(second_at=clock.now()))


def act_for(session: Session, token: str, payer_id: UUID) -> None:
    """From now on this browser acts for another payer. That the user may is the caller's to check."""
    session.execute(update(WebSession).where(WebSession.token_hash == hash_token(token)).values(payer_id=payer_id))


def hash_token(token: str) -> str:
    """A random token has too much entropy for a slow hash to matter."""
    return hashlib.sha256(token.encode()).hexdigest()


def short_hash(token: str) -> UUID:
    """128 bits of its hash: as many as a random token needs to be found by."""
    return UUID(hex=hash_token(token)[:32])


def mark_of_password(password_hash: str | None) -> str:
    """Changes with the password: what was begun with the one before is worth nothing."""
    return hash_token(password_hash or "")[:16]


def make_api_client(session: Session, *, name: str, scopes: frozenset[str]) -> tuple[str, str]:
    """A program that may call the API: its client id and secret, shown once."""
    secret = secrets.token_urlsafe(32)
    client = ApiClient(
        name=name, secret_hash=hash_token(secret), scopes=" ".join(sorted(scopes)), created_at=clock.now()
    )
    session.add(client)
    session.flush()
    return str(client.id), secret


def find_api_client(session: Session, client_id: str) -> ApiClient | None:
    try:
        wanted = UUID(client_id)
    except ValueError:
        return None
    return session.scalars(
        select(ApiClient).where(ApiClient.id == wanted, ApiClient.revoked_at.is_(None))
    ).one_or_none()


def keep_api_token(session: Session, client: ApiClient, token: str, scopes: str) -> None:
    session.add(
        ApiToken(token_hash=hash_token(token), client_id=client.id, scopes=scopes, expires_at=clock.now() + TOKEN_LIFE)
    )
    sweep(session, ApiToken.token_hash, ApiToken.expires_at < clock.now())


def find_api_token(session: Session, token: str) -> ApiToken | None:
    """A token that is still good, of a client that is."""
    return session.scalars(
        select(ApiToken)
        .join(ApiClient, ApiClient.id == ApiToken.client_id)
        .where(
            ApiToken.token_hash == hash_token(token),
            ApiToken.expires_at > clock.now(),
            ApiClient.revoked_at.is_(None),
        )
    ).one_or_none()
