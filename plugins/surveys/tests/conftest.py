"""A gmina that chose surveys, its people, and a survey to answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from skarbnik.plugin_api import Role, today
from skarbnik.testing.factories import PASSWORD, OfficialFactory, UserFactory, bound_to
from skarbnik_surveys import services
from skarbnik_surveys.questions import QuestionKind, new_question

SLUG = "ankietowo"


@pytest.fixture
def town(clean):
    return clean.tenant_with(SLUG, "surveys")


@pytest.fixture
def resident(browse, town):
    """`resident()`: the browser of a new resident, signed in."""

    def make():
        with town.session() as session, bound_to(session):
            email = UserFactory().email
        browser = browse(SLUG)
        browser.sign_in(email, PASSWORD)
        return browser

    return make


@pytest.fixture
def official(browse, town):
    """`official(role)`: a browser of an official."""

    def make(role=Role.SURVEYS):
        with town.session() as session, bound_to(session):
            email = OfficialFactory(has_roles=[role]).email
        browser = browse(SLUG)
        browser.sign_in(email, PASSWORD, office=True)
        return browser

    return make


QUESTIONS = (
    new_question(QuestionKind.SINGLE, "Czy chcesz parku?", required=True, choices=["Tak", "Nie"], question_id="q1"),
    new_question(
        QuestionKind.MULTIPLE,
        "Co ma w nim być?",
        required=False,
        choices=["Ławki", "Staw", "Huśtawki"],
        question_id="q2",
    ),
    new_question(QuestionKind.TEXT, "Co jeszcze?", required=False, question_id="q3"),
)


@pytest.fixture
def draft(town):
    """`draft(…)`: the id of a survey that asks three things."""

    def make(questions=QUESTIONS, **words):
        with town.session() as session, bound_to(session):
            told = {"title": "Park", "intro": "", "closes_on": today() + timedelta(days=7), **words}
            survey = services.write_survey(session, **told, by=OfficialFactory().id)
            for question in questions:
                services.put_question(session, survey.id, question)
            return survey.id

    return make


@pytest.fixture
def opened(town, draft):
    """`opened(…)`: the id of a survey that may be answered."""

    def make(**words):
        survey_id = draft(**words)
        with town.session() as session:
            services.open_survey(session, survey_id)
        return survey_id

    return make


@pytest.fixture
def answer(town):
    """`answer(survey_id, answers, …)`: a new resident for each of them. The ids of the residents."""

    def give(survey_id, *sheets):
        people = []
        for sheet in sheets:
            with town.session() as session, bound_to(session):
                people.append(UserFactory().id)
                services.answer_survey(session, survey_id, user_id=people[-1], answers=sheet)
        return people

    return give


@pytest.fixture
def close(town):
    def now(survey_id):
        with town.session() as session:
            services.close_survey(session, survey_id)

    return now
