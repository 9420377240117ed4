"""The routes keep to what pages of every plugin keep to."""

from plugins.surveys.tests.conftest import QUESTIONS

from skarbnik.testing.factories import OfficialFactory, UserFactory
from skarbnik.testing.pages import PagesContract
from skarbnik_surveys import services
from skarbnik_surveys.results import FEWEST


class TestSurveys(PagesContract):
    plugin = "surveys"

    def things(self, session):
        """A survey with results: what people wrote is the one page that records who looks."""
        survey = services.write_survey(session, title="Park", intro="", closes_on=None, by=OfficialFactory().id)
        for question in QUESTIONS:
            services.put_question(session, survey.id, question)
        services.open_survey(session, survey.id)
        for _ in range(FEWEST):
            services.answer_survey(session, survey.id, user_id=UserFactory().id, answers={"q1": ["1"], "q3": "Lampy"})
        services.close_survey(session, survey.id)
        return {"survey_id": survey.id, "question_id": "q3"}

    def person(self, session):
        survey = services.write_survey(session, title="Most", intro="", closes_on=None, by=OfficialFactory().id)
        services.put_question(session, survey.id, QUESTIONS[0])
        services.open_survey(session, survey.id)
        person = UserFactory().id
        services.answer_survey(session, survey.id, user_id=person, answers={"q1": ["1"]})
        return person
