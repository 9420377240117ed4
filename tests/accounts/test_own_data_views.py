"""Everybody takes all their data with them, and nobody else's."""

import io
import json
import tracemalloc
import zipfile

import pytest
from sqlalchemy import select

from skarbnik.accounts.chapters import write_archive
from skarbnik.accounts.own_data import CHAPTERS as OF_ACCOUNTS
from skarbnik.audit.models import AuditEntry
from skarbnik.money import Money
from skarbnik.plugin_api import Chapter
from skarbnik.portal.own_data import CHAPTERS as OF_PORTAL
from skarbnik.receivables.models import Instalment
from skarbnik.tenancy.services import disable_plugin
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    MandateFactory,
    OfficialFactory,
    PayerFactory,
    PaymentOrderFactory,
    UserFactory,
    bound_to,
)
from skarbnik_surveys.plugin import own_data
from skarbnik_surveys.questions import QuestionKind, new_question
from skarbnik_surveys.services import answer_survey, open_survey, put_question, write_survey

CHAPTERS = [*OF_ACCOUNTS, *OF_PORTAL, *own_data()]


def take(browser):
    browser.get("/profile/data")
    answer = browser.post("/profile/data")
    assert answer.headers["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture
def town(tenant, browse):
    """Somebody who is a payer, acts for a company, and lives beside a neighbour."""
    with tenant.session() as session, bound_to(session):
        own, company, other = PayerFactory(name="Własny Żółw"), PayerFactory(name="Firma"), PayerFactory(name="Sąsiad")
        user = UserFactory(name="Żółw", acts_for=[own])
        MandateFactory(user_id=user.id, payer_id=company.id, basis="company")
        neighbour = UserFactory(email="sasiad@example.pl", acts_for=[other])
        for payer in (own, company, other):
            InstalmentFactory(payer=payer, receivable__title=f"Podatek: {payer.name}", principal=Money(12_305))
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)
    return browser, user, own, neighbour


def test_the_file_has_a_chapter_for_everything_and_says_what_each_is(town, tenant):
    browser, _user, _own, _neighbour = town
    files = take(browser)

    assert set(files) == {"README.txt", *(f"{each.name}.json" for each in CHAPTERS)}
    parsed = {name: json.loads(text) for name, text in files.items() if name.endswith(".json")}
    assert parsed["account.json"][0]["name"] == "Żółw"
    assert [each["name"] for each in parsed["payers.json"]] == ["Własny Żółw"]
    assert [each["principal"] for each in parsed["instalments.json"]] == ["123.05"]
    assert parsed["sign_ins.json"][0]["outcome"] == "signed_in"
    assert len(parsed["browsers.json"]) == 1
    assert all(f"{each.name}.json" in files["README.txt"] for each in CHAPTERS)
    with tenant.session() as session:
        assert "account.data_taken" in session.scalars(select(AuditEntry.action)).all()


def test_nothing_of_a_company_or_a_neighbour_is_in_it(town):
    browser, _user, _own, neighbour = town
    files = take(browser)
    both = "".join(text for name, text in files.items() if name != "mandates.json")
    assert "Podatek: Własny Żółw" in both
    for word in ("Podatek: Firma", "Sąsiad", neighbour.email, str(neighbour.id), "password_hash", "pesel_hash"):
        assert word not in both
    assert "Firma" in files["mandates.json"]


def test_who_of_the_office_looked_is_told_by_role_and_not_by_name(town, tenant, browse):
    browser, _user, own, _neighbour = town
    with tenant.session() as session, bound_to(session):
        official = OfficialFactory(name="Halina Księgowa")
    office = browse("lipowo")
    office.sign_in(official.email, PASSWORD, office=True)
    office.get(f"/office/payers/{own.id}")
    files = take(browser)
    (look,) = json.loads(files["who_looked.json"])
    assert look["payer_id"] == str(own.id)
    assert "Halina" not in "".join(files.values())


def test_the_file_is_taken_a_few_times_an_hour(limits, town):
    browser, *_rest = town
    browser.get("/profile/data")
    assert [browser.post("/profile/data").status_code for _each in range(7)] == [200] * 6 + [429]


def test_an_official_has_no_such_page(browse, tenant):
    with tenant.session() as session, bound_to(session):
        email = OfficialFactory().email
    browser = browse("lipowo")
    browser.sign_in(email, PASSWORD, office=True)
    assert browser.get("/profile/data").status_code == 404


def test_however_much_there_is_it_does_not_lie_in_memory(session):
    def many(_session, _user_id):
        return ({"number": number, "text": f"{number:09d}" * 20} for number in range(60_000))

    user = UserFactory()
    tracemalloc.start()
    try:
        with write_archive(session, user.id, [Chapter("many", "many", many)], readme="x") as archive:
            _now, peak = tracemalloc.get_traced_memory()
            assert len(zipfile.ZipFile(archive).read("many.json")) > 10_000_000
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


def test_every_chapter_is_read_in_small_pieces(session):
    """A row at a time, from the database on."""
    user = UserFactory(acts_for=[payer := PayerFactory()])
    for _each in range(3):
        InstalmentFactory(payer=payer)
    (chapter,) = [each for each in OF_PORTAL if each.name == "instalments"]
    rows = iter(chapter.rows(session, user.id))
    assert isinstance(next(rows)["principal"], Money)
    assert len(list(rows)) == len(session.scalars(select(Instalment)).all()) - 1


def test_the_address_of_who_paid_by_a_link_is_theirs(town, tenant):
    """A neighbour who paid for somebody gave their e-mail address to the office, not to them."""
    browser, user, own, _neighbour = town
    with tenant.session() as session, bound_to(session):
        PaymentOrderFactory(payer_id=own.id, user_id=user.id, email="ja@example.pl")
        PaymentOrderFactory(payer_id=own.id, email="obcy@example.pl")
    files = take(browser)
    orders = json.loads(files["payment_orders.json"])
    assert [(each["by_me"], each["email"]) for each in orders] == [(True, "ja@example.pl"), (False, None)]


def test_what_a_plugin_kept_is_in_the_file_also_when_the_gmina_gave_it_up(clean, browse):
    gmina = clean.tenant_with("zrezygnowala", "surveys")
    with gmina.session() as session, bound_to(session):
        user = UserFactory()
        survey = write_survey(session, title="Park", intro="", closes_on=None, by=user.id)
        put_question(session, survey.id, new_question(QuestionKind.TEXT, "Co?", required=False, question_id="q1"))
        open_survey(session, survey.id)
        answer_survey(session, survey.id, user_id=user.id, answers={"q1": "Staw."})
    disable_plugin(clean.instance.owner_engine(), gmina.id, "surveys")
    clean.instance.registry.forget()
    without = clean.tenant_with("bez-wtyczki")
    with without.session() as session, bound_to(session):
        other = UserFactory()

    took, nothing = browse(gmina.slug), browse(without.slug)
    took.sign_in(user.email, PASSWORD)
    nothing.sign_in(other.email, PASSWORD)
    files = take(took)

    assert json.loads(files["surveys_participations.json"]) == [{"survey": "Park"}]
    assert "Staw" not in "".join(files.values())
    assert "surveys_participations.json" not in take(nothing)


def test_what_a_plugin_that_does_not_load_keeps_is_said_to_be_missing(town, clean, monkeypatch):
    """In the file too: who gets it believes that it is all."""
    browser, *_others = town
    assert "które teraz nie działają" not in browser.get("/profile/data").text
    monkeypatch.setitem(clean.instance.plugins.broken, "surveys", "ImportError")
    assert "które teraz nie działają: surveys" in browser.get("/profile/data").text
    assert "które teraz nie działają: surveys" in take(browser)["README.txt"]
