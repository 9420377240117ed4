"""What each role may do: what features declare, and the plugins this gmina chose."""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, current_app, render_template, request

from skarbnik.accounts.permissions import SEE_PEOPLE
from skarbnik.office.idle_roles import list_idle_roles
from skarbnik.office.role_words import part_names, short_role_names
from skarbnik.plugin_api import Permission, Role, impersonal, requires
from skarbnik.web import frame
from skarbnik.web.access import list_permissions
from skarbnik.web.languages import translate

blueprint = Blueprint("roles", __name__, url_prefix="/office/people/roles", template_folder="templates")


@blueprint.get("")
@requires(SEE_PEOPLE)
@impersonal("roles, and nobody who has them")
def listed() -> str:
    """All there is to be allowed here, by part of the office; of one role when it was asked for."""
    wanted = request.args.get("role", "")
    role = Role(wanted) if wanted in set(Role) else None
    parts = _parts(role)
    return render_template(
        "office/roles.html",
        parts=parts,
        names=short_role_names(),
        chosen=role or "",
        order=list(Role),
        idle=role in list_idle_roles(),
    )


def _parts(role: Role | None) -> list[tuple[str, list[Permission]]]:
    """What is said of itself with a label; what everybody in the office may do needs none."""
    own = part_names()
    names = own | _plugin_names() | own  # no plugin names a part of the core
    order = list(names)
    shown = [
        each
        for each in list_permissions(current_app, only_here=frame.gmina_has)
        if each.label and each.roles and (role is None or role in each.roles)
    ]
    shown.sort(key=lambda each: order.index(_part_of(each)))
    return [(names[part], list(found)) for part, found in groupby(shown, _part_of)]


def _part_of(permission: Permission) -> str:
    return permission.name.partition(".")[0]


def _plugin_names() -> dict[str, str]:
    """A plugin is called as its entry of the office's menu; one without is called by its code."""
    found = {}
    for name, pages in frame.instance_of_app().plugins.pages.items():
        labels = [item.label for item in pages.menu_items if item.permission.roles]
        found[name] = translate(labels[0]) if labels else name
    return found
