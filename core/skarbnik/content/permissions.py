"""Who writes for the residents, and who agrees to the terms."""

from __future__ import annotations

from skarbnik.web.access import Limited, Permission, Support

EDIT = Permission(
    "content.edit",
    roles=frozenset({"administrator", "communications"}),
    support=Support.ADMINISTER,
    limited=Limited.APART,
)
ACCEPT_TERMS = Permission("content.accept_terms", residents=True)
