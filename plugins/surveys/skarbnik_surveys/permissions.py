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
TAKE = Permission(  # nothing for operators: people write about people, and no file goes along (docs/decisions/0025)
    "surveys.take",
    N_("Read what people wrote in surveys, take results as a file"),
    roles=SEE.roles,
    limited=Limited.APART,
)
WRITE = Permission(
    "surveys.write",
    N_("Write, open and close surveys"),
    roles=frozenset({Role.SURVEYS}),
    limited=Limited.APART,
)
