"""What may be done with receivables."""

from __future__ import annotations

from skarbnik.web.access import Limited, Permission, Support

SEE_OWN = Permission("receivables.see_own", residents=True)
SEE_ANY = Permission(
    "receivables.see_any",
    roles=frozenset({"administrator", "accountant", "auditor"}),
    support=Support.LOOK,
    limited=Limited.KINDS,
)
READ_DOCUMENTS = Permission(
    "receivables.documents", roles=frozenset({"administrator", "accountant", "auditor"}), limited=Limited.KINDS
)
DECIDE = Permission("receivables.decide", roles=frozenset({"administrator", "accountant"}))
