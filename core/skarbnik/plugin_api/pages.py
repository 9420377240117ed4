"""What a plugin with pages hands out beside its blueprints, and what the portal does for its pages.

The views themselves are Flask's: a blueprint, `render_template` over a template that extends `web/layout.html`, forms
of Flask-WTF with fields and paging from `skarbnik.plugin_web`. What belongs to the request, its session and who is
signed in, comes from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from skarbnik.db import TenantSession
from skarbnik.plugin_api.access import Permission


@dataclass(frozen=True)
class MenuItem:
    """An entry of the menu, shown to who may use it. Those of one group share an entry, and a row below it."""

    label: str  # a msgid
    endpoint: str
    permission: Permission
    group: str = ""  # a msgid


class CurrentPerson(Protocol):
    """Who is signed in, as a plugin may know them."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def is_official(self) -> bool:
        """Also of an operator whom the gmina let in."""

    @property
    def payer_id(self) -> UUID | None:
        """For whom a resident acts now; None for officials, and for who acts for nobody."""

    def may(self, permission: Permission) -> bool: ...


class RecordsAct(Protocol):
    def __call__(
        self, action: str, subject: str, subject_id: UUID | None = None, *, payers: Iterable[UUID | None] = ()
    ) -> None: ...


@dataclass(frozen=True)
class Host:
    """What the portal does for a page. `app` fills it, so it is not among what plugins import; they call the functions
    below.
    """

    session: Callable[[], TenantSession]
    person: Callable[[], CurrentPerson]
    record: RecordsAct
    language: Callable[[], str]


_hosts: list[Host] = []


def fill_host(host: Host) -> None:
    """Called once by each way in that shows pages; the functions it gives look at the request they are called in."""
    _hosts[:] = [host]


def current_session() -> TenantSession:
    """The session of this request, of its gmina: one transaction, committed before the answer leaves.

    A plugin reads and writes its own tables with it, and nothing else.
    """
    return _hosts[0].session()


def current_person() -> CurrentPerson:
    """Who is signed in, in a route that requires somebody."""
    return _hosts[0].person()


def current_language() -> str:
    """`pl`, `en` or `uk`: the language of this request."""
    return _hosts[0].language()


def record_act(
    action: str, subject: str, subject_id: UUID | None = None, *, payers: Iterable[UUID | None] = ()
) -> None:
    """Append to the trail what the person of this request does, in its transaction.

    `action` is one of those the plugin hands out in `acts`, else ValueError; `subject` one of its `subjects`.
    `payers` whose data were seen: they find it under "who looked at my data".
    """
    _hosts[0].record(action, subject, subject_id, payers=payers)
