"""Who may read the trail, and who decides how long it is kept."""

from __future__ import annotations

from skarbnik.plugin_api import N_, Permission, Role

READ = Permission(
    "audit.read", N_("Read and export who saw and did what"), roles=frozenset({Role.ADMINISTRATOR, Role.AUDITOR})
)
KEEP = Permission("audit.keep", N_("Say how long the trail is kept"), roles=frozenset({Role.ADMINISTRATOR}))
