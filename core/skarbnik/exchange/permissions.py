"""What may be done with the exchange of files."""

from __future__ import annotations

from skarbnik.web.access import Permission

SEE = Permission("exchange.see", roles=frozenset({"administrator", "accountant", "auditor"}))
