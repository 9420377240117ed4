"""Between the password and the second step there is no session, only this: a sealed cookie of one browser.

It says whose password was right a moment ago, and opens nothing but the page that asks for the second step.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import g, request
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.accounts.models import User, UserKind, UserState
from skarbnik.accounts.services import mark_of_password
from skarbnik.crypto import CannotOpen
from skarbnik.web import frame

GOOD_FOR = timedelta(minutes=10)
PURPOSE = "half-sign-in"
LONGEST_WANTED = 1000  # bytes of an address: a browser keeps a cookie of four kilobytes


@dataclass(frozen=True)
class HalfSignIn:
    """Somebody whose first step was right: in which way, and where they were going.

    `there` is a token under which it is kept how to end the session at an identity provider; empty where there is none.
    """

    user: User
    way: str
    wanted: str
    there: str


def begin_half(response: Response, user: User, *, way: str, wanted: str, there: str = "") -> None:
    """Remember in this browser that the first step is done."""
    words = {
        "user": str(user.id),
        "way": way,
        "wanted": wanted if len(json.dumps(wanted)) <= LONGEST_WANTED else "",
        "there": there,
        "at": int(clock.now().timestamp()),
        "password": mark_of_password(user.password_hash),
        "office": user.kind is UserKind.OFFICIAL,
    }
    value = base64.urlsafe_b64encode(g.tenant.seal(PURPOSE, json.dumps(words).encode())).decode()
    response.set_cookie(_name(), value, secure=True, httponly=True, samesite="Lax", path="/")


def end_half(response: Response) -> None:
    response.delete_cookie(_name(), secure=True, httponly=True, samesite="Lax", path="/")


def user_of_half() -> UUID | None:
    """Whom this browser is half signed in as, as its cookie says it: for counting guesses, before anything is read."""
    words = _read()
    return UUID(words["user"]) if words else None


def began_at_office() -> bool:
    """At which door it began, also when it is too old for anything else."""
    words = _open()
    return bool(words and words["office"])


def find_half() -> HalfSignIn | None:
    """None when there is none, when it is too old, when the account was blocked or its password changed meanwhile."""
    words = _read()
    user = frame.session().get(User, UUID(words["user"])) if words else None
    if (
        words is None
        or user is None
        or user.state is not UserState.ACTIVE
        or words["password"] != mark_of_password(user.password_hash)
    ):
        return None
    return HalfSignIn(user, words["way"], words["wanted"], words["there"])


def _read() -> dict[str, Any] | None:
    words = _open()
    return words if words and clock.now().timestamp() - words["at"] <= GOOD_FOR.total_seconds() else None


def _open() -> dict[str, Any] | None:
    try:
        sealed = base64.urlsafe_b64decode(request.cookies.get(_name(), ""))
        words: dict[str, Any] = json.loads(g.tenant.open_sealed(PURPOSE, sealed))
    except (CannotOpen, binascii.Error, ValueError):
        return None
    return words


def _name() -> str:
    return frame.cookie_name("half")
