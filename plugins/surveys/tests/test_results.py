"""Results come after closing, of enough people, counted each question by itself."""

import csv
import io
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugins.surveys.tests.test_questions import answers_to, questionnaires

from skarbnik.plugin_web import Column, FileFormat, Table, as_file
from skarbnik_surveys import results, services
from skarbnik_surveys.models import Sheet, Survey
from skarbnik_surveys.questions import QuestionKind, get_question, new_question, to_json
from skarbnik_surveys.results import Counted, ResultsHidden, count_answers, list_lines, list_texts, tally
from skarbnik_surveys.states import SurveyState

YES = {"q1": ["1"]}


def counts(town, survey_id):
    with town.session() as session:
        return {each.question.id: each.numbers for each in count_answers(session, session.get_one(Survey, survey_id))}


@pytest.mark.parametrize(("people", "is_closed"), [(5, False), (4, True), (0, True)])
def test_nobody_sees_results_before_the_end_or_of_fewer_than_five(town, opened, answer, close, people, is_closed):
    survey_id = opened()
    answer(survey_id, *[YES] * people)
    if is_closed:
        close(survey_id)

    with pytest.raises(ResultsHidden):
        counts(town, survey_id)
    with town.session() as session:
        survey = session.get_one(Survey, survey_id)
        with pytest.raises(ResultsHidden):
            list_texts(session, survey, get_question(survey.asked, "q3"), page=1)


def test_five_answers_are_counted_whole(town, opened, answer, close):
    survey_id = opened()
    answer(
        survey_id,
        {"q1": ["1"], "q2": ["1", "3"]},
        {"q1": ["1"], "q2": ["3"], "q3": "Lampy"},
        {"q1": ["2"], "q3": "Nic"},
        {"q1": ["1"]},
        {"q1": ["1"], "q2": ["3"]},
    )
    close(survey_id)

    assert counts(town, survey_id) == {"q1": (4, 1), "q2": (1, 0, 3), "q3": (2,)}


def test_answers_to_another_survey_are_not_counted(town, opened, answer, close):
    survey_id, other = opened(), opened()
    answer(survey_id, *[YES] * 5)
    answer(other, *[{"q1": ["2"]}] * 5)
    close(survey_id)

    assert counts(town, survey_id)["q1"] == (5, 0)


def naive(questions, sheets):
    found = []
    for question in questions:
        given_ = [sheet[question.id] for sheet in sheets if question.id in sheet]
        if question.kind is QuestionKind.TEXT:
            found.append((len(given_),))
        else:
            chosen = Counter(choice for each in given_ for choice in each)
            found.append(tuple(chosen[choice.id] for choice in question.choices))
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_database_counts_as_one_does_by_hand(town, data):
    questions = data.draw(questionnaires())
    sheets = data.draw(st.lists(answers_to(questions), min_size=results.FEWEST, max_size=9))
    opened = town.open_session()
    try:
        survey = services.write_survey(opened, title="Liczenie", intro="", closes_on=None, by=services.UUID(int=1))
        survey.questions = to_json(questions)
        opened.flush()
        services.open_survey(opened, survey.id)
        opened.add_all(Sheet(survey_id=survey.id, answers=sheet) for sheet in sheets)
        services.close_survey(opened, survey.id)
        assert survey.state is SurveyState.CLOSED
        assert [each.numbers for each in count_answers(opened, survey)] == naive(questions, sheets)
    finally:
        opened.rollback()
        opened.close()


@given(st.data())
def test_every_choice_has_its_number_whatever_order_they_come_in(data):
    questions = data.draw(questionnaires())
    wanted = {
        (question.id, choice): data.draw(st.integers(0, 99))
        for question in questions
        for choice in ([each.id for each in question.choices] or [""])
    }
    rows = data.draw(st.permutations([(*key, number) for key, number in wanted.items() if number]))

    counted = tally(questions, [*rows, ("q-of-nobody", "1", 7)])

    assert [each.question for each in counted] == questions
    assert [number for each in counted for number in each.numbers] == list(wanted.values())


def test_texts_are_paged_whole_and_stand_in_another_order_under_each_question(town, draft, answer, close):
    questions = [new_question(QuestionKind.TEXT, "Co?", required=False, question_id=f"q{number}") for number in (1, 2)]
    survey_id = draft(questions=questions)
    with town.session() as session:
        services.open_survey(session, survey_id)
    words = [f"{number:03d}" for number in range(results.TEXTS + 10)]
    answer(survey_id, *({"q1": word, "q2": word} for word in words))
    close(survey_id)

    with town.session() as session:
        survey = session.get_one(Survey, survey_id)
        read = [
            [*list_texts(session, survey, each, page=1)[: results.TEXTS], *list_texts(session, survey, each, page=2)]
            for each in survey.asked
        ]
    assert [sorted(each) for each in read] == [words, words]
    assert read[0] != read[1]
    assert words not in read


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_file_is_a_formula(start):
    risky = f"{start}cmd|' /C calc'!A0"
    question = new_question(QuestionKind.SINGLE, risky, required=True, choices=[f"{risky};1", 'Nie "raczej"'])

    heads = [Column(head) for head in ("Numer", "Pytanie", "Odpowiedź", "Ile razy")]
    file = as_file(Table("Park", (), heads, list_lines([Counted(question, (3, 2))])), FileFormat.CSV, "ankieta")
    written = file.get_data(as_text=True)

    rows = list(csv.reader(io.StringIO(written.removeprefix("\ufeff"), newline=""), delimiter=";"))
    assert rows[1:] == [["1", f"'{risky}", f"'{risky};1", "3"], ["1", f"'{risky}", 'Nie "raczej"', "2"]]
