"""Who may use a page: roles, permissions, and the words a route says about itself.

Features and plugins declare their permissions with the same class; every route names one, or says why it is public.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

V = TypeVar("V", bound=Callable[..., Any])


def N_(msgid: str) -> str:  # noqa: N802  # the field's name for a text that is marked here and translated elsewhere
    """A msgid that is translated where it is shown."""
    return msgid


class Role(StrEnum):
    """What an official does in the office; somebody may have several."""

    ADMINISTRATOR = "administrator"
    ACCOUNTANT = "accountant"
    COMMUNICATIONS = "communications"
    SURVEYS = "surveys"
    AUDITOR = "auditor"


class Support(StrEnum):
    """How far an operator of the instance is let into a gmina that agreed to it (docs/decisions/0025)."""

    LOOK = "look"
    ADMINISTER = "administer"  # and change what is neither money, nor people, nor a secret


class Limited(StrEnum):
    """What becomes of a permission of an official whose scope of work is some kinds of receivables."""

    KINDS = "kinds"  # its pages show and change what is of those kinds, and behave as if nothing else were there
    APART = "apart"  # it is theirs as it is anybody's: it has nothing to do with what people owe


@dataclass(frozen=True)
class Permission:
    """Something a route asks for. Features declare theirs: for signed-in residents, or for roles of officials.

    `name` starts with the feature, or with the plugin. `label` is a msgid that says to an administrator what an
    official with it does; one that is of residents alone, or of everybody in the office, needs none.
    `support`: an operator whom the gmina let in so far has it, too. Unsaid, no operator ever does.
    `limited`: an official with a scope of work has it, too. Unsaid, only who works with all kinds does.
    ValueError for a role that there is not: nobody would ever have it.
    """

    name: str
    label: str = ""
    residents: bool = False
    roles: frozenset[Role] = frozenset()
    support: Support | None = None
    limited: Limited | None = None

    def __post_init__(self) -> None:
        unknown = sorted(set(self.roles) - set(Role))
        if unknown:
            raise ValueError(f"permission {self.name}: there is no role {', '.join(unknown)}")


@dataclass(frozen=True)
class Access:
    """What a route declared."""

    permission: Permission | None
    reason: str  # why it is public, when it is
    scope: str | None = None  # for programs with an access token of this scope, not for browsers
    largest: int | None = None  # bytes of a request, where it may be larger than others; only for who may send it
    from_elsewhere: bool = False  # forms of other sites are meant to arrive here
    fresh: bool = False  # only for who proved a moment ago who they are
    second: bool = False  # who has a second step must have given it a moment ago
    secret: bool = False  # what is typed here is kept nowhere, not even when it came too late


def requires(
    permission: Permission,
    *,
    largest: int | None = None,
    fresh: bool = False,
    second: bool = False,
    secret: bool = False,
) -> Callable[[V], V]:
    """This route is for signed-in people with the permission; `largest` when they may send it large files.

    `fresh` when they must have given their second factor a moment ago: who did not is asked for it, and comes back. A
    form that was sent comes back with them, unless it is `secret`. `second` asks only who has a second factor: where a
    form asks for the password itself, others prove who they are in it.
    """
    access = Access(permission, "", largest=largest, fresh=fresh, second=second, secret=secret)

    def mark(view: V) -> V:
        return _declare(view, access)

    return mark


def public(reason: str, *, from_elsewhere: bool = False) -> Callable[[V], V]:
    """This route is for everybody, and why; `from_elsewhere` when forms of other sites are meant to arrive."""

    def mark(view: V) -> V:
        return _declare(view, Access(None, reason, from_elsewhere=from_elsewhere))

    return mark


def _declare(view: V, access: Access) -> V:
    """ValueError when it said something else before: a view of two routes would be open to whom the last one names."""
    if vars(view).get("access", access) != access:
        raise ValueError(f"{view.__qualname__} says twice, and not the same, who may use it")
    view.access = access  # type: ignore[attr-defined]  # read by `skarbnik.web.access.find_access`
    return view


@dataclass(frozen=True)
class Trail:
    """What a route for officials says of its page: what it writes into the trail, or why it need not."""

    actions: tuple[str, ...]
    reason: str = ""


def records(*actions: str) -> Callable[[V], V]:
    """This page shows data of people; whoever sees them stands in the trail under one of these actions."""

    def mark(view: V) -> V:
        view.trail = Trail(actions)  # type: ignore[attr-defined]  # read by `skarbnik.web.access.find_trail`
        return view

    return mark


def impersonal(reason: str) -> Callable[[V], V]:
    """This page of the office names no resident and no payer, and why."""

    def mark(view: V) -> V:
        view.trail = Trail((), reason)  # type: ignore[attr-defined]  # as above
        return view

    return mark
