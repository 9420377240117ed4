"""Who asks to act for somebody, who sees that, and who decides it."""

from __future__ import annotations

from skarbnik.web.access import Permission

ASK = Permission("mandates.ask", residents=True)
SEE_REQUESTS = Permission("mandates.see_any", roles=frozenset({"administrator", "accountant", "auditor"}))
DECIDE = Permission("mandates.decide", roles=frozenset({"administrator", "accountant"}))
