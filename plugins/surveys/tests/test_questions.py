"""A questionnaire is kept as it was written, and only answers to it are answers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.plugin_api import Invalid, NotFound
from skarbnik_surveys.questions import (
    LONGEST_ANSWER,
    LONGEST_CHOICE,
    LONGEST_QUESTION,
    MOST_CHOICES,
    QuestionKind,
    check_answers,
    from_json,
    move,
    new_question,
    put_in,
    take_out,
    to_json,
)

TEXTS = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=40)


@st.composite
def questionnaires(draw):
    """Questions of every kind."""
    questions = []
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(QuestionKind))
        choices = [] if kind is QuestionKind.TEXT else draw(st.lists(TEXTS, min_size=2, max_size=5, unique=True))
        required = draw(st.booleans())
        questions.append(new_question(kind, draw(TEXTS), required=required, choices=choices, question_id=f"q{number}"))
    return questions


@st.composite
def answers_to(draw, questions):
    """What somebody may send: all that is required, and some of the rest."""
    given_ = {}
    for question in questions:
        ids = [choice.id for choice in question.choices]
        if not question.required and draw(st.booleans()):
            continue
        if question.kind is QuestionKind.TEXT:
            given_[question.id] = draw(TEXTS)
        else:
            most = 1 if question.kind is QuestionKind.SINGLE else len(ids)
            given_[question.id] = draw(st.lists(st.sampled_from(ids), min_size=1, max_size=most, unique=True))
    return given_


def asked(kind=QuestionKind.SINGLE, text="Kto?", required=True, choices=("Ja", "Ty"), question_id="q1"):
    return new_question(kind, text, required=required, choices=choices, question_id=question_id)


@given(questionnaires())
def test_questions_come_back_from_json_as_they_went(questions):
    assert list(from_json(json.loads(json.dumps(to_json(questions))))) == questions


@given(st.data())
def test_what_fits_the_questions_is_taken(data):
    questions = data.draw(questionnaires())

    check_answers(questions, data.draw(answers_to(questions)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": ""},
        {"text": "x" * (LONGEST_QUESTION + 1)},
        {"choices": ("Ja",)},
        {"choices": ("Ja", "Ja")},
        {"choices": ("Ja", "")},
        {"choices": ("Ja", "x" * (LONGEST_CHOICE + 1))},
        {"choices": tuple(map(str, range(MOST_CHOICES + 1)))},
        {"kind": QuestionKind.TEXT},
        {"kind": QuestionKind.MULTIPLE, "choices": ()},
    ],
)
def test_there_is_no_question_that_cannot_be_asked(wrong):
    with pytest.raises(Invalid):
        asked(**wrong)


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"q1": ["1"], "q9": ["1"]},
        {"q1": ["3"]},
        {"q1": ["1", "2"]},
        {"q1": []},
        {"q1": "1"},
        {"q1": ["1"], "q2": ["1", "1"]},
        {"q1": ["1"], "q2": []},
        {"q1": ["1"], "q3": ""},
        {"q1": ["1"], "q3": ["1"]},
        {"q1": ["1"], "q3": "x" * (LONGEST_ANSWER + 1)},
    ],
)
def test_what_does_not_fit_the_questions_is_refused(answers):
    questions = [
        asked(),
        asked(kind=QuestionKind.MULTIPLE, required=False, question_id="q2"),
        asked(kind=QuestionKind.TEXT, required=False, choices=(), question_id="q3"),
    ]
    check_answers(questions, {"q1": ["1"], "q2": ["1", "2"], "q3": "x" * LONGEST_ANSWER})

    with pytest.raises(Invalid):
        check_answers(questions, answers)


def test_questions_are_added_replaced_moved_and_removed():
    first, second, third = (asked(question_id=f"q{number}") for number in range(3))
    changed = asked(text="Kiedy?", question_id="q1")
    questions = [first, second, third]

    assert put_in([first, second], third) == questions
    assert put_in(questions, changed) == [first, changed, third]
    assert move(questions, "q1", -1) == [second, first, third]
    assert move(questions, "q1", 1) == [first, third, second]
    assert move(questions, "q0", -1) == questions
    assert move(questions, "q2", 1) == questions
    assert take_out(questions, "q1") == [first, third]
    with pytest.raises(NotFound):
        take_out(questions, "q9")


def test_a_new_question_has_an_id_no_other_had():
    ids = {new_question(QuestionKind.TEXT, "Co?", required=False).id for _ in range(100)}

    assert len(ids) == 100
