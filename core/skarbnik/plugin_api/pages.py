"""What a plugin with pages hands out beside its blueprints. What its views call is in `skarbnik.plugin_web`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

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
