"""Who looks at pages, what stands in their addresses, and the town both are of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NOBODY, OPERATOR = "nobody", "operator"


@dataclass(frozen=True)
class Walker:
    """Somebody who looks at pages: what they are here, and the cookie of the browser they signed in with."""

    name: str
    kind: str
    roles: frozenset[str] = frozenset()
    token: str = ""

    def cookies(self) -> dict[str, str]:
        return {"operator" if self.kind == OPERATOR else "session": self.token} if self.token else {}


@dataclass(frozen=True)
class Example:
    """What stands in the address of a page, and who owns the thing that is shown. No owner: whoever may."""

    values: dict[str, Any] = field(default_factory=dict)
    query: str = ""
    owner: str = ""
    best_as: str = ""  # a list is everybody's own; this one's is worth to be looked at
    status: int = 200


@dataclass(frozen=True)
class Town:
    """Everybody by name, and examples by endpoint; `arguments` serve every other endpoint that has them."""

    walkers: dict[str, Walker]
    arguments: dict[str, Any]
    examples: dict[str, list[Example]]
