"""Who may use a route. Every route says so itself; one that does not keeps the application from starting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from flask import Flask, current_app, g

from skarbnik.plugin_api import Access, Permission, Trail

NOT_OURS = {"static"}


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


def find_trail(app: Flask, endpoint: str) -> Trail | None:
    """What the view of an endpoint declared of the trail. A test asks it of every page of the office."""
    declared = getattr(app.view_functions.get(endpoint), "trail", None)
    return declared if isinstance(declared, Trail) else None


def find_access(app: Flask, endpoint: str) -> Access | None:
    """What the view of an endpoint declared; a class-based view declares on its class or its method."""
    view = app.view_functions.get(endpoint)
    declared = getattr(view, "access", None) or getattr(getattr(view, "view_class", None), "access", None)
    return declared if isinstance(declared, Access) else None


def list_permissions(app: Flask, *, only_here: Callable[[str], bool]) -> list[Permission]:
    """What the routes ask for, each once, in the order of their addresses; of those whose address is here."""
    found: dict[Permission, None] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
        access = find_access(app, rule.endpoint)
        if access is not None and access.permission is not None and only_here(rule.rule):
            found.setdefault(access.permission)
    return list(found)


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
