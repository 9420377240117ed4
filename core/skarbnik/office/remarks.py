"""Reports of wrong data: what waits for the office, taken up and answered by a clerk."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectField, TextAreaField
from wtforms.validators import ValidationError

from skarbnik import clock
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import ForbiddenTransition
from skarbnik.plugin_api import records, requires
from skarbnik.remarks import queries, services
from skarbnik.remarks.fields import check_text, outcome_names, topic_names
from skarbnik.remarks.models import Outcome
from skarbnik.remarks.permissions import ANSWER, SEE_ANY
from skarbnik.remarks.states import OPEN, RemarkState
from skarbnik.web import frame
from skarbnik.web.access import current_person, kinds_in_scope
from skarbnik.web.fields import lines, to_choices
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.paging import cursor

blueprint = Blueprint("office_remarks", __name__, url_prefix="/office/remarks", template_folder="templates")


class AnswerForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What the office found, and says of it."""

    outcome = SelectField()
    text = TextAreaField(filters=[lines], render_kw={"rows": 8})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outcome.choices = to_choices(
            [("", _("choose")), *((each.value, name) for each, name in outcome_names().items())]
        )

    def validate_outcome(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose what you found."))

    def validate_text(self, field: Any) -> None:
        check_text(field.data)


@blueprint.get("")
@requires(SEE_ANY)
@records("remarks.listed")
def queue() -> str:
    """The oldest first; what waits for the office, unless another state was asked for."""
    state = request.args.get("state", "")
    chosen = [RemarkState(state)] if state in set(RemarkState) else list(OPEN)
    rows = queries.list_any(frame.session(), chosen, kinds=kinds_in_scope(), after=cursor("after"))
    record_own_act("remarks.listed", "remarks", payers=[row.Remark.payer_id for row in rows[: queries.PAGE]])
    return render_template(
        "office/remarks.html",
        rows=rows[: queries.PAGE],
        more=rows[queries.PAGE - 1].Remark.id if len(rows) > queries.PAGE else None,
        state=state if len(chosen) == 1 else "",
        states=list(RemarkState),
        topics=topic_names(),
        days_since=clock.days_since,
    )


@blueprint.get("/<uuid:remark_id>")
@requires(SEE_ANY)
@records("remark.viewed")
def show(remark_id: UUID) -> str:
    return _page(remark_id, AnswerForm(formdata=None))


def _get(remark_id: UUID) -> Any:
    return queries.get_any(frame.session(), remark_id, kinds=kinds_in_scope())


def _record(action: str, remark_id: UUID) -> None:
    found = _get(remark_id)
    record_own_act(action, "remark", remark_id, payers=[found.Remark.payer_id])


def _page(remark_id: UUID, form: AnswerForm) -> str:
    """Also above an answer that was refused: whoever sends an empty one sees as much."""
    _record("remark.viewed", remark_id)
    return render_template(
        "office/remark.html",
        found=(found := _get(remark_id)),
        remark=found.Remark,
        topics=topic_names(),
        outcomes=outcome_names(),
        waits=clock.days_since(found.Remark.written_at) if found.Remark.state in OPEN else None,
        form=form,
        token=TokenForm(),
        may_answer=ANSWER,
    )


@blueprint.post("/<uuid:remark_id>/take")
@requires(ANSWER)
def take(remark_id: UUID) -> Response:
    """Say that one looks into it, so that others do not."""
    check_token()
    _get(remark_id)
    try:
        services.take_up(frame.session(), remark_id, by=current_person().id)
        _record("remark.taken_up", remark_id)
    except ForbiddenTransition:
        _somebody_was_quicker()
    return redirect(url_for("office_remarks.show", remark_id=remark_id), 303)


@blueprint.post("/<uuid:remark_id>/answer")
@requires(ANSWER)
def answer(remark_id: UUID) -> Response | tuple[str, int]:
    """Once: what a resident was told stays as it was said."""
    _get(remark_id)
    form = AnswerForm()
    if not form.validate():
        return _page(remark_id, form), 422
    try:
        services.answer_remark(
            frame.session(),
            remark_id,
            outcome=Outcome(form.outcome.data),
            text=form.text.data or "",
            by=current_person().id,
        )
        _record("remark.answered", remark_id)
        flash(_("The answer is sent. The resident is told by e-mail that it is here."))
    except ForbiddenTransition:
        _somebody_was_quicker()
    return redirect(url_for("office_remarks.show", remark_id=remark_id), 303)


def _somebody_was_quicker() -> None:
    flash(_("Somebody did something about this report meanwhile. Look at it again."), "warn")
