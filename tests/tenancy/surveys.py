"""Surveys of a gmina, one in each state, and which of them a page of the office is about."""

from skarbnik.plugin_api import today
from skarbnik.testing.factories import UserFactory
from skarbnik_surveys import services
from skarbnik_surveys.questions import QuestionKind, new_question

TEXT = "q3"  # the question that is answered with a text
OF_DRAFTS = {"edit", "new_question", "edit_question", "remove_question", "open_", "delete"}
OF_RESULTS = {"show_texts", "results_file"}


def survey_of(endpoint):
    """The name of the survey that a page is there for: some are for drafts only, some for what is closed."""
    page = endpoint.removeprefix("surveys_office.")
    return "draft_survey" if page in OF_DRAFTS else "closed_survey" if page in OF_RESULTS else "survey"


def fill_surveys(session, user_id, official_id):
    """One is a draft, one is open and answered by this user, one is closed with enough answers to be shown."""
    made = {}
    for name in ("draft_survey", "survey", "closed_survey"):
        survey = services.write_survey(session, title="Park", intro="Co dalej?", closes_on=today(), by=official_id)
        for question in (
            new_question(QuestionKind.SINGLE, "Czy?", required=True, choices=["Tak", "Nie"], question_id="q1"),
            new_question(QuestionKind.MULTIPLE, "Co?", required=False, choices=["Staw", "Ławki"], question_id="q2"),
            new_question(QuestionKind.TEXT, "Co jeszcze?", required=False, question_id=TEXT),
        ):
            services.put_question(session, survey.id, question)
        made[name] = survey.id
    for name, people in (("survey", [user_id]), ("closed_survey", [UserFactory().id for _ in range(5)])):
        services.open_survey(session, made[name])
        for each in people:
            services.answer_survey(session, made[name], user_id=each, answers={"q1": ["1"], TEXT: "Więcej drzew."})
    services.close_survey(session, made["closed_survey"])
    return made
