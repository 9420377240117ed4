"""What everybody may do with their own account, and who looks after the accounts of residents and of the office."""

from __future__ import annotations

from skarbnik.accounts.models import Role
from skarbnik.web.access import Limited, Permission, Support

OWN_ACCOUNT = Permission("accounts.own", residents=True, roles=frozenset(Role), limited=Limited.APART)
OWN_RESIDENT = Permission("accounts.own_resident", residents=True)  # what only an account of a resident has
SERVE_RESIDENTS = Permission("accounts.serve_residents", roles=frozenset({"administrator", "accountant"}))
SEE_RESIDENTS = Permission("residents.see_any", roles=frozenset({"administrator", "accountant", "auditor"}))
TEND_RESIDENTS = Permission("residents.tend", roles=frozenset({"administrator"}))
SEE_PEOPLE = Permission("accounts.see_people", roles=frozenset({"administrator", "auditor"}), support=Support.LOOK)
PROVIDERS = Permission("accounts.providers", roles=frozenset({"administrator"}))
PEOPLE = Permission("accounts.people", roles=frozenset({"administrator"}))
