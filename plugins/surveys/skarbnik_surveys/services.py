"""Writing, opening, answering and closing surveys.

What keeps answers apart from people: who took part and what was answered share no column but the survey, neither has a
time, and closing rewrites all sheets in random order before anybody sees a result. What remains: until a survey closes
the row versions of the database tell which participation came with which sheet, and so do its dead rows until they are
vacuumed, its log (WAL) and backups made meanwhile; the log of requests tells who sent a form when. Who can read those,
and only they, could join the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from skarbnik.plugin_api import Conflict, NotFound, now, today
from skarbnik_surveys.models import Participation, Sheet, Survey
from skarbnik_surveys.questions import MOST_QUESTIONS, Answers, Question, check_answers, move, put_in, take_out, to_json
from skarbnik_surveys.states import SurveyState

MIX = text(
    "WITH taken AS (DELETE FROM surveys_sheets WHERE survey_id = :survey RETURNING survey_id, answers)"
    " INSERT INTO surveys_sheets (id, survey_id, answers)"
    " SELECT gen_random_uuid(), survey_id, answers FROM taken ORDER BY random()"
)


class NoDraft(Conflict):
    """The survey was opened meanwhile: what people were asked stays as they were asked it."""


class TooManyQuestions(Conflict):
    """The survey has as many questions as a survey may have."""


class NothingAsked(Conflict):
    """A survey without a question cannot be opened."""


class LastDayPast(Conflict):
    """The last day of a survey that is to be opened has been."""


class SurveyOver(Conflict):
    """The survey takes no answers any more."""


class AlreadyAnswered(Conflict):
    """This person took part: the first answer counts."""


def write_survey(session: Session, *, title: str, intro: str, closes_on: date | None, by: UUID) -> Survey:
    survey = Survey(title=title, intro=intro, closes_on=closes_on, made_at=now(), made_by=by)
    session.add(survey)
    session.flush()
    return survey


def change_survey(session: Session, survey_id: UUID, *, title: str, intro: str, closes_on: date | None) -> None:
    survey = _lock_draft(session, survey_id)
    survey.title, survey.intro, survey.closes_on = title, intro, closes_on


def put_question(session: Session, survey_id: UUID, question: Question) -> None:
    """A new one at the end, or in the place of the one it is made from."""
    survey = _lock_draft(session, survey_id)
    questions = put_in(survey.asked, question)
    if len(questions) > MOST_QUESTIONS:
        raise TooManyQuestions(f"survey {survey_id} has {MOST_QUESTIONS} questions")
    _keep(survey, questions)


def remove_question(session: Session, survey_id: UUID, question_id: str) -> None:
    survey = _lock_draft(session, survey_id)
    _keep(survey, take_out(survey.asked, question_id))


def move_question(session: Session, survey_id: UUID, question_id: str, *, places: int) -> None:
    survey = _lock_draft(session, survey_id)
    _keep(survey, move(survey.asked, question_id, places))


def delete_draft(session: Session, survey_id: UUID) -> None:
    session.delete(_lock_draft(session, survey_id))


def open_survey(session: Session, survey_id: UUID) -> None:
    """Residents may answer from now on, and its questions stay as they are."""
    survey = _lock_draft(session, survey_id)
    if not survey.questions:
        raise NothingAsked(f"survey {survey_id} asks nothing")
    if survey.is_over(today()):
        raise LastDayPast(f"survey {survey_id} ended on {survey.closes_on}")
    survey.move_to(SurveyState.OPEN)
    survey.opened_at = now()


def close_survey(session: Session, survey_id: UUID) -> None:
    """For good. Whoever is answering just now comes before it or not at all; then the sheets are mixed."""
    survey = _lock(session, survey_id)
    survey.move_to(SurveyState.CLOSED)
    survey.closed_at = now()
    session.flush()
    session.execute(MIX, {"survey": survey_id})


def answer_survey(session: Session, survey_id: UUID, *, user_id: UUID, answers: Answers) -> None:
    """Once for each person: AlreadyAnswered for the second time, SurveyOver when it came too late.

    Nothing else is written: an entry in the trail would tell the time.
    """
    survey = _lock(session, survey_id, sharing=True)
    if survey.state is SurveyState.DRAFT:
        raise NotFound(f"no survey {survey_id}")
    if survey.is_over(today()):
        raise SurveyOver(f"survey {survey_id} is over")
    check_answers(survey.asked, answers)
    taken = insert(Participation).values(survey_id=survey_id, user_id=user_id).on_conflict_do_nothing()
    if session.scalar(taken.returning(Participation.user_id)) is None:
        raise AlreadyAnswered(f"a second answer to survey {survey_id}")
    session.add(Sheet(survey_id=survey_id, answers=dict(answers)))
    session.flush()


def _keep(survey: Survey, questions: Sequence[Question]) -> None:
    survey.questions = to_json(questions)


def _lock_draft(session: Session, survey_id: UUID) -> Survey:
    survey = _lock(session, survey_id)
    if survey.state is not SurveyState.DRAFT:
        raise NoDraft(f"survey {survey_id} is {survey.state}")
    return survey


def _lock(session: Session, survey_id: UUID, *, sharing: bool = False) -> Survey:
    """As it is now, whatever of it was read before. Who answers shares the lock; who changes waits for them."""
    query = select(Survey).where(Survey.id == survey_id).with_for_update(read=sharing)
    survey = session.scalars(query, execution_options={"populate_existing": True}).one_or_none()
    if survey is None:
        raise NotFound(f"no survey {survey_id}")
    return survey
