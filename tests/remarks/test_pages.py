"""From a report to its answer, as the resident and the office see it, and who sees none of it."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from tests.remarks.conftest import make_town
from tests.remarks.test_services import end_mandates

from skarbnik import clock
from skarbnik.audit.models import AuditEntry
from skarbnik.errands import QUEUES, SUBSCRIBERS
from skarbnik.payers.models import Payer
from skarbnik.plugin_api import Role
from skarbnik.portal.remarks import outcome_names
from skarbnik.receivables.models import Receivable
from skarbnik.remarks.models import LONGEST, Outcome, Remark, Topic
from skarbnik.remarks.queries import PAGE
from skarbnik.remarks.services import answer_remark, take_up, write_remark
from skarbnik.remarks.states import RemarkState
from skarbnik.testing.factories import PASSWORD, PayerFactory, bound_to

REPORT = {"topic": "address", "text": "Mieszkam przy Polnej 2.\r\n\r\nOd maja."}
ANSWER = {"outcome": "will_correct", "text": "Poprawimy adres."}


def rows(tenant):
    with tenant.session() as session:
        return list(session.scalars(select(Remark).order_by(Remark.id)))


def acts(tenant):
    with tenant.session() as session:
        return list(
            session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("remark%")).order_by(AuditEntry.id))
        )


def test_a_report_walks_from_the_resident_to_the_clerk_and_back(anna, official, tenant):
    anna.get("/remarks/new")
    sent = anna.post("/remarks/new", REPORT)
    assert sent.status_code == 303
    (remark,) = rows(tenant)
    assert (remark.state, remark.text) == (RemarkState.NEW, "Mieszkam przy Polnej 2.\n\nOd maja.")

    clerk = official(Role.ACCOUNTANT)
    assert f"/office/remarks/{remark.id}" in clerk.get("/office/remarks").text
    assert "Polnej 2" in clerk.get(f"/office/remarks/{remark.id}").text
    assert clerk.post(f"/office/remarks/{remark.id}/take").status_code == 303
    assert "urząd sprawdza" in anna.get(sent.location).text
    clerk.get(f"/office/remarks/{remark.id}")
    assert clerk.post(f"/office/remarks/{remark.id}/answer", ANSWER).status_code == 303

    page = anna.get(sent.location).text
    assert "Poprawimy adres." in page
    assert "Dane zostaną poprawione" in page
    assert "Wycofaj" not in page
    assert "Odpowiedź" in clerk.get(f"/office/remarks/{remark.id}").text
    assert acts(tenant) == [
        "remarks.listed",
        "remark.viewed",
        "remark.taken_up",
        "remark.viewed",
        "remark.answered",
        "remark.viewed",
    ]


def test_a_resident_reports_from_the_page_of_a_receivable_and_of_whom_they_act_for(anna, town, tenant):
    path = f"/remarks/new?receivable={town['receivable']}"
    assert f'href="{path}"' in anna.get(f"/receivables/{town['receivable']}").text
    assert 'href="/remarks/new"' in anna.get("/acting").text
    assert 'href="/remarks"' in anna.text

    page = anna.get(path).text
    assert 'value="amount"' in page
    assert 'value="address"' not in page
    assert anna.post(path, {"topic": "amount", "text": "Mam 100 m², nie 120."}).status_code == 303

    assert [(row.topic, row.receivable_id) for row in rows(tenant)] == [(Topic.AMOUNT, town["receivable"])]


@pytest.mark.parametrize(
    "wrong", [{"topic": ""}, {"topic": "amount"}, {"text": " \n "}, {"text": "x" * (LONGEST + 1)}, {"text": "\x00"}]
)
def test_what_cannot_be_sent_is_said_and_kept_in_the_form(anna, tenant, wrong):
    anna.get("/remarks/new")
    answer = anna.post("/remarks/new", REPORT | wrong)

    assert answer.status_code == 422
    assert 'id="errors"' in answer.text
    assert rows(tenant) == []


def test_two_thousand_characters_fit(anna, tenant):
    anna.get("/remarks/new")
    assert anna.post("/remarks/new", REPORT | {"text": "ż" * LONGEST}).status_code == 303
    assert len(rows(tenant)[0].text) == LONGEST


def test_the_eleventh_is_refused_with_a_reason_and_what_was_typed_stays(anna, tenant, write):
    for number in range(10):
        write(text=f"Błąd {number}")
    anna.get("/remarks/new")
    answer = anna.post("/remarks/new", REPORT)

    assert answer.status_code == 409
    assert "Masz 10 zgłoszeń bez odpowiedzi." in answer.text
    assert "Polnej 2" in answer.text
    assert len(rows(tenant)) == 10


def test_forms_are_counted(limits, anna):
    anna.get("/remarks/new")
    codes = {anna.post("/remarks/new", REPORT | {"text": f"Błąd {number}"}).status_code for number in range(11)}
    assert 429 in codes


def test_a_report_is_withdrawn_until_it_is_answered(anna, tenant, town, write):
    first, second = write(), write(text="Drugie")
    with tenant.session() as session:
        take_up(session, second.id, by=town["official"])
        answer_remark(session, second.id, outcome=Outcome.NOT_WRONG, text="Dobrze jest.", by=town["official"])
    anna.get(f"/remarks/{first.id}")

    for remark in (first, second, first):
        assert anna.post(f"/remarks/{remark.id}/withdraw").status_code == 303

    assert [row.state for row in rows(tenant)] == [RemarkState.WITHDRAWN, RemarkState.ANSWERED]


def act_for(browser, payer_id):
    browser.get("/acting")
    browser.post("/acting", {"payer": str(payer_id)})


def answered(tenant, town, remark, text="Poprawimy adres."):
    with tenant.session() as session:
        take_up(session, remark.id, by=town["official"])
        answer_remark(session, remark.id, outcome=Outcome.WILL_CORRECT, text=text, by=town["official"])


def test_the_mail_about_an_answer_leads_its_writer_there_whomever_they_act_for(anna, tenant, town, write):
    remark = write(topic=Topic.AMOUNT, receivable_id=town["receivable"])
    answered(tenant, town, remark)
    act_for(anna, town["second"])

    page = anna.get(f"/remarks/{remark.id}")
    assert page.status_code == 200
    assert "Poprawimy adres." in page.text
    assert "<dd>Anna Kowalska</dd>" in page.text
    assert f"/receivables/{town['receivable']}" not in page.text  # which is not the second payer's
    assert str(remark.id) not in anna.get("/remarks").text


def test_whose_right_to_act_ended_reads_what_they_wrote_and_not_the_answer(anna, tenant, town, write):
    remark = write(topic=Topic.AMOUNT, receivable_id=town["receivable"])
    answered(tenant, town, remark)
    end_mandates(tenant, town)

    page = anna.get(f"/remarks/{remark.id}")
    assert page.status_code == 200
    assert "Mieszkam przy Polnej 2." in page.text
    for hidden in ("Poprawimy", "<dd>Anna Kowalska</dd>", "Dane zostaną poprawione", str(town["receivable"])):
        assert hidden not in page.text


def test_who_acts_for_nobody_any_more_still_reads_what_they_wrote(anna, tenant, town, write):
    remark = write()
    with tenant.session() as session:
        session.execute(text("DELETE FROM mandates"))

    assert "Mieszkam przy Polnej 2." in anna.get(f"/remarks/{remark.id}").text


def test_the_title_of_a_receivable_that_was_sold_is_not_shown_with_an_old_report(anna, tenant, town, write):
    remark = write(topic=Topic.AMOUNT, receivable_id=town["receivable"])
    with tenant.session() as session:
        title = session.get_one(Receivable, town["receivable"]).title
    paths = (f"/remarks/{remark.id}", "/remarks")
    assert [title in anna.get(path).text for path in paths] == [True, True]

    with tenant.session() as session:
        session.execute(text("UPDATE liabilities SET closed_at = now()"))
    assert [title in anna.get(path).text for path in paths] == [False, False]


def test_only_the_writer_sees_it_and_lists_it_with_its_payer(anna, browse, town, write):
    path = f"/remarks/{write().id}"
    assert anna.get(path).status_code == 200
    other = browse("lipowo")
    other.sign_in(town["other"], PASSWORD)
    assert other.get(path).status_code == 404
    assert other.post(f"{path}/withdraw").status_code == 404
    assert path not in other.get("/remarks").text

    act_for(anna, town["second"])

    assert path not in anna.get("/remarks").text
    assert anna.get(f"/remarks/new?receivable={town['receivable']}").status_code == 404
    assert anna.get("/remarks/new?receivable=x").status_code == 404


def test_what_was_written_for_a_payer_that_was_merged_stays_with_its_writer(anna, tenant, town, write):
    remark = write()
    with tenant.session() as session, bound_to(session):
        whole = PayerFactory(name="Anna Kowalska (cała)", merged_from=[town["payer"]])
        session.get_one(Payer, town["payer"]).merged_into = whole.id

    assert anna.get(f"/remarks/{remark.id}").status_code == 200


def test_the_office_reads_the_oldest_first_by_state_and_in_pages(official, tenant, town):
    with tenant.session() as session:
        for number in range(PAGE + 2):
            session.add(
                Remark(
                    user_id=town["user"], payer_id=town["payer"], topic=Topic.OTHER, text=f"Błąd {number}",
                    language="pl", written_at=clock.now() - timedelta(days=3),
                )
            )  # fmt: skip
            session.flush()
        ids = list(session.scalars(select(Remark.id).order_by(Remark.id)))
        session.execute(text("UPDATE remarks SET state = 'withdrawn' WHERE id = :id"), {"id": ids[0]})
    clerk, shown, path = official(Role.AUDITOR), [], "/office/remarks"
    while path:
        page = clerk.get(path).text
        shown += re.findall(r'href="/office/remarks/([0-9a-f-]{36})"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = following and following[1].replace("&amp;", "&")

    assert shown == [str(each) for each in ids[1:]]
    assert "czeka 3 dni" in page
    assert str(ids[0]) in clerk.get("/office/remarks?state=withdrawn").text
    assert clerk.get("/office/remarks?after=x").status_code == 400


def test_a_clerk_who_comes_second_is_told_and_changes_nothing(official, tenant, write):
    remark = write()
    first, second = official(Role.ACCOUNTANT), official(Role.ADMINISTRATOR)
    for browser in (first, second):
        browser.get(f"/office/remarks/{remark.id}")
        assert browser.post(f"/office/remarks/{remark.id}/take").status_code == 303
    assert "W międzyczasie" in second.get(f"/office/remarks/{remark.id}").text
    assert first.post(f"/office/remarks/{remark.id}/take").status_code == 303
    taken = rows(tenant)[0].taken_by

    for browser in (second, first):
        browser.get(f"/office/remarks/{remark.id}")
        browser.post(f"/office/remarks/{remark.id}/answer", ANSWER | {"text": f"Odpowiedź {browser is second}"})

    (row,) = rows(tenant)
    assert (row.answer, row.taken_by) == ("Odpowiedź True", taken)
    assert acts(tenant).count("remark.answered") == 1


@pytest.mark.parametrize("outcome", Outcome)
def test_a_resident_reads_the_words_a_clerk_chose(app, anna, official, tenant, write, outcome):
    remark = write()
    with app.test_request_context("/", base_url="https://lipowo.skarbnik.test", headers={"Accept-Language": "pl"}):
        name = outcome_names()[outcome]
    clerk = official(Role.ACCOUNTANT)
    clerk.get(f"/office/remarks/{remark.id}")
    clerk.post(f"/office/remarks/{remark.id}/take")
    form = clerk.get(f"/office/remarks/{remark.id}").text
    clerk.post(f"/office/remarks/{remark.id}/answer", ANSWER | {"outcome": outcome.value})

    assert f">{name}</option>" in form
    for page in (clerk.get(f"/office/remarks/{remark.id}"), anna.get(f"/remarks/{remark.id}")):
        assert f"<strong>{name}</strong>" in page.text


@pytest.mark.parametrize("wrong", [{"outcome": ""}, {"outcome": "maybe"}, {"text": ""}, {"text": "x" * (LONGEST + 1)}])
def test_an_answer_says_what_was_found_and_why(official, tenant, write, wrong):
    remark = write()
    clerk = official(Role.ADMINISTRATOR)
    clerk.get(f"/office/remarks/{remark.id}")
    clerk.post(f"/office/remarks/{remark.id}/take")
    answer = clerk.post(f"/office/remarks/{remark.id}/answer", ANSWER | wrong)

    assert answer.status_code == 422
    assert 'id="errors"' in answer.text
    assert rows(tenant)[0].state is RemarkState.IN_PROGRESS


def test_an_auditor_reads_and_does_not_answer(official, tenant, write):
    remark = write()
    browser = official(Role.AUDITOR)
    page = browser.get(f"/office/remarks/{remark.id}").text
    assert "Polnej" in page
    assert "Zajmij się tym" not in page
    for what in ("take", "answer"):
        assert browser.post(f"/office/remarks/{remark.id}/{what}", ANSWER).status_code == 404
    assert rows(tenant)[0].state is RemarkState.NEW


@pytest.mark.parametrize("role", [Role.COMMUNICATIONS, Role.SURVEYS])
def test_who_has_nothing_to_do_with_it_sees_none(official, write, role):
    browser = official(role)
    assert browser.get("/office/remarks").status_code == 404
    assert browser.get(f"/office/remarks/{write().id}").status_code == 404


def test_reports_of_the_neighbour_do_not_exist(anna, official, neighbour, tenant):
    there = make_town(neighbour)
    with neighbour.session() as session:
        remark = write_remark(
            session, user_id=there["user"], payer_id=there["payer"], receivable_id=None, topic=Topic.OTHER,
            text="Cudze", language="pl",
        )  # fmt: skip
    clerk = official(Role.ACCOUNTANT)

    assert "Cudze" not in clerk.get("/office/remarks").text
    for browser, path in ((anna, f"/remarks/{remark.id}"), (clerk, f"/office/remarks/{remark.id}")):
        assert browser.get(path).status_code == 404
    assert clerk.post(f"/office/remarks/{remark.id}/take").status_code == 404
    assert rows(tenant) == []


def test_an_answer_has_a_queue_somebody_listens_to():
    assert "remark.answered" in SUBSCRIBERS
    assert {topic.partition(".")[0] for topic in SUBSCRIBERS} == set(QUEUES)
