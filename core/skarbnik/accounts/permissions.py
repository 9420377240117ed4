"""What everybody may do with their own account."""

from __future__ import annotations

from skarbnik.accounts.models import Role
from skarbnik.web.access import Permission

OWN_ACCOUNT = Permission("accounts.own", residents=True, roles=frozenset(Role))
