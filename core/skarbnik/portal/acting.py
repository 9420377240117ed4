"""Whom the person of a request acts for, and whom the page they sent was shown for."""

from __future__ import annotations

from uuid import UUID

from flask import abort, redirect, request, url_for

from skarbnik.errors import Conflict
from skarbnik.web.access import current_person

FIELD = "acting"  # of a form: the payer it was shown for, see the macro `shown_for`


class ActsForAnother(Conflict):
    """The form was shown for another payer than its sender acts for now: they switched in another window."""


def payer_of_request() -> UUID:
    """Whom the person of this request acts for; who acts for nobody is told so."""
    payer_id = current_person().payer_id
    if payer_id is None:
        abort(redirect(url_for("portal.nobody"), 303))
    return payer_id


def check_shown_for() -> None:
    """ActsForAnother when the form says another payer. One that says none is of a page older than this rule."""
    shown = request.form.get(FIELD)
    if shown and shown != str(payer_of_request()):
        raise ActsForAnother("the form was shown for another payer")
