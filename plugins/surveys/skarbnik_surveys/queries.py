"""Reading surveys: the office's list, a resident's list, one survey."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from skarbnik.plugin_api import NotFound
from skarbnik_surveys.models import Participation, Sheet, Survey
from skarbnik_surveys.states import SurveyState

PAGE = 30

# Sheets, and not participations: who closed their account is in no list any more, and what they answered counts.
_NUMBER = select(func.count()).select_from(Sheet).where(Sheet.survey_id == Survey.id).scalar_subquery()


def list_surveys(session: Session, *, before: UUID | None = None) -> Sequence[Any]:
    """The newest first, with how many took part; one more than a page shows, when there is one."""
    query = select(Survey.id, Survey.title, Survey.state, Survey.closes_on, _NUMBER.label("number"))
    query = query.where(Survey.id < before) if before else query
    return session.execute(query.order_by(Survey.id.desc()).limit(PAGE + 1)).all()


def list_open(session: Session, *, user_id: UUID, today: date, before: UUID | None = None) -> Sequence[Any]:
    """Those one may answer today, the newest first, and whether this person did; one more than a page may come."""
    took_part = _took_part(user_id)
    query = select(Survey.id, Survey.title, Survey.closes_on, took_part.label("took_part")).where(
        Survey.state == SurveyState.OPEN, or_(Survey.closes_on.is_(None), Survey.closes_on >= today)
    )
    query = query.where(Survey.id < before) if before else query
    return session.execute(query.order_by(Survey.id.desc()).limit(PAGE + 1)).all()


def get_survey(session: Session, survey_id: UUID) -> Survey:
    survey = session.get(Survey, survey_id)
    if survey is None:
        raise NotFound(f"no survey {survey_id}")
    return survey


def get_shown(session: Session, survey_id: UUID) -> Survey:
    """For residents, for whom a draft does not exist."""
    survey = get_survey(session, survey_id)
    if survey.state is SurveyState.DRAFT:
        raise NotFound(f"survey {survey_id} is a draft")
    return survey


def count_sheets(session: Session, survey_id: UUID) -> int:
    """How many took part."""
    return session.scalar(select(_NUMBER).where(Survey.id == survey_id)) or 0


def has_answered(session: Session, survey_id: UUID, *, user_id: UUID) -> bool:
    return bool(session.scalar(select(_took_part(user_id)).where(Survey.id == survey_id)))


def _took_part(user_id: UUID) -> Any:
    found = select(Participation).where(Participation.survey_id == Survey.id, Participation.user_id == user_id)
    return found.correlate(Survey).exists()
