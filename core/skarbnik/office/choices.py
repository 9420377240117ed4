"""Which differences somebody wants to see, as an address says it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from skarbnik import clock
from skarbnik.office import queries
from skarbnik.office.difference_words import difference_words
from skarbnik.web.access import current_person

AGES = (3, 7, 30)  # days one may ask for


def read_choice(address: Mapping[str, str]) -> tuple[queries.DifferenceChoice, dict[str, str]]:
    """What an address asks for, and the words of it that mean something; the others filter nothing."""
    kind, owner = address.get("kind", ""), address.get("owner", "")
    state, age = address.get("state", ""), address.get("age", "")
    days = int(age) if age in map(str, AGES) else None
    choice = queries.DifferenceChoice(
        kind=kind if kind in difference_words() else None,
        owner=current_person().id if owner == "mine" else None,
        nobodys=owner == "nobody",
        opened_before=clock.now() - timedelta(days=days) if days else None,
        closed=state == "closed",
    )
    words = {"kind": choice.kind or "", "age": str(days or ""), "state": state if choice.closed else ""}
    words["owner"] = owner if choice.owner or choice.nobodys else ""
    return choice, {name: word for name, word in words.items() if word}
