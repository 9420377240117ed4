"""Who of the office sees what operators asked for, and who answers. Never an operator: nobody lets oneself in."""

from __future__ import annotations

from skarbnik.accounts.models import Role
from skarbnik.web.access import Limited, Permission

SEE = Permission("support.see", roles=frozenset(Role), limited=Limited.APART)
DECIDE = Permission("support.decide", roles=frozenset({"administrator"}))
