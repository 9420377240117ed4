"""From an empty form of the office to what the residents answered."""

import re

from sqlalchemy import text

SURVEY = {"title": "Park przy szkole", "intro": "Planujemy park.", "closes_on": "2099-05-01"}
FIRST = {"text": "Czy chcesz parku?", "kind": "single", "choices": "Tak\r\nNie\r\n", "required": "y"}
SECOND = {"text": "Co jeszcze?", "kind": "text", "choices": ""}


def test_a_survey_walks_from_the_office_to_the_residents_and_back(official, resident, town):
    clerk = official()
    clerk.get("/office/surveys/new")
    written = clerk.post("/office/surveys/new", SURVEY)
    assert written.status_code == 303
    path = written.location
    for question in (FIRST, SECOND):
        clerk.get(f"{path}/questions/new")
        assert clerk.post(f"{path}/questions/new", question).status_code == 303
    assert "Park przy szkole" in clerk.get("/office/surveys").text
    assert "Czy chcesz parku?" in clerk.get(f"{path}/preview").text
    assert "nie da się już zmienić" in clerk.get(f"{path}/open").text
    assert clerk.post(f"{path}/open").status_code == 303

    own = path.removeprefix("/office")
    for number in range(5):
        browser = resident()
        assert own in browser.get("/surveys").text
        form = browser.get(own).text
        first, second = re.findall(r'name="(q[0-9a-f]{8})"', form)[0], re.search(r'textarea id="(q\w+)"', form)[1]
        sent = browser.post(own, {first: str(1 + number % 2), second: f"Uwaga {number}"})
        assert sent.status_code == 303
        assert "Dziękujemy za udział." in browser.get(own).text
        assert "Twój udział jest zapisany" in browser.get("/surveys").text

    assert "Wyniki" not in clerk.get(path).text.replace("Wyniki będą widoczne", "")
    clerk.get(f"{path}/close")
    assert clerk.post(f"{path}/close").status_code == 303
    page = clerk.get(f"{path}/results").text
    assert "3 (60 %)" in page
    assert "5 osób napisało tekst." in page
    assert "Uwaga 4" in clerk.get(f"{path}/results/{second}").text
    assert "Czy chcesz parku?;Tak;3" in clerk.get(f"{path}/results.csv").get_data(as_text=True)
    with town.session() as session:
        acts = session.scalars(text("SELECT action FROM audit_entries WHERE action LIKE 'surveys%' ORDER BY id")).all()
    assert acts == [
        "surveys.written",
        "surveys.questions_changed",
        "surveys.questions_changed",
        "surveys.opened",
        "surveys.closed",
        "surveys.texts_read",
    ]
