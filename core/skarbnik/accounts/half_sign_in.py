"""Between the password and the second factor there is no session, only this: a sealed cookie of one browser.

It says whose password was right a moment ago, and opens nothing but the page that asks for the second factor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from skarbnik.accounts.models import User, UserKind, UserState
from skarbnik.accounts.services import mark_of_password
from skarbnik.web import frame
from skarbnik.web.cookies import SealedCookie

HALF = SealedCookie("half", "half-sign-in", good_for=timedelta(minutes=10))
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
        "password": mark_of_password(user.password_hash),
        "office": user.kind is UserKind.OFFICIAL,
    }
    HALF.give(response, words)


def end_half(response: Response) -> None:
    if HALF.is_given():
        HALF.delete(response)


def user_of_half() -> UUID | None:
    """Whom this browser is half signed in as, as its cookie says it: for counting guesses, before anything is read."""
    words = HALF.read()
    return UUID(words["user"]) if words else None


def began_at_office() -> bool:
    """At which door it began, also when it is too old for anything else."""
    words = HALF.read_outdated()
    return bool(words and words["office"])


def find_half(*, hold: bool = False) -> HalfSignIn | None:
    """None when there is none, when it is too old, when the account was blocked or its password changed meanwhile.

    `hold`: the account stays so until this is committed. Who changes the password or blocks it meanwhile waits, and
    then ends the session that was opened here with the others.
    """
    words = HALF.read()
    lock: Any = {"key_share": True} if hold else None
    user = frame.session().get(User, UUID(words["user"]), with_for_update=lock) if words else None
    if (
        words is None
        or user is None
        or user.state is not UserState.ACTIVE
        or words["password"] != mark_of_password(user.password_hash)
    ):
        return None
    return HalfSignIn(user, words["way"], words["wanted"], words["there"])
