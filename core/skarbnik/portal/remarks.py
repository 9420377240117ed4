"""My data are wrong: a resident reports it, follows what the office says, and may take it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectField, TextAreaField
from wtforms.validators import ValidationError

from skarbnik import clock
from skarbnik.errors import ForbiddenTransition
from skarbnik.plugin_api import requires
from skarbnik.portal.acting import check_shown_for, payer_of_request
from skarbnik.portal.receivable import title_of
from skarbnik.remarks import queries, services
from skarbnik.remarks.fields import check_text, outcome_names, topic_names
from skarbnik.remarks.models import OF_PAYER, OF_RECEIVABLE, Topic
from skarbnik.remarks.permissions import WRITE
from skarbnik.remarks.states import OPEN
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.fields import lines, to_choices
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.languages import current_language
from skarbnik.web.limits import limited

blueprint = Blueprint("remarks", __name__, url_prefix="/remarks", template_folder="templates")


class RemarkForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What is wrong, and how."""

    topic = SelectField()
    text = TextAreaField(filters=[lines], render_kw={"rows": 8})

    def __init__(self, topics: tuple[Topic, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        names = topic_names()
        self.topic.choices = to_choices([("", _("choose")), *((topic.value, names[topic]) for topic in topics)])

    def validate_topic(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose what is wrong."))

    def validate_text(self, field: Any) -> None:
        check_text(field.data)


@blueprint.get("")
@requires(WRITE)
def own() -> str:
    """What this person reported for the payer they act for, the newest first."""
    rows = queries.list_own(
        frame.session(),
        user_id=current_person().id,
        payer_id=payer_of_request(),
        today=clock.today(),
        before=_uuid("before"),
    )
    return render_template(
        "portal/remarks.html",
        rows=rows[: queries.PAGE],
        more=rows[queries.PAGE - 1].remark.id if len(rows) > queries.PAGE else None,
        topics=topic_names(),
    )


def _uuid(name: str) -> UUID | None:
    """A thing an address names, if it names one."""
    if name not in request.args:
        return None
    try:
        return UUID(request.args[name])
    except ValueError:
        abort(404)


@blueprint.route("/new", methods=["GET", "POST"])
@requires(WRITE)
@limited("10 per minute", methods=["POST"])
def new() -> str | Response | tuple[str, int]:
    """About the receivable in the address, else about the payer."""
    check_shown_for()
    session, payer_id, receivable_id = frame.session(), payer_of_request(), _uuid("receivable")
    title = title_of(session, receivable_id, payer_id=payer_id, today=clock.today()) if receivable_id else None
    form = RemarkForm(OF_PAYER if receivable_id is None else OF_RECEIVABLE)
    words = {"form": form, "title": title, "receivable_id": receivable_id, "most": services.MOST_OPEN}
    if not form.validate_on_submit():
        page = render_template("portal/remark_new.html", full=False, **words)
        return (page, 422) if form.is_submitted() else page
    try:
        remark = services.write_remark(
            session,
            user_id=current_person().id,
            payer_id=payer_id,
            receivable_id=receivable_id,
            topic=Topic(form.topic.data),
            text=form.text.data or "",
            language=current_language(),
        )
    except services.TooManyOpen:
        return render_template("portal/remark_new.html", full=True, **words), 409
    flash(_("The office has your report. You will get an e-mail when there is an answer."))
    return redirect(url_for("remarks.show", remark_id=remark.id), 303)


@blueprint.get("/<uuid:remark_id>")
@requires(WRITE)
def show(remark_id: UUID) -> str:
    """For who wrote it, also while they act for another payer: a mail leads here."""
    person = current_person()
    found = queries.get_own(frame.session(), remark_id, user_id=person.id, today=clock.today())
    return render_template(
        "portal/remark.html",
        found=found,
        remark=found.remark,
        acts_for_it=found.payer_id == person.payer_id,
        topics=topic_names(),
        outcomes=outcome_names(),
        is_open=found.remark.state in OPEN,
        form=TokenForm(),
    )


@blueprint.post("/<uuid:remark_id>/withdraw")
@requires(WRITE)
def withdraw(remark_id: UUID) -> Response:
    """As long as nobody answered."""
    check_token()
    try:
        services.withdraw_remark(frame.session(), remark_id, user_id=current_person().id)
        flash(_("The report is withdrawn."))
    except ForbiddenTransition:
        flash(_("The office answered meanwhile, or the report was withdrawn already."), "warn")
    return redirect(url_for("remarks.show", remark_id=remark_id), 303)
