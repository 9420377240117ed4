"""What a survey brought: counted when it is closed, and never so few that one could guess whose answers they are.

One rule, and no exceptions below it: with fewer than FEWEST sheets nothing is told but their number; with more, counts
are shown whole, small ones too. Questions are counted each by itself, and texts stand in another random order under
each question, so that no two answers are told to be of one person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from skarbnik.plugin_api import NotFound
from skarbnik_surveys.models import Survey
from skarbnik_surveys.queries import count_sheets
from skarbnik_surveys.questions import Question, QuestionKind
from skarbnik_surveys.states import SurveyState

FEWEST = 5  # people who took part
TEXTS = 50  # that are shown at a time

COUNT = text(
    "SELECT given.question, choice, count(*) AS number FROM surveys_sheets,"
    " jsonb_each(answers) AS given(question, answer),"
    " jsonb_array_elements_text(CASE jsonb_typeof(answer) WHEN 'array' THEN answer ELSE '[\"\"]' END) AS choice"
    " WHERE survey_id = :survey GROUP BY given.question, choice"
)
LIST_TEXTS = text(
    "SELECT answers ->> asked.id FROM surveys_sheets, (SELECT CAST(:question AS text) AS id) AS asked"
    " WHERE survey_id = :survey AND answers ->> asked.id IS NOT NULL"
    " ORDER BY sha256(convert_to(asked.id || surveys_sheets.id, 'UTF8')) LIMIT :most OFFSET :skipped"
)


class ResultsHidden(NotFound):
    """The survey is not closed yet, or too few took part."""


@dataclass(frozen=True)
class Results:
    """How many took part, and what they answered: nothing of it while results are hidden."""

    sheets: int
    counted: tuple[Counted, ...]


@dataclass(frozen=True)
class Counted:
    """A question and how often each of its choices was taken; of a text, how many wrote one."""

    question: Question
    numbers: tuple[int, ...]

    def rows(self, sheets: int) -> list[tuple[str, int, str]]:
        """Choice, number, and the number with its share of all who took part, as it is written."""
        return [
            (choice.text, number, f"{number} ({round(100 * number / sheets)} %)")
            for choice, number in zip(self.question.choices, self.numbers, strict=True)
        ]


def count_results(session: Session, survey: Survey) -> Results:
    """Of any survey; `counted` has nothing while nobody may see it."""
    sheets = count_sheets(session, survey.id)
    if not _are_shown(survey, sheets):
        return Results(sheets, ())
    rows = session.execute(COUNT, {"survey": survey.id})
    return Results(sheets, tally(survey.asked, ((row.question, row.choice, row.number) for row in rows)))


def count_answers(session: Session, survey: Survey) -> tuple[Counted, ...]:
    """ResultsHidden while nobody may see them."""
    found = count_results(session, survey)
    if not _are_shown(survey, found.sheets):
        raise _hidden(survey, found.sheets)
    return found.counted


def check_shown(session: Session, survey: Survey) -> None:
    """ResultsHidden while nobody may see them."""
    sheets = count_sheets(session, survey.id)
    if not _are_shown(survey, sheets):
        raise _hidden(survey, sheets)


def _are_shown(survey: Survey, sheets: int) -> bool:
    return survey.state is SurveyState.CLOSED and sheets >= FEWEST


def _hidden(survey: Survey, sheets: int) -> ResultsHidden:
    return ResultsHidden(f"survey {survey.id} is {survey.state} with {sheets} sheets")


def tally(questions: Sequence[Question], rows: Iterable[tuple[str, str, int]]) -> tuple[Counted, ...]:
    """Counts by question and choice in the order of the questionnaire; the choice of a text is empty."""
    found = {(question, choice): number for question, choice, number in rows}
    return tuple(
        Counted(question, tuple(found.get((question.id, choice), 0) for choice in _choices(question)))
        for question in questions
    )


def _choices(question: Question) -> list[str]:
    return [""] if question.kind is QuestionKind.TEXT else [choice.id for choice in question.choices]


def list_texts(session: Session, survey: Survey, question: Question, *, page: int) -> Sequence[str]:
    """In an order that tells nothing and stays, so that it can be paged; one more than a page may come."""
    check_shown(session, survey)
    words: dict[str, Any] = {"survey": survey.id, "question": question.id}
    return session.scalars(LIST_TEXTS, {**words, "most": TEXTS + 1, "skipped": TEXTS * (page - 1)}).all()


def list_lines(counted: Iterable[Counted]) -> Iterator[tuple[int, str, str, int]]:
    """A line a choice: number of the question, its text, the choice (empty for a text), how often it was taken."""
    for place, each in enumerate(counted, 1):
        texts = [choice.text for choice in each.question.choices] or [""]
        for choice, number in zip(texts, each.numbers, strict=True):
            yield place, each.question.text, choice, number
