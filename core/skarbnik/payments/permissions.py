"""What may be done with payments."""

from __future__ import annotations

from skarbnik.web.access import Limited, Permission, Support

PAY = Permission("payments.pay", residents=True)
SEE_ANY = Permission(
    "payments.see_any",
    roles=frozenset({"administrator", "accountant", "auditor"}),
    support=Support.LOOK,
    limited=Limited.KINDS,
)
# The whole of the money: accounts at gateways, payouts, differences, refunds. It is of no kind until it is booked.
SEE_MONEY = Permission(
    "payments.see_money", roles=frozenset({"administrator", "accountant", "auditor"}), support=Support.LOOK
)
TAKE_LISTS = Permission("payments.take_lists", roles=frozenset({"administrator", "accountant", "auditor"}))  # as files
SET_UP = Permission("payments.set_up", roles=frozenset({"administrator", "accountant"}))
DECIDE = Permission("payments.decide", roles=frozenset({"accountant"}))
# The second pair of eyes; in a small office with one accountant it is the administrator's.
APPROVE = Permission("payments.approve", roles=frozenset({"administrator", "accountant"}))
KEYS = Permission("payments.keys", roles=frozenset({"administrator", "accountant"}))
