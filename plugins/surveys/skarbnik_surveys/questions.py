"""A questionnaire (kwestionariusz): its questions, how they are kept as JSON, and which answers fit them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from skarbnik.plugin_api import Invalid, NotFound

MOST_QUESTIONS = 30
FEWEST_CHOICES, MOST_CHOICES = 2, 20
LONGEST_QUESTION = 300
LONGEST_CHOICE = 200
LONGEST_ANSWER = 1_000  # characters of a text

Answers = Mapping[str, list[str] | str]  # by question: ids of choices, or a text; none for what was passed over


class NoQuestion(NotFound):
    """The questionnaire has no such question, or not any more."""


class QuestionKind(StrEnum):
    SINGLE = "single"
    MULTIPLE = "multiple"
    TEXT = "text"


@dataclass(frozen=True)
class Choice:
    id: str
    text: str


@dataclass(frozen=True)
class Question:
    """What is asked. Invalid when it cannot be: too long, without a text, or with choices that do not fit its kind."""

    id: str
    kind: QuestionKind
    text: str
    required: bool
    choices: tuple[Choice, ...] = ()

    def __post_init__(self) -> None:
        texts = {choice.text for choice in self.choices}
        number = len(self.choices)
        if not 0 < len(self.text) <= LONGEST_QUESTION:
            raise Invalid(f"question {self.id} has {len(self.text)} characters")
        if len(texts) != number or len({choice.id for choice in self.choices}) != number:
            raise Invalid(f"question {self.id} offers something twice")
        if not all(0 < len(text) <= LONGEST_CHOICE for text in texts):
            raise Invalid(f"question {self.id} has a choice that is empty or too long")
        if number and self.kind is QuestionKind.TEXT:
            raise Invalid(f"question {self.id} wants a text and has choices")
        if self.kind is not QuestionKind.TEXT and not FEWEST_CHOICES <= number <= MOST_CHOICES:
            raise Invalid(f"question {self.id} has {number} choices")


def new_question(
    kind: QuestionKind, text: str, *, required: bool, choices: Sequence[str] = (), question_id: str = ""
) -> Question:
    """With an id of its own, unless it takes the place of another. Choices are numbered as they stand."""
    return Question(
        id=question_id or f"q{secrets.token_hex(4)}",
        kind=kind,
        text=text,
        required=required,
        choices=tuple(Choice(str(number), each) for number, each in enumerate(choices, 1)),
    )


def to_json(questions: Sequence[Question]) -> list[dict[str, Any]]:
    return [
        {
            "id": question.id,
            "kind": question.kind.value,
            "text": question.text,
            "required": question.required,
            "choices": [{"id": choice.id, "text": choice.text} for choice in question.choices],
        }
        for question in questions
    ]


def from_json(kept: Sequence[Mapping[str, Any]]) -> tuple[Question, ...]:
    return tuple(
        Question(
            id=each["id"],
            kind=QuestionKind(each["kind"]),
            text=each["text"],
            required=each["required"],
            choices=tuple(Choice(choice["id"], choice["text"]) for choice in each["choices"]),
        )
        for each in kept
    )


def get_question(questions: Sequence[Question], question_id: str) -> Question:
    found = next((each for each in questions if each.id == question_id), None)
    if found is None:
        raise NoQuestion(f"no question {question_id}")
    return found


def put_in(questions: Sequence[Question], question: Question) -> list[Question]:
    """In the place of the one with its id, else at the end."""
    if all(each.id != question.id for each in questions):
        return [*questions, question]
    return [question if each.id == question.id else each for each in questions]


def take_out(questions: Sequence[Question], question_id: str) -> list[Question]:
    gone = get_question(questions, question_id)
    return [each for each in questions if each is not gone]


def move(questions: Sequence[Question], question_id: str, places: int) -> list[Question]:
    """Up when below zero; the first and the last go no further."""
    question = get_question(questions, question_id)
    moved = take_out(questions, question_id)
    moved.insert(max(questions.index(question) + places, 0), question)
    return moved


def check_answers(questions: Sequence[Question], answers: Answers) -> None:
    """Invalid unless all of it are answers to these questions, and nothing that is required is missing."""
    unknown = set(answers) - {question.id for question in questions}
    problems = dict.fromkeys(unknown, "nobody asked this")
    for question in questions:
        problem = _problem_with(question, answers.get(question.id))
        if problem:
            problems[question.id] = problem
    if problems:
        raise Invalid(f"answers do not fit: {sorted(problems)}", problems)


def _problem_with(question: Question, answer: Any) -> str:
    if answer is None:
        return "is required" if question.required else ""
    if question.kind is QuestionKind.TEXT:
        fits = isinstance(answer, str) and 0 < len(answer) <= LONGEST_ANSWER
        return "" if fits else "is no text of that length"
    if not isinstance(answer, list) or not answer or len(set(answer)) != len(answer):
        return "is no list of different choices"
    if not set(answer) <= {choice.id for choice in question.choices}:
        return "is not offered"
    return "has but one answer" if question.kind is QuestionKind.SINGLE and len(answer) > 1 else ""
