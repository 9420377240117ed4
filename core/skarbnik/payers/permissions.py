"""Who asks to act for somebody, who sees that, and who decides it."""

from __future__ import annotations

from skarbnik.plugin_api import N_, Permission, Role

ASK = Permission("mandates.ask", residents=True)
SEE_REQUESTS = Permission(
    "mandates.see_any",
    N_("See requests to act for somebody"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT, Role.AUDITOR}),
)
DECIDE = Permission(
    "mandates.decide",
    N_("Confirm, refuse and end rights to act for somebody"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT}),
)
