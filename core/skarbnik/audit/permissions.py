"""Who may read the trail."""

from __future__ import annotations

from skarbnik.web.access import Permission

READ = Permission("audit.read", roles=frozenset({"administrator", "auditor"}))
