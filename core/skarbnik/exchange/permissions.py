"""What may be done with the exchange of files."""

from __future__ import annotations

from skarbnik.web.access import Permission

SEE = Permission("exchange.see", roles=frozenset({"administrator", "accountant", "auditor"}))
BRING = Permission("exchange.bring", roles=frozenset({"administrator", "accountant"}))  # files, consent, batches again
SET = Permission("exchange.set", roles=frozenset({"administrator"}))  # hours and limits of a finance system
