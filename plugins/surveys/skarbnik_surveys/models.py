"""Surveys, who took part in them, and what was answered: the last two have nothing in common but the survey."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from skarbnik.plugin_api import Base, new_id
from skarbnik_surveys.questions import Question, from_json
from skarbnik_surveys.states import SurveyState, step

LONGEST_TITLE = 120
LONGEST_INTRO = 2_000


class Survey(Base):
    """A questionnaire that residents answer anonymously (ankieta). Its questions never change once it was opened."""

    __tablename__ = "surveys_surveys"
    __table_args__ = (
        CheckConstraint("title <> ''", name="has_a_title"),
        CheckConstraint(
            "jsonb_typeof(questions) = 'array' AND jsonb_array_length(questions) <= 30"
            " AND octet_length(questions::text) <= 600000",
            name="questions_bounded",
        ),
        CheckConstraint("state = 'draft' OR questions <> '[]'", name="asks_something"),
        CheckConstraint("(opened_at IS NULL) = (state = 'draft')", name="opened_once"),
        CheckConstraint("(closed_at IS NOT NULL) = (state = 'closed')", name="closed_once"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    title: Mapped[str] = mapped_column(String(LONGEST_TITLE))
    intro: Mapped[str] = mapped_column(String(LONGEST_INTRO), default="")
    state: Mapped[SurveyState] = mapped_column(default=SurveyState.DRAFT)
    questions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    closes_on: Mapped[date | None]  # the last day one may answer, in Warsaw
    made_at: Mapped[datetime]
    made_by: Mapped[UUID]
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    @property
    def asked(self) -> tuple[Question, ...]:
        return from_json(self.questions)

    def is_over(self, today: date) -> bool:
        """Whether no answer is taken any more: it was closed, or its last day is past."""
        return self.state is SurveyState.CLOSED or (self.closes_on is not None and self.closes_on < today)

    def move_to(self, state: SurveyState) -> None:
        self.state = step(self.state, state)


class Participation(Base):
    """That somebody took part. No time and no number: neither may lead to a sheet."""

    __tablename__ = "surveys_participations"

    survey_id: Mapped[UUID] = mapped_column(ForeignKey(Survey.id), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)


class Sheet(Base):
    """What somebody answered, nobody knows who. Its id is random: a UUIDv7 would tell the time."""

    __tablename__ = "surveys_sheets"
    __table_args__ = (
        CheckConstraint(
            "jsonb_typeof(answers) = 'object' AND octet_length(answers::text) <= 200000", name="answers_bounded"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    survey_id: Mapped[UUID] = mapped_column(ForeignKey(Survey.id), index=True)
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB)
