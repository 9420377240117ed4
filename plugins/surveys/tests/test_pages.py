"""What pages say and refuse, who sees them, and in which gmina they are."""

import io
import json
import re
import zipfile
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from skarbnik.plugin_api import Role, today
from skarbnik.testing.factories import PASSWORD, OfficialFactory, UserFactory, bound_to
from skarbnik_surveys import services
from skarbnik_surveys.models import Sheet, Survey
from skarbnik_surveys.queries import PAGE

SEEN = ("", "/preview", "/results")
WRITTEN = ("/edit", "/questions/new", "/questions/q1", "/questions/q1/remove", "/open", "/delete")
SURVEY = {"title": "Park", "intro": "", "closes_on": ""}
QUESTION = {"text": "Kto?", "kind": "single", "choices": "Ja\nTy"}


def sheets(town):
    with town.session() as session:
        return session.scalars(select(Sheet.answers)).all()


def get(town, survey_id):
    with town.session() as session:
        return session.get(Survey, survey_id)


@pytest.mark.parametrize(
    ("role", "sees", "writes"),
    [
        (Role.SURVEYS, 200, 200),
        (Role.ADMINISTRATOR, 200, 404),
        (Role.AUDITOR, 200, 404),
        (Role.ACCOUNTANT, 404, 404),
        (Role.COMMUNICATIONS, 404, 404),
    ],
)
def test_each_role_sees_and_writes_what_is_its_own(official, draft, role, sees, writes):
    path, clerk = f"/office/surveys/{draft()}", official(role)

    assert clerk.get("/office/surveys").status_code == sees
    assert {clerk.get(f"{path}{end}").status_code for end in SEEN} == {sees}
    assert {clerk.get(f"{path}{end}").status_code for end in WRITTEN} == {writes}
    assert ("/questions/new" in clerk.get(path).text) is (writes == 200)
    assert "%(" not in clerk.text
    assert ('href="/office/surveys"' in clerk.get("/profile").text) is (sees == 200)
    assert clerk.get("/surveys").status_code == 404


def test_a_resident_has_no_way_into_the_office_and_nobody_without_an_account_in(resident, browse, opened):
    survey_id = opened()
    for end in (*SEEN, *WRITTEN):
        assert resident().get(f"/office/surveys/{survey_id}{end}").status_code == 404
    assert browse("ankietowo").get(f"/surveys/{survey_id}").status_code in {302, 303}


def test_a_gmina_that_did_not_choose_surveys_has_none(clean, browse, opened):
    survey_id, without = opened(), clean.tenant_with("bez-wtyczki")
    with without.session() as session, bound_to(session):
        resident, clerk = UserFactory().email, OfficialFactory(has_roles=[Role.SURVEYS]).email
    outside, office = browse(without.slug), browse(without.slug)
    outside.sign_in(resident, PASSWORD)
    office.sign_in(clerk, PASSWORD, office=True)

    for path in ("/surveys", f"/surveys/{survey_id}"):
        assert outside.get(path).status_code == 404
        assert outside.post(path).status_code == 404
    for end in ("", "/new", f"/{survey_id}", *(f"/{survey_id}{each}" for each in (*SEEN, *WRITTEN))):
        assert office.get(f"/office/surveys{end}").status_code == 404
    assert "/surveys" not in outside.get("/profile").text
    assert "/surveys" not in office.get("/profile").text


def test_a_survey_of_the_neighbour_does_not_exist(clean, browse, opened):
    survey_id, neighbour = opened(), clean.tenant_with("sondazowo", "surveys")
    with neighbour.session() as session, bound_to(session):
        resident, clerk = UserFactory().email, OfficialFactory(has_roles=[Role.SURVEYS]).email
    outside, office = browse("sondazowo"), browse("sondazowo")
    outside.sign_in(resident, PASSWORD)
    office.sign_in(clerk, PASSWORD, office=True)

    assert outside.get("/surveys").status_code == 200
    assert outside.get(f"/surveys/{survey_id}").status_code == 404
    assert outside.post(f"/surveys/{survey_id}", {"q1": "1"}).status_code == 404
    assert office.get(f"/office/surveys/{survey_id}").status_code == 404
    assert office.post(f"/office/surveys/{survey_id}/close").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": " "}, "Wpisz tytuł."),
        ({"title": "x" * 121}, "najwyżej 120 znaków"),
        ({"intro": "x" * 2_001}, "najwyżej 2000 znaków"),
        ({"closes_on": "jutro"}, "Wpisz datę"),
        ({"closes_on": "2020-01-01"}, "Jako ostatni dzień wybierz"),
    ],
)
def test_a_survey_that_cannot_be_is_said_and_kept_in_the_form(official, town, wrong, said):
    clerk = official()
    clerk.get("/office/surveys/new")
    answer = clerk.post("/office/surveys/new", SURVEY | {"intro": "Zapraszamy"} | wrong)

    assert answer.status_code == 422
    assert 'id="errors"' in answer.text
    assert said in answer.text
    assert (wrong.get("intro") or "Zapraszamy") in answer.text
    with town.session() as session:
        assert session.scalars(select(Survey)).all() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"text": "\x00"}, "Wpisz pytanie."),
        ({"text": "x" * 301}, "najwyżej 300 znaków"),
        ({"choices": "Ja"}, "Wpisz od 2 do 20 odpowiedzi"),
        ({"choices": "\n".join(map(str, range(21)))}, "Wpisz od 2 do 20 odpowiedzi"),
        ({"choices": "Ja\n Ja "}, "wpisana dwa razy"),
        ({"choices": "Ja\n" + "x" * 201}, "najwyżej 200 znaków"),
        ({"kind": "text"}, "nie ma czego wybierać"),
        ({"kind": "stars"}, 'id="errors"'),
    ],
)
def test_a_question_that_cannot_be_is_said_and_kept_in_the_form(official, town, draft, wrong, said):
    survey_id, clerk = draft(), official()
    path = f"/office/surveys/{survey_id}/questions/new"
    clerk.get(path)
    answer = clerk.post(path, QUESTION | wrong)

    assert answer.status_code == 422
    assert said in answer.text
    assert (wrong.get("choices") or "Ja\nTy").split("\n")[0] in answer.text
    assert len(get(town, survey_id).asked) == 3


def test_the_office_changes_moves_and_removes_questions_of_a_draft(official, town, draft):
    survey_id, clerk = draft(), official()
    path = f"/office/surveys/{survey_id}"
    assert "Tak\nNie</textarea>" in clerk.get(f"{path}/questions/q1").text
    clerk.post(f"{path}/questions/q1", QUESTION)
    clerk.get(path)
    assert clerk.post(f"{path}/questions/q3/move", {"to": "up"}).location.endswith("#q3")
    assert clerk.post(f"{path}/questions/q3/move", {"to": "away"}).status_code == 400
    assert clerk.post(f"{path}/questions/q2/move", {"to": "up"}, token=False).status_code == 400
    clerk.get(f"{path}/questions/q2/remove")
    clerk.post(f"{path}/questions/q2/remove")
    clerk.get(f"{path}/edit")
    clerk.post(f"{path}/edit", {"title": "Las", "intro": "", "closes_on": str(today())})

    survey = get(town, survey_id)
    assert [(each.id, each.text, each.required) for each in survey.asked] == [
        ("q1", "Kto?", False),
        ("q3", "Co jeszcze?", False),
    ]
    assert (survey.title, survey.closes_on) == ("Las", today())
    assert clerk.get(f"{path}/questions/q2").location == path


def test_a_draft_is_deleted_and_what_was_opened_is_not(official, town, draft, opened):
    gone, stays, clerk = draft(), opened(), official()
    clerk.get(f"/office/surveys/{gone}/delete")
    for survey_id in (gone, stays):
        assert clerk.post(f"/office/surveys/{survey_id}/delete").status_code == 303
    assert "Nic nie zostało zmienione." in clerk.get(f"/office/surveys/{stays}").text
    for end in WRITTEN:
        assert clerk.get(f"/office/surveys/{stays}{end}").location == f"/office/surveys/{stays}"

    assert get(town, gone) is None
    assert get(town, stays) is not None


def test_a_survey_that_cannot_be_opened_says_why_and_stays_a_draft(official, town, draft):
    survey_id, clerk = draft(questions=()), official()
    clerk.get(f"/office/surveys/{survey_id}/open")
    clerk.post(f"/office/surveys/{survey_id}/open")

    assert "Najpierw napisz co najmniej jedno pytanie." in clerk.get(f"/office/surveys/{survey_id}").text
    assert get(town, survey_id).state == "draft"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "Pytanie 1: wybierz odpowiedź."),
        ({"q1": "9"}, "Pytanie 1: wybierz jedną z podanych odpowiedzi."),
        ({"q1": "1", "q2": ["1", "99"]}, "Pytanie 2: wybierz jedną z podanych odpowiedzi."),
        ({"q1": "1", "q3": "x" * 1_001}, "Pytanie 3: mieści się najwyżej 1 000 znaków."),
    ],
)
def test_answers_that_do_not_fit_are_said_and_kept_in_the_form(resident, town, opened, wrong, said):
    path, browser = f"/surveys/{opened()}", resident()
    browser.get(path)
    answer = browser.post(path, {"q2": ["3"], "q3": "Lampy", **wrong})

    assert answer.status_code == 422
    assert answer.text.count(said) == 2  # in the list of errors, and beside the question
    assert (wrong.get("q3") or "Lampy") in answer.text
    if "q2" not in wrong:
        assert re.search(r'name="q2" value="3" checked', answer.text)
    assert sheets(town) == []


def test_a_form_in_which_nothing_was_answered_costs_nobody_their_part(resident, town, draft):
    questions = [services.put_in([], each)[0] for each in get(town, draft()).asked[1:]]
    survey_id = draft(questions=questions)
    with town.session() as session:
        services.open_survey(session, survey_id)
    path, browser = f"/surveys/{survey_id}", resident()
    browser.get(path)

    assert "Odpowiedz na co najmniej jedno pytanie." in browser.post(path, {"q3": "  "}).text
    assert browser.post(path, {"q2": ["1", "3"], "q3": "a\r\nb", "q9": "1"}).status_code == 303
    assert sheets(town) == [{"q2": ["1", "3"], "q3": "a\nb"}]


def test_a_second_form_of_one_person_is_told_that_the_first_counts(resident, town, opened):
    path, browser = f"/surveys/{opened()}", resident()
    browser.get(path)
    browser.post(path, {"q1": "1"})
    again = browser.post(path, {"q1": "2"})

    assert again.status_code == 409
    assert "Twój udział jest już zapisany." in again.text
    assert sheets(town) == [{"q1": ["1"]}]


def test_who_comes_too_late_reads_that_it_is_over(resident, town, opened, close):
    survey_id, took_part, late = opened(), resident(), resident()
    path = f"/surveys/{survey_id}"
    took_part.get(path)
    took_part.post(path, {"q1": "1"})
    late.get(path)
    close(survey_id)
    refused = late.post(path, {"q1": "1"})

    assert refused.status_code == 409
    assert "przyszło za późno" in refused.text
    assert "Ta ankieta się zakończyła." in late.get(path).text
    assert "Dziękujemy za udział." not in late.text
    assert "Dziękujemy za udział." in took_part.get(path).text
    assert path not in late.get("/surveys").text
    assert sheets(town) == [{"q1": ["1"]}]


def test_a_draft_does_not_exist_for_residents(resident, draft):
    path, browser = f"/surveys/{draft()}", resident()

    assert browser.get(path).status_code == 404
    assert browser.post(path, {"q1": "1"}).status_code == 404
    assert path not in browser.get("/surveys").text
    assert browser.get(f"/surveys/{uuid4()}").status_code == 404


def test_the_office_sees_how_many_took_part_and_nothing_else_before_the_end(official, opened, answer, close):
    survey_id, clerk = opened(), official()
    path = f"/office/surveys/{survey_id}"
    answer(survey_id, *[{"q1": ["1"], "q3": "Tajemnica"}] * 4)
    pages = ("/office/surveys", path, f"{path}/results", f"{path}/close")
    for page in pages:
        assert re.search(r"<dd>4</dd>|>4</td>", clerk.get(page).text), page
        assert "Tajemnica" not in clerk.text
    hidden = (f"{path}/results.csv", f"{path}/results/q3")
    assert {clerk.get(page).location for page in hidden} == {f"{path}/results"}
    close(survey_id)

    assert "Wzięło udział mniej niż 5 osób." in clerk.get(f"{path}/results").text
    assert {clerk.get(page).location for page in hidden} == {f"{path}/results"}


def test_results_are_one_for_who_may_only_see_them(official, opened, answer, close):
    survey_id = opened(title="=1+1")
    answer(survey_id, *[{"q1": ["1"], "q3": "<b>Lampy</b>"}] * 5)
    close(survey_id)
    path, auditor = f"/office/surveys/{survey_id}/results", official(Role.AUDITOR)

    assert "5 (100 %)" in auditor.get(path).text
    assert "Pytanie 3" in auditor.text
    assert "%(" not in auditor.text
    assert "&lt;b&gt;Lampy&lt;/b&gt;" in auditor.get(f"{path}/q3").text
    assert auditor.get(f"{path}/q1").status_code == 404
    file = auditor.get(f"{path}.csv")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.get_data(as_text=True).splitlines()[1] == "1;Czy chcesz parku?;Tak;5"


def test_lists_are_paged_the_newest_first(official, resident, opened):
    ids = [str(opened()) for _ in range(PAGE + 2)]
    for browser, path in ((official(), "/office/surveys"), (resident(), "/surveys")):
        shown, page = [], path
        while page:
            found = browser.get(page).text
            shown += re.findall(rf'href="{path}/([0-9a-f-]{{36}})"', found)
            following = re.search(r'href="([^"]+before=[^"]+)"', found)
            page = following and following[1]
        assert shown == ids[::-1]
        assert browser.get(f"{path}?before=x").status_code == 400


def test_a_person_finds_their_surveys_in_their_data_without_an_answer(resident, opened):
    path, browser = f"/surveys/{opened(title='Park i las')}", resident()
    browser.get(path)
    browser.post(path, {"q1": "1", "q3": "Lampy"})
    browser.get("/profile/data")
    with zipfile.ZipFile(io.BytesIO(browser.post("/profile/data").data)) as archive:
        assert json.loads(archive.read("surveys_participations.json")) == [{"survey": "Park i las"}]
        assert not any(b"Lampy" in archive.read(name) for name in archive.namelist())


def test_the_trail_has_words_for_what_the_office_does(official, draft):
    clerk, survey_id = official(Role.SURVEYS), draft()
    clerk.get(f"/office/surveys/{survey_id}/open")
    clerk.post(f"/office/surveys/{survey_id}/open")
    page = official(Role.ADMINISTRATOR).get("/office/audit").text

    assert "surveys.opened" not in re.sub(r"<[^>]+>", "", page)
    assert "otwarcie ankiety" in page


@pytest.mark.parametrize("language", ["pl", "en", "uk"])
def test_what_the_office_wrote_is_marked_as_polish(resident, opened, language):
    path, browser = f"/surveys/{opened()}", resident()
    browser.get(f"/language/{language}")
    page = browser.get(path).text

    assert ('<span lang="pl">Czy chcesz parku?</span>' in page) is (language != "pl")
    assert ('<h1 lang="pl">Park</h1>' in page) is (language != "pl")


def test_a_question_that_another_tab_removed_leads_back_to_the_survey(official, draft):
    survey_id, clerk = draft(), official()
    path = f"/office/surveys/{survey_id}"
    clerk.get(f"{path}/questions/q2")
    clerk.post(f"{path}/questions/q2/remove")

    answer = clerk.post(f"{path}/questions/q2", {"text": "Inne?", "kind": "text", "choices": ""})

    assert answer.location == path
    assert "Nic nie zostało zmienione" in clerk.get(path).text


def test_a_last_day_may_be_typed_as_one_writes_it_here(official, town):
    clerk, day = official(), today() + timedelta(days=3)
    clerk.get("/office/surveys/new")

    answer = clerk.post("/office/surveys/new", {"title": "Park", "intro": "", "closes_on": f"{day:%d.%m.%Y}"})

    assert f"{day:%d.%m.%Y}" in clerk.get(answer.location).text
