"""What may be done with the exchange of files."""

from __future__ import annotations

from skarbnik.web.access import Permission, Support

SEE = Permission("exchange.see", roles=frozenset({"administrator", "accountant", "auditor"}), support=Support.LOOK)
TAKE_LISTS = Permission("exchange.take_lists", roles=frozenset({"administrator", "accountant", "auditor"}))  # as files
BRING = Permission("exchange.bring", roles=frozenset({"administrator", "accountant"}))  # files, consent, batches again
# Hours and limits of a finance system.
SET = Permission("exchange.set", roles=frozenset({"administrator"}), support=Support.ADMINISTER)
