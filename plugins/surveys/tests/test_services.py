"""One answer each, nothing changes after opening, and nothing leads from a person to an answer."""

import threading
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text

from skarbnik import clock
from skarbnik.plugin_api import WARSAW, ForbiddenTransition, Invalid, NotFound, today
from skarbnik.testing.factories import UserFactory, bound_to
from skarbnik.testing.together import together
from skarbnik_surveys import services
from skarbnik_surveys.models import Participation, Sheet, Survey
from skarbnik_surveys.queries import count_sheets, list_open
from skarbnik_surveys.questions import MOST_QUESTIONS, QuestionKind, new_question

YES = {"q1": ["1"]}


def count(town, model):
    with town.session() as session:
        return session.scalar(select(func.count()).select_from(model))


def test_who_answered_once_is_refused_and_the_first_answer_stays(town, opened, answer):
    survey_id = opened()
    (user_id,) = answer(survey_id, YES)

    with pytest.raises(services.AlreadyAnswered), town.session() as session:
        services.answer_survey(session, survey_id, user_id=user_id, answers={"q1": ["2"]})

    with town.session() as session:
        assert session.scalars(select(Sheet.answers)).all() == [YES]


def test_two_answers_of_one_person_at_once_are_one(town, opened):
    survey_id = opened()
    with town.session() as session, bound_to(session):
        user_id = UserFactory().id

    def send():
        with town.session() as session:
            services.answer_survey(session, survey_id, user_id=user_id, answers=YES)

    ends = together(send, send)

    assert sorted(str(each and type(each)) for each in ends) == sorted(map(str, [None, services.AlreadyAnswered]))
    assert (count(town, Sheet), count(town, Participation)) == (1, 1)


def test_an_answer_on_its_way_is_counted_before_the_survey_closes_and_none_after(town, opened, answer):
    survey_id = opened()
    answer(survey_id, YES)
    is_closed = threading.Event()

    def close():
        with town.session() as session:
            services.close_survey(session, survey_id)
        is_closed.set()

    with town.session() as session:
        services.answer_survey(session, survey_id, user_id=uuid4(), answers=YES)
        closing = threading.Thread(target=close)
        closing.start()
        assert not is_closed.wait(0.5)  # it waits for whoever is answering
    closing.join(30)

    assert is_closed.is_set()
    assert len(sheets_of(town)) == 2
    assert len({sheet.xmin for sheet in sheets_of(town)}) == 1  # both were mixed
    with pytest.raises(services.SurveyOver), town.session() as session:
        services.answer_survey(session, survey_id, user_id=uuid4(), answers=YES)


def sheets_of(town):
    with town.session() as session:
        return session.execute(
            text("SELECT xmin::text AS xmin, ctid, id, answers FROM surveys_sheets ORDER BY ctid")
        ).all()


def test_after_closing_nothing_joins_a_sheet_to_a_person(town, opened, answer, close):
    survey_id = opened()
    answer(survey_id, *({"q1": ["1"], "q3": f"Uwaga {number:02d}"} for number in range(20)))
    before = sheets_of(town)
    assert len({sheet.xmin for sheet in before}) == 20

    close(survey_id)

    after = sheets_of(town)
    assert sorted(sheet.answers["q3"] for sheet in after) == [sheet.answers["q3"] for sheet in before]
    assert len({sheet.xmin for sheet in after}) == 1
    assert not {sheet.id for sheet in after} & {sheet.id for sheet in before}
    assert {sheet.id.version for sheet in (*before, *after)} == {4}
    assert [sheet.answers for sheet in after] != [sheet.answers for sheet in before]
    with town.session() as session:
        people = set(session.scalars(text("SELECT xmin::text FROM surveys_participations")))
    assert not people & {sheet.xmin for sheet in after}
    assert {column.name for column in Participation.__table__.c} & {column.name for column in Sheet.__table__.c} == {
        "survey_id"
    }


def test_no_table_of_answers_tells_the_time():
    for model in (Participation, Sheet):
        assert {str(column.type) for column in model.__table__.c} <= {"CHAR(32)", "UUID", "JSONB"}


def test_an_answer_stands_in_no_trail(town, opened, answer):
    answer(opened(), YES)

    with town.session() as session:
        assert session.scalars(text("SELECT action FROM audit_entries WHERE action LIKE 'surveys.%'")).all() == []


@pytest.mark.parametrize("closed", [False, True])
def test_what_was_opened_is_changed_and_deleted_by_nobody(town, opened, close, closed):
    survey_id = opened()
    if closed:
        close(survey_id)
    question = new_question(QuestionKind.TEXT, "Co?", required=False)
    changes = [
        lambda session: services.change_survey(session, survey_id, title="Las", intro="", closes_on=None),
        lambda session: services.put_question(session, survey_id, question),
        lambda session: services.remove_question(session, survey_id, "q1"),
        lambda session: services.move_question(session, survey_id, "q1", places=1),
        lambda session: services.delete_draft(session, survey_id),
        lambda session: services.open_survey(session, survey_id),
    ]
    for change in changes:
        with pytest.raises(services.NoDraft), town.session() as session:
            change(session)

    with town.session() as session:
        survey = session.get_one(Survey, survey_id)
        assert (survey.title, [each.id for each in survey.asked]) == ("Park", ["q1", "q2", "q3"])


def test_a_draft_is_neither_answered_nor_closed(town, draft):
    survey_id = draft()

    with pytest.raises(NotFound), town.session() as session:
        services.answer_survey(session, survey_id, user_id=uuid4(), answers=YES)
    with pytest.raises(ForbiddenTransition), town.session() as session:
        services.close_survey(session, survey_id)


def test_a_survey_is_closed_once(town, opened, close):
    survey_id = opened()
    close(survey_id)

    with pytest.raises(ForbiddenTransition):
        close(survey_id)


def test_a_survey_without_a_question_is_not_opened(town, draft):
    survey_id = draft(questions=())

    with pytest.raises(services.NothingAsked), town.session() as session:
        services.open_survey(session, survey_id)


def test_a_survey_is_opened_until_its_last_day_and_not_later(town, draft):
    for days, opens in ((0, True), (-1, False)):
        survey_id = draft(closes_on=today() + timedelta(days=days))
        with town.session() as session:
            if opens:
                services.open_survey(session, survey_id)
                continue
            with pytest.raises(services.LastDayPast):
                services.open_survey(session, survey_id)


def test_the_last_day_ends_at_midnight_in_warsaw(town, draft):
    last = datetime(2026, 7, 1, 23, 59, tzinfo=WARSAW)
    with clock.stopped_at(last):
        survey_id = draft(closes_on=last.date())
        with town.session() as session:
            services.open_survey(session, survey_id)
            services.answer_survey(session, survey_id, user_id=uuid4(), answers=YES)
            assert [row.id for row in list_open(session, user_id=uuid4(), today=today())] == [survey_id]

    with clock.stopped_at(last + timedelta(minutes=1)), town.session() as session:
        assert list_open(session, user_id=uuid4(), today=today()) == []
        with pytest.raises(services.SurveyOver):
            services.answer_survey(session, survey_id, user_id=uuid4(), answers=YES)


def test_answers_that_do_not_fit_are_not_kept_and_cost_nobody_their_part(town, opened):
    survey_id, user_id = opened(), uuid4()

    with pytest.raises(Invalid), town.session() as session:
        services.answer_survey(session, survey_id, user_id=user_id, answers={"q1": ["7"]})
    with town.session() as session:
        services.answer_survey(session, survey_id, user_id=user_id, answers=YES)
        assert count_sheets(session, survey_id) == 1


def test_a_survey_has_at_most_thirty_questions(town, draft):
    questions = [
        new_question(QuestionKind.TEXT, f"Pytanie {number}", required=False) for number in range(MOST_QUESTIONS)
    ]
    survey_id = draft(questions=questions)

    with town.session() as session:
        services.put_question(session, survey_id, questions[0])  # one in its place is no more
        with pytest.raises(services.TooManyQuestions):
            services.put_question(session, survey_id, new_question(QuestionKind.TEXT, "Jeszcze?", required=False))


def test_the_largest_questionnaire_and_the_largest_answer_fit_the_tables(town, draft):
    wide = "\N{GRINNING FACE}"
    questions = [
        new_question(
            QuestionKind.MULTIPLE,
            wide * 300,
            required=False,
            choices=[f"{wide * 198}{place:02d}" for place in range(20)],
        )
        for _ in range(MOST_QUESTIONS)
    ]
    draft(questions=questions)
    texts = [new_question(QuestionKind.TEXT, "Co?", required=False) for _ in range(MOST_QUESTIONS)]
    survey_id = draft(questions=texts)
    with town.session() as session:
        services.open_survey(session, survey_id)
        largest = {question.id: "\x01" * 1_000 for question in texts}
        services.answer_survey(session, survey_id, user_id=uuid4(), answers=largest)
