"""What views, forms and lists of a plugin's pages call. Its own room above `web`, since `plugin_api` knows no Flask.

A plugin with pages imports this beside `plugin_api`, and nothing else of the core. The views themselves are Flask's: a
blueprint, `render_template` over a template that extends `web/layout.html`, forms of Flask-WTF.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

from skarbnik.audit.requests import record_own_act
from skarbnik.db import TenantSession
from skarbnik.plugin_api import CurrentPerson
from skarbnik.web import access, frame
from skarbnik.web.fields import DayOrNone, at_most, lines, to_choices
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.languages import current_language
from skarbnik.web.paging import cursor, page_number
from skarbnik.web.tables import Column, FileFormat, Table, as_file

__all__ = [
    "Column",
    "DayOrNone",
    "FileFormat",
    "Table",
    "TokenForm",
    "as_file",
    "at_most",
    "check_token",
    "current_language",
    "current_person",
    "current_session",
    "cursor",
    "lines",
    "page_number",
    "record_act",
    "to_choices",
]


def current_session() -> TenantSession:
    """The session of this request, of its gmina: one transaction, committed before the answer leaves.

    A plugin reads and writes its own tables with it, and nothing else.
    """
    return frame.session()


def current_person() -> CurrentPerson:
    """Who is signed in, in a route that requires somebody."""
    return access.current_person()


def record_act(
    action: str, subject: str, subject_id: UUID | None = None, *, payers: Iterable[UUID | None] = ()
) -> None:
    """Append to the trail what the person of this request does, in its transaction.

    `action` is one of those a plugin hands out in `acts`, and `subject` begins with one of its `subjects`, else
    ValueError. `payers` are those whose data were seen: they find it under "who looked at my data".
    """
    plugins = frame.instance_of_app().plugins.pages.values()
    subjects = next((pages.subjects for pages in plugins if action in pages.acts), None)
    if subjects is None:
        raise ValueError(f"{action!r} is none of the acts that plugins handed out")
    if re.split("[:/]", subject, maxsplit=1)[0] not in subjects:
        raise ValueError(f"{subject!r} is none of the subjects of the plugin whose act {action!r} is")
    record_own_act(action, subject, subject_id, payers=payers)
