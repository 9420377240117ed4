"""Who answers surveys, who sees their results, who writes, opens and closes them."""

from __future__ import annotations

from skarbnik.plugin_api import N_, Limited, Permission, Role, Support

ANSWER = Permission("surveys.answer", residents=True)
SEE = Permission(
    "surveys.see",
    N_("See surveys and their results"),
    roles=frozenset({Role.SURVEYS, Role.ADMINISTRATOR, Role.AUDITOR}),
    limited=Limited.APART,
    support=Support.LOOK,
)
TAKE = Permission(  # no operator takes a file along (docs/decisions/0025)
    "surveys.take",
    N_("Take results of surveys as a file"),
    roles=SEE.roles,
    limited=Limited.APART,
)
WRITE = Permission(
    "surveys.write",
    N_("Write, open and close surveys"),
    roles=frozenset({Role.SURVEYS}),
    limited=Limited.APART,
)
