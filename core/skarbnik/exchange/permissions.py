"""What may be done with the exchange of files."""

from __future__ import annotations

from skarbnik.plugin_api import N_, Permission, Role, Support

SEE = Permission(
    "exchange.see",
    N_("See the exchange of files with the finance system"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT, Role.AUDITOR}),
    support=Support.LOOK,
)
TAKE_LISTS = Permission(
    "exchange.take_lists",
    N_("Take the problems of a file as a list"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT, Role.AUDITOR}),
)
BRING = Permission(
    "exchange.bring",
    N_("Bring files, agree to what they close, take batches, send them again"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT}),
)
SET = Permission(
    "exchange.set",
    N_("Set the hours and limits of a finance system"),
    roles=frozenset({Role.ADMINISTRATOR}),
    support=Support.ADMINISTER,
)
