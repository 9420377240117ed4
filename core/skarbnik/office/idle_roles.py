"""Roles that may be given and give nothing to do: pages of their own come from a plugin that is not there."""

from __future__ import annotations

from flask import current_app

from skarbnik.plugin_api import Role
from skarbnik.web import frame
from skarbnik.web.access import list_permissions


def list_idle_roles() -> set[Role]:
    """Roles of which no permission speaks in this gmina, other than of all roles together."""
    declared = [each.roles for each in list_permissions(current_app, only_here=frame.gmina_has)]
    return set(Role) - {Role(role) for roles in declared if roles != set(Role) for role in roles}
