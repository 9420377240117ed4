"""The routes keep to what pages of every plugin keep to."""

from plugins.surveys.tests.conftest import QUESTIONS

from skarbnik.testing.factories import OfficialFactory
from skarbnik.testing.pages import PagesContract
from skarbnik_surveys import services


class TestSurveys(PagesContract):
    plugin = "surveys"

    def things(self, session):
        survey = services.write_survey(session, title="Park", intro="", closes_on=None, by=OfficialFactory().id)
        for question in QUESTIONS:
            services.put_question(session, survey.id, question)
        services.open_survey(session, survey.id)
        return {"survey_id": survey.id, "question_id": "q3"}
