"""Who of the office sees what operators asked for, and who answers. Never an operator: nobody lets oneself in."""

from __future__ import annotations

from skarbnik.plugin_api import N_, Limited, Permission, Role

SEE = Permission(
    "support.see", N_("See what operators of the portal asked for"), roles=frozenset(Role), limited=Limited.APART
)
DECIDE = Permission("support.decide", N_("Let operators of the portal in"), roles=frozenset({Role.ADMINISTRATOR}))
