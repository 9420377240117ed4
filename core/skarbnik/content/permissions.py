"""Who writes for the residents, and who agrees to the terms."""

from __future__ import annotations

from skarbnik.plugin_api import N_, Limited, Permission, Role, Support

EDIT = Permission(
    "content.edit",
    N_("Write the texts of the portal"),
    roles=frozenset({Role.ADMINISTRATOR, Role.COMMUNICATIONS}),
    support=Support.ADMINISTER,
    limited=Limited.APART,
)
ACCEPT_TERMS = Permission("content.accept_terms", residents=True)
