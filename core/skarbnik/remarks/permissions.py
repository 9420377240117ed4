"""Who reports wrong data, who reads the reports, who answers them."""

from __future__ import annotations

from skarbnik.plugin_api import N_, Limited, Permission, Role

WRITE = Permission("remarks.write", residents=True)
SEE_ANY = Permission(
    "remarks.see_any",
    N_("See reports of wrong data"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT, Role.AUDITOR}),
    limited=Limited.KINDS,
)
ANSWER = Permission(
    "remarks.answer",
    N_("Answer reports of wrong data"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT}),
    limited=Limited.KINDS,
)
