"""Residents: the surveys that are open, and one of them to answer."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from skarbnik.plugin_api import requires, today
from skarbnik.plugin_web import current_person, current_session, cursor
from skarbnik_surveys import queries, services
from skarbnik_surveys.forms import make_answer_form
from skarbnik_surveys.models import Survey
from skarbnik_surveys.permissions import ANSWER

blueprint = Blueprint("surveys", __name__, url_prefix="/surveys", template_folder="templates")

Page = str | Response | tuple[str, int]


@blueprint.get("")
@requires(ANSWER)
def listed() -> str:
    rows = queries.list_open(current_session(), user_id=current_person().id, today=today(), before=cursor("before"))
    return render_template(
        "surveys/listed.html",
        rows=rows[: queries.PAGE],
        more=rows[queries.PAGE - 1].id if len(rows) > queries.PAGE else None,
    )


@blueprint.get("/<uuid:survey_id>")
@requires(ANSWER)
def show(survey_id: UUID) -> str:
    """The form; thanks for who took part; that it is over for who comes too late."""
    survey = queries.get_shown(current_session(), survey_id)
    took_part = _took_part(survey_id)
    if took_part or survey.is_over(today()):
        return _ended_page(survey, took_part=took_part)
    return render_template("surveys/survey.html", survey=survey, form=make_answer_form(survey.asked, formdata=None))


@blueprint.post("/<uuid:survey_id>")
@requires(ANSWER)
def answer(survey_id: UUID) -> Page:
    """Once. It writes no trail: the time of an answer would lead to who gave it."""
    survey = queries.get_shown(current_session(), survey_id)
    if _took_part(survey_id):
        return _ended_page(survey, took_part=True, sent=True), 409
    form = make_answer_form(survey.asked)
    if not form.validate():
        return render_template("surveys/survey.html", survey=survey, form=form), 422
    try:
        services.answer_survey(current_session(), survey_id, user_id=current_person().id, answers=form.answers())
    except services.AlreadyAnswered:
        return _ended_page(survey, took_part=True, sent=True), 409
    except services.SurveyOver:
        return _ended_page(survey, took_part=False, sent=True), 409
    return redirect(url_for("surveys.show", survey_id=survey_id), 303)


def _took_part(survey_id: UUID) -> bool:
    return queries.has_answered(current_session(), survey_id, user_id=current_person().id)


def _ended_page(survey: Survey, *, took_part: bool, sent: bool = False) -> str:
    """Where there is nothing to answer. `sent`: something was, and was not taken."""
    return render_template(
        "surveys/ended.html", survey=survey, took_part=took_part, sent=sent, is_over=survey.is_over(today())
    )
