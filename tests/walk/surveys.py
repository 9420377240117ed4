"""Surveys as they come: none answered, answered, over, closed with few and with many, and with all that fits."""

from datetime import timedelta

from skarbnik import clock
from skarbnik.testing.factories import OfficialFactory, UserFactory
from skarbnik_surveys import services
from skarbnik_surveys.models import Survey
from skarbnik_surveys.questions import QuestionKind, new_question

TEXT = "q3"


def write_surveys(session, user_id, long_name):
    """Ids by what they show. `answered` was answered by this user."""
    official = OfficialFactory(password_hash=None).id
    long_questions = [
        new_question(QuestionKind.SINGLE, f"{long_name[:280]}?", required=True, choices=[long_name[:190], "Nie"]),
        new_question(QuestionKind.MULTIPLE, "Co?", required=False, choices=[f"Odpowiedź {n}" for n in range(20)]),
    ]
    some = [
        new_question(QuestionKind.SINGLE, "Czy chcesz parku?", required=True, choices=["Tak", "Nie"]),
        new_question(QuestionKind.MULTIPLE, "Co ma w nim być?", required=False, choices=["Ławki", "Staw", "Huśtawki"]),
        new_question(QuestionKind.TEXT, "Co jeszcze?", required=False, question_id=TEXT),
    ]
    made = {}
    for name, questions in (
        ("empty draft", []),
        ("draft", some),
        ("long", long_questions),
        ("open", some),
        ("answered", some),
        ("over", some),
        ("few", some),
        ("many", some),
    ):
        title = long_name[:110] if name == "long" else f"Park przy szkole: {name}"
        closes_on = None if name == "open" else clock.today() + timedelta(days=7)
        survey = services.write_survey(
            session, title=title, intro="Pytamy, co dalej.", closes_on=closes_on, by=official
        )
        for question in questions:
            services.put_question(session, survey.id, question)
        if "draft" not in name:
            services.open_survey(session, survey.id)
        made[name] = survey.id
    session.get(Survey, made["over"]).closes_on = clock.today() - timedelta(days=1)
    sheet = {some[0].id: ["1"], some[1].id: ["1", "3"], TEXT: f"Więcej drzew.\n{long_name}"}
    services.answer_survey(session, made["answered"], user_id=user_id, answers=sheet)
    for name, number in (("few", 3), ("many", 7)):
        for _ in range(number):
            person = UserFactory(password_hash=None).id
            services.answer_survey(session, made[name], user_id=person, answers=sheet)
        services.close_survey(session, made[name])
    return made
