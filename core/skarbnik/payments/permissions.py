"""What may be done with payments."""

from __future__ import annotations

from skarbnik.plugin_api import N_, Limited, Permission, Role, Support

PAY = Permission("payments.pay", residents=True)
SEE_ANY = Permission(
    "payments.see_any",
    N_("See payments"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT, Role.AUDITOR}),
    support=Support.LOOK,
    limited=Limited.KINDS,
)
# The whole of the money: accounts at gateways, payouts, differences, refunds. It is of no kind until it is booked.
SEE_MONEY = Permission(
    "payments.see_money",
    N_("See reconciliation, differences, refunds and gateways"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT, Role.AUDITOR}),
    support=Support.LOOK,
)
TAKE_LISTS = Permission(
    "payments.take_lists",
    N_("Take lists of payments and payouts as files"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT, Role.AUDITOR}),
)
SET_UP = Permission(
    "payments.set_up",
    N_("Set up merchant accounts at gateways"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT}),
)
DECIDE = Permission(
    "payments.decide",
    N_("Clear up differences, bring statements, book money in suspense, propose refunds"),
    roles=frozenset({Role.ACCOUNTANT}),
)
# The second pair of eyes; in a small office with one accountant it is the administrator's.
APPROVE = Permission(
    "payments.approve", N_("Approve and decline refunds"), roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT})
)
KEYS = Permission("payments.keys", N_("Enter keys of gateways"), roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT}))
