"""What is done with a difference: looked at, taken, given back, noted, closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField
from wtforms.validators import ValidationError

from skarbnik import clock
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import Conflict
from skarbnik.office import queries
from skarbnik.office.difference_words import resolution_names, words_of
from skarbnik.payments import differences as services
from skarbnik.payments.permissions import DECIDE, SEE_MONEY
from skarbnik.plugin_api import impersonal, requires
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.fields import at_most, lines
from skarbnik.web.forms import TokenForm, check_token

blueprint = Blueprint("differences", __name__, url_prefix="/office/differences", template_folder="templates")


class NoteForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What was found out so far."""

    note = TextAreaField(filters=[lines], validators=[at_most(200)], render_kw={"rows": 3, "maxlength": 200})


class CloseForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """How it ended."""

    resolution = StringField(filters=[lines], validators=[at_most(200)], render_kw={"maxlength": 200})

    def validate_resolution(self, field: Any) -> None:
        if not (field.data or "").strip():
            raise ValidationError(_("Say how it ended."))


@blueprint.get("/<uuid:difference_id>")
@requires(SEE_MONEY)
@impersonal("an amount and the number of an order, no name")
def show(difference_id: UUID) -> str:
    return _page(difference_id)


def _page(difference_id: UUID, note: NoteForm | None = None, closing: CloseForm | None = None) -> str:
    found = queries.get_difference(frame.session(), difference_id)
    if note is None:
        note = NoteForm(formdata=None)
        note.note.data = found.note
    return render_template(
        "office/difference.html",
        row=found,
        words=words_of(found.kind),
        closable=found.kind not in services.ENDS_ELSEWHERE,
        resolutions=resolution_names(),
        noting=note,
        closing=closing or CloseForm(formdata=None),
        form=note if note.errors else closing if closing and closing.errors else TokenForm(),
        me=current_person().id,
        decide=DECIDE,
        days_since=clock.days_since,
    )


@blueprint.post("/<uuid:difference_id>/take")
@requires(DECIDE)
def take(difference_id: UUID) -> Response:
    """Say that one looks into it; what another has taken is taken over."""
    check_token()
    record_own_act("difference.taken", "difference", difference_id)
    return _done(difference_id, lambda: services.take(frame.session(), difference_id, by=current_person().id))


@blueprint.post("/<uuid:difference_id>/give-back")
@requires(DECIDE)
def give_back(difference_id: UUID) -> Response:
    check_token()
    record_own_act("difference.given_back", "difference", difference_id)
    return _done(difference_id, lambda: services.give_back(frame.session(), difference_id))


@blueprint.post("/<uuid:difference_id>/note")
@requires(DECIDE)
def write_note(difference_id: UUID) -> Response | tuple[str, int]:
    form = NoteForm()
    if not form.validate():
        return _page(difference_id, note=form), 422
    record_own_act("difference.noted", "difference", difference_id)
    return _done(difference_id, lambda: services.write_note(frame.session(), difference_id, form.note.data or ""))


@blueprint.post("/<uuid:difference_id>/close")
@requires(DECIDE)
def close(difference_id: UUID) -> Response | tuple[str, int]:
    """With how it ended, and by whom. Its money is where it was: closing moves none."""
    form = CloseForm()
    if not form.validate():
        return _page(difference_id, closing=form), 422
    record_own_act("difference.closed", "difference", difference_id)
    said, by = form.resolution.data or "", current_person().id
    return _done(difference_id, lambda: services.close(frame.session(), difference_id, resolution=said, by=by))


def _done(difference_id: UUID, act: Callable[[], Any]) -> Response:
    try:
        act()
    except Conflict:
        frame.roll_back()
        flash(_("This difference was closed meanwhile, or ends only with its booking. Look at it again."), "warn")
    else:
        flash(_("Saved."))
    return redirect(url_for("differences.show", difference_id=difference_id), 303)
