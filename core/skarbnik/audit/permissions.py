"""Who may read the trail, and who decides how long it is kept."""

from __future__ import annotations

from skarbnik.web.access import Permission

READ = Permission("audit.read", roles=frozenset({"administrator", "auditor"}))
KEEP = Permission("audit.keep", roles=frozenset({"administrator"}))
