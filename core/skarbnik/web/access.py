"""Who may use a route. Every route says so itself; one that does not keeps the application from starting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar
from uuid import UUID

from flask import Flask, current_app, g

V = TypeVar("V", bound=Callable[..., Any])

NOT_OURS = {"static"}


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

    `support`: an operator whom the gmina let in so far has it, too. Unsaid, no operator ever does.
    `limited`: an official with a scope of work has it, too. Unsaid, only who works with all kinds does.
    """

    name: str
    residents: bool = False
    roles: frozenset[str] = frozenset()
    support: Support | None = None
    limited: Limited | None = None


@dataclass(frozen=True)
class SupportNotice:
    """What every official is told: an operator may look until then, or waits for an answer until then."""

    operator: str
    reason: str
    until: datetime
    agreed: bool


class Person(Protocol):
    """Who is signed in, as the frame needs to know it; `accounts` fills the slot."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str | None: ...
    @property
    def is_official(self) -> bool: ...
    @property
    def payer_id(self) -> UUID | None: ...
    @property
    def payer_name(self) -> str | None: ...
    @property
    def may_pay(self) -> bool: ...
    @property
    def is_fresh(self) -> bool:
        """Whether they proved a few minutes ago that they are who signed in."""

    @property
    def access_id(self) -> UUID | None: ...  # by which an operator is in; None for everybody else
    @property
    def notices(self) -> tuple[SupportNotice, ...]: ...
    @property
    def acts_for(self) -> tuple[Any, ...]: ...
    @property
    def works_with(self) -> Mapping[UUID, str] | None:
        """The kinds of receivables an official works with, with their titles; None for all there are."""

    def may(self, permission: Permission) -> bool: ...


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
        view.access = access  # type: ignore[attr-defined]  # read by `find_access`
        return view

    return mark


def public(reason: str, *, from_elsewhere: bool = False) -> Callable[[V], V]:
    """This route is for everybody, and why; `from_elsewhere` when forms of other sites are meant to arrive."""

    def mark(view: V) -> V:
        view.access = Access(None, reason, from_elsewhere=from_elsewhere)  # type: ignore[attr-defined]  # read by `find_access`
        return view

    return mark


@dataclass(frozen=True)
class Trail:
    """What a route for officials says of its page: what it writes into the trail, or why it need not."""

    actions: tuple[str, ...]
    reason: str = ""


def records(*actions: str) -> Callable[[V], V]:
    """This page shows data of people; whoever sees them stands in the trail under one of these actions."""

    def mark(view: V) -> V:
        view.trail = Trail(actions)  # type: ignore[attr-defined]  # read by `find_trail`
        return view

    return mark


def impersonal(reason: str) -> Callable[[V], V]:
    """This page of the office names no resident and no payer, and why."""

    def mark(view: V) -> V:
        view.trail = Trail((), reason)  # type: ignore[attr-defined]  # read by `find_trail`
        return view

    return mark


def find_trail(app: Flask, endpoint: str) -> Trail | None:
    """What the view of an endpoint declared of the trail. A test asks it of every page of the office."""
    declared = getattr(app.view_functions.get(endpoint), "trail", None)
    return declared if isinstance(declared, Trail) else None


def find_access(app: Flask, endpoint: str) -> Access | None:
    """What the view of an endpoint declared; a class-based view declares on its class or its method."""
    view = app.view_functions.get(endpoint)
    declared = getattr(view, "access", None) or getattr(getattr(view, "view_class", None), "access", None)
    return declared if isinstance(declared, Access) else None


class UndeclaredRoutes(Exception):
    """Routes without a declared permission, all of them."""


def check_routes(app: Flask) -> None:
    """Refuse to start while a route does not say who may use it."""
    missing = sorted(
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in NOT_OURS and find_access(app, rule.endpoint) is None
    )
    if missing:
        raise UndeclaredRoutes("these routes declare no permission: " + ", ".join(missing))


def current_person() -> Person:
    """Who is signed in, in a route that requires somebody."""
    person: Person = g.person
    return person


def kinds_in_scope() -> list[UUID] | None:
    """The kinds of receivables whose data this official may see; None for all. A query takes it as it is."""
    kinds = current_person().works_with
    return None if kinds is None else sorted(kinds)


def may(permission: Permission) -> bool:
    """For templates: show what this person may use."""
    person: Person | None = g.get("person")
    return person is not None and person.may(permission)


def slots() -> Any:
    return current_app.extensions["skarbnik"]
