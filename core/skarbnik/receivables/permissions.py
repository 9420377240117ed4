"""What may be done with receivables."""

from __future__ import annotations

from skarbnik.plugin_api import N_, Limited, Permission, Role, Support

SEE_OWN = Permission("receivables.see_own", residents=True)
SEE_ANY = Permission(
    "receivables.see_any",
    N_("See payers, what they owe and what they paid"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT, Role.AUDITOR}),
    support=Support.LOOK,
    limited=Limited.KINDS,
)
READ_DOCUMENTS = Permission(
    "receivables.documents",
    N_("Read payers' documents, such as decisions"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT, Role.AUDITOR}),
    limited=Limited.KINDS,
)
DECIDE = Permission(
    "receivables.decide",
    N_("Change kinds, rates, holidays and what residents see"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT}),
)
