"""What everybody may do with their own account, and who looks after the accounts of residents and of the office."""

from __future__ import annotations

from skarbnik.plugin_api import N_, Limited, Permission, Role, Support

OWN_ACCOUNT = Permission("accounts.own", residents=True, roles=frozenset(Role), limited=Limited.APART)
OWN_RESIDENT = Permission("accounts.own_resident", residents=True)  # what only an account of a resident has
SERVE_RESIDENTS = Permission(
    "accounts.serve_residents",
    N_("Confirm residents' identity at the desk"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT}),
)
SEE_RESIDENTS = Permission(
    "residents.see_any",
    N_("See residents' accounts"),
    roles=frozenset({Role.ADMINISTRATOR, Role.ACCOUNTANT, Role.AUDITOR}),
)
TEND_RESIDENTS = Permission(
    "residents.tend", N_("Block residents' accounts, sign residents out"), roles=frozenset({Role.ADMINISTRATOR})
)
SEE_PEOPLE = Permission(
    "accounts.see_people",
    N_("See the people of the office"),
    roles=frozenset({Role.ADMINISTRATOR, Role.AUDITOR}),
    support=Support.LOOK,
)
PROVIDERS = Permission("accounts.providers", N_("Set up ways to sign in"), roles=frozenset({Role.ADMINISTRATOR}))
PEOPLE = Permission(
    "accounts.people",
    N_("Invite people, give them roles and scopes of work, block them"),
    roles=frozenset({Role.ADMINISTRATOR}),
)
