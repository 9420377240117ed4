"""Who asks to act for somebody, who decides it, and who looks after residents' accounts."""

from __future__ import annotations

from skarbnik.web.access import Permission

ASK = Permission("mandates.ask", residents=True)
SEE_REQUESTS = Permission("mandates.see_any", roles=frozenset({"administrator", "accountant", "auditor"}))
DECIDE = Permission("mandates.decide", roles=frozenset({"administrator", "accountant"}))
SEE_RESIDENTS = Permission("residents.see_any", roles=frozenset({"administrator", "accountant", "auditor"}))
TEND_RESIDENTS = Permission("residents.tend", roles=frozenset({"administrator"}))
