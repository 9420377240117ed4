"""The office writes a survey, opens and closes it, and sees what it brought."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik.plugin_api import ForbiddenTransition, impersonal, records, requires, today
from skarbnik.plugin_web import (
    Column,
    FileFormat,
    Table,
    TokenForm,
    as_file,
    check_token,
    current_person,
    current_session,
    cursor,
    page_number,
    record_act,
)
from skarbnik_surveys import queries, results, services
from skarbnik_surveys.forms import (
    QuestionForm,
    SurveyForm,
    kind_names,
    make_answer_form,
)
from skarbnik_surveys.models import Survey
from skarbnik_surveys.permissions import SEE, TAKE, WRITE
from skarbnik_surveys.questions import MOST_QUESTIONS, NoQuestion, Question, QuestionKind, get_question
from skarbnik_surveys.states import SurveyState, step

blueprint = Blueprint("surveys_office", __name__, url_prefix="/office/surveys", template_folder="templates")

Page = str | Response | tuple[str, int]


@blueprint.get("")
@requires(SEE)
@impersonal("surveys, and how many took part")
def listed() -> str:
    rows = queries.list_surveys(current_session(), before=cursor("before"))
    return render_template(
        "surveys/office_listed.html",
        rows=rows[: queries.PAGE],
        more=rows[queries.PAGE - 1].id if len(rows) > queries.PAGE else None,
        today=today(),
        may_write=WRITE,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@requires(WRITE)
@impersonal("an empty form")
def new() -> Page:
    form = SurveyForm()
    if not form.validate_on_submit():
        page = render_template("surveys/office_edit.html", form=form, survey=None)
        return (page, 422) if form.is_submitted() else page
    survey = services.write_survey(current_session(), **form.words(), by=current_person().id)
    _record("surveys.written", survey.id)
    return _to(survey.id)


@blueprint.get("/<uuid:survey_id>")
@requires(SEE)
@impersonal("a survey, and how many took part")
def show(survey_id: UUID) -> str:
    survey = queries.get_survey(current_session(), survey_id)
    return render_template(
        "surveys/office_survey.html",
        survey=survey,
        number=queries.count_sheets(current_session(), survey_id),
        kinds=kind_names(),
        is_over=survey.is_over(today()),
        most=MOST_QUESTIONS,
        token=TokenForm(),
        may_write=WRITE,
    )


@blueprint.get("/<uuid:survey_id>/preview")
@requires(SEE)
@impersonal("the form as residents see it")
def preview(survey_id: UUID) -> str:
    survey = queries.get_survey(current_session(), survey_id)
    form = make_answer_form(survey.asked, formdata=None)
    return render_template("surveys/office_preview.html", survey=survey, form=form)


@blueprint.route("/<uuid:survey_id>/edit", methods=["GET", "POST"])
@requires(WRITE)
@impersonal("a draft of a survey")
def edit(survey_id: UUID) -> Page:
    survey = _get_draft(survey_id)
    form = SurveyForm(obj=survey)
    if not form.validate_on_submit():
        page = render_template("surveys/office_edit.html", form=form, survey=survey)
        return (page, 422) if form.is_submitted() else page
    services.change_survey(current_session(), survey_id, **form.words())
    _record("surveys.changed", survey_id)
    flash(_("The survey is saved."))
    return _to(survey_id)


@blueprint.route("/<uuid:survey_id>/questions/new", methods=["GET", "POST"])
@requires(WRITE)
@impersonal("a draft of a survey")
def new_question(survey_id: UUID) -> Page:
    survey, form = _get_draft(survey_id), QuestionForm()
    if not form.validate_on_submit():
        return _question_page(survey, form, None)
    try:
        services.put_question(current_session(), survey_id, form.make())
    except services.TooManyQuestions:
        flash(_("A survey has at most 30 questions."), "warn")
        return _to(survey_id)
    _record("surveys.questions_changed", survey_id)
    flash(_("The question is saved."))
    return _to(survey_id)


@blueprint.route("/<uuid:survey_id>/questions/<question_id>", methods=["GET", "POST"])
@requires(WRITE)
@impersonal("a draft of a survey")
def edit_question(survey_id: UUID, question_id: str) -> Page:
    survey, form = _get_draft(survey_id), QuestionForm()
    question = get_question(survey.asked, question_id)
    if not form.is_submitted():
        form.fill(question)
    if not form.validate_on_submit():
        return _question_page(survey, form, question)
    services.put_question(current_session(), survey_id, form.make(question_id))
    _record("surveys.questions_changed", survey_id)
    flash(_("The question is saved."))
    return _to(survey_id)


def _question_page(survey: Survey, form: QuestionForm, question: Question | None) -> Page:
    page = render_template("surveys/office_question.html", survey=survey, form=form, question=question)
    return (page, 422) if form.is_submitted() else page


@blueprint.post("/<uuid:survey_id>/questions/<question_id>/move")
@requires(WRITE)
def move_question(survey_id: UUID, question_id: str) -> Response:
    check_token()
    places = {"up": -1, "down": 1}.get(request.form.get("to", ""))
    if places is None:
        abort(400)
    services.move_question(current_session(), survey_id, question_id, places=places)
    _record("surveys.questions_changed", survey_id)
    return _to(survey_id, question_id)


@blueprint.route("/<uuid:survey_id>/questions/<question_id>/remove", methods=["GET", "POST"])
@requires(WRITE)
@impersonal("a draft of a survey")
def remove_question(survey_id: UUID, question_id: str) -> Page:
    survey, form = _get_draft(survey_id), TokenForm()
    question = get_question(survey.asked, question_id)
    if not form.validate_on_submit():
        return render_template("surveys/office_remove.html", survey=survey, question=question, form=form)
    services.remove_question(current_session(), survey_id, question_id)
    _record("surveys.questions_changed", survey_id)
    flash(_("The question is removed."))
    return _to(survey_id)


@blueprint.route("/<uuid:survey_id>/open", methods=["GET", "POST"])
@requires(WRITE)
@impersonal("a survey without answers")
def open_(survey_id: UUID) -> Page:
    """Say what it means, then do it."""
    survey, form = _get_draft(survey_id), TokenForm()
    if not form.validate_on_submit():
        return _step_page("open", survey, form)
    try:
        services.open_survey(current_session(), survey_id)
    except services.NothingAsked:
        flash(_("Write at least one question first."), "warn")
        return _to(survey_id)
    except services.LastDayPast:
        flash(_("The last day of this survey has been. Choose another one first."), "warn")
        return _to(survey_id)
    _record("surveys.opened", survey_id)
    flash(_("The survey is open. Residents may answer now."))
    return _to(survey_id)


@blueprint.route("/<uuid:survey_id>/close", methods=["GET", "POST"])
@requires(WRITE)
@impersonal("a survey, and how many took part")
def close(survey_id: UUID) -> Page:
    """Say what it means, then do it."""
    survey, form = queries.get_survey(current_session(), survey_id), TokenForm()
    if not form.validate_on_submit():
        step(survey.state, SurveyState.CLOSED)
        return _step_page("close", survey, form)
    services.close_survey(current_session(), survey_id)
    _record("surveys.closed", survey_id)
    flash(_("The survey is closed."))
    return _to(survey_id)


@blueprint.route("/<uuid:survey_id>/delete", methods=["GET", "POST"])
@requires(WRITE)
@impersonal("a draft of a survey")
def delete(survey_id: UUID) -> Page:
    """Only a draft: what people answered is not thrown away here."""
    survey, form = _get_draft(survey_id), TokenForm()
    if not form.validate_on_submit():
        return _step_page("delete", survey, form)
    services.delete_draft(current_session(), survey_id)
    _record("surveys.deleted", survey_id)
    flash(_("The draft is deleted."))
    return redirect(url_for("surveys_office.listed"), 303)


@blueprint.get("/<uuid:survey_id>/results")
@requires(SEE)
@impersonal("counts of a survey, and no answers of fewer people than may be told apart")
def show_results(survey_id: UUID) -> str:
    """Why there is nothing to see yet, or what people answered."""
    session, survey = current_session(), queries.get_survey(current_session(), survey_id)
    found = results.count_results(session, survey)
    return render_template(
        "surveys/office_results.html",
        survey=survey,
        sheets=found.sheets,
        counted=found.counted,
        fewest=results.FEWEST,
        may_take=TAKE,
    )


@blueprint.get("/<uuid:survey_id>/results/<question_id>")
@requires(TAKE)
@records("surveys.texts_read")
def show_texts(survey_id: UUID, question_id: str) -> str:
    survey = queries.get_survey(current_session(), survey_id)
    question, page = get_question(survey.asked, question_id), page_number()
    texts = results.list_texts(current_session(), survey, question, page=page)
    if question.kind is not QuestionKind.TEXT:
        abort(404)
    _record("surveys.texts_read", survey_id)
    return render_template(
        "surveys/office_texts.html",
        survey=survey,
        question=question,
        texts=texts[: results.TEXTS],
        page=page,
        more=len(texts) > results.TEXTS,
    )


@blueprint.get("/<uuid:survey_id>/results.csv")
@requires(TAKE)
@impersonal("counts of a survey")
def results_file(survey_id: UUID) -> Response:
    survey = queries.get_survey(current_session(), survey_id)
    heads = [Column(head) for head in (_("Number"), _("Question"), _("Answer"), _("How many"))]
    lines = results.list_lines(results.count_answers(current_session(), survey))
    return as_file(Table(survey.title, (), heads, lines), FileFormat.CSV, f"ankieta-{survey.id.hex[-8:]}")


def _step_page(name: str, survey: Survey, form: Any) -> str:
    number = queries.count_sheets(current_session(), survey.id)
    return render_template("surveys/office_step.html", step=name, survey=survey, form=form, number=number)


def _get_draft(survey_id: UUID) -> Survey:
    """NoDraft for one that was opened."""
    survey = queries.get_survey(current_session(), survey_id)
    if survey.state is not SurveyState.DRAFT:
        raise services.NoDraft(f"survey {survey_id} is {survey.state}")
    return survey


@blueprint.errorhandler(services.NoDraft)
@blueprint.errorhandler(ForbiddenTransition)
@blueprint.errorhandler(NoQuestion)
def _look_again(error: Exception) -> Response:
    """Nothing was changed: somebody else opened, closed or shortened it, or an old page was kept open."""
    flash(_("This cannot be done with the survey as it is now. Nothing was changed."), "warn")
    return _to((request.view_args or {})["survey_id"])


@blueprint.errorhandler(results.ResultsHidden)
def _say_why(error: Exception) -> Response:
    """To the page that says when there are results."""
    return redirect(url_for("surveys_office.show_results", survey_id=(request.view_args or {})["survey_id"]), 303)


def _record(action: str, survey_id: UUID) -> None:
    record_act(action, "surveys_survey", survey_id)


def _to(survey_id: UUID, question_id: str = "") -> Response:
    return redirect(url_for("surveys_office.show", survey_id=survey_id, _anchor=question_id or None), 303)
