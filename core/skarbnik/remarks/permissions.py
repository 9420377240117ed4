"""Who reports wrong data, who reads the reports, who answers them."""

from __future__ import annotations

from skarbnik.web.access import Limited, Permission

WRITE = Permission("remarks.write", residents=True)
SEE_ANY = Permission(
    "remarks.see_any", roles=frozenset({"administrator", "accountant", "auditor"}), limited=Limited.KINDS
)
ANSWER = Permission("remarks.answer", roles=frozenset({"administrator", "accountant"}), limited=Limited.KINDS)
