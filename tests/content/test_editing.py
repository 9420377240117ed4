"""The office writes: who may, how a text is typed, looked at, saved and taken away, and how two people do not overwrite
each other."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.audit.models import AuditEntry
from skarbnik.content.models import Article, ArticleKind, Key
from skarbnik.content.queries import find_row
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import PASSWORD

PAGES = [
    "/office/content", "/office/content/new/news", "/office/content/new/page", "/office/content/help/main/pl",
    "/office/content/terms/1/pl", "/office/content/page/formal-service/uk", "/office/accessibility",
]  # fmt: skip


def row_of(tenant, kind, slug="main", language="pl"):
    with tenant.session() as session:
        return find_row(session, Key(ArticleKind(kind), slug, language))


def field(page, name):
    """What stands in an input or a textarea."""
    text = re.search(rf'<textarea[^>]*name="{name}"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    if text:
        return html.unescape(text[1]).lstrip("\r\n")
    tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', page)[0]
    value = re.search(r'value="([^"]*)"', tag)
    return html.unescape(value[1]) if value else ""


def typed(page, **more):
    names = [
        name for name in ("version", "title", "body", "shown_from", "shown_until", "position") if f'"{name}"' in page
    ]
    return {**{name: field(page, name) for name in names}, "act": "save", **more}


@pytest.mark.parametrize("path", PAGES)
def test_who_writes_sees_each_page(writer, path):
    page = writer.get(path)

    assert page.status_code == 200
    assert page.text.count("<h1") == 1


@pytest.mark.parametrize("path", [*PAGES, "/office/content/help/main/delete"])
@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.AUDITOR, Role.SURVEYS])
def test_other_officials_do_not_write(browse, official, path, role):
    browser = browse("lipowo")
    browser.sign_in(official(role).email, PASSWORD, office=True)

    assert browser.get(path).status_code == 404
    assert browser.post(path, {"title": "x", "body": "x"}).status_code in (404, 405)


def test_residents_and_strangers_do_not_write(browse, resident, tenant):
    stranger, browser = browse("lipowo"), browse("lipowo")
    browser.sign_in(resident.email, PASSWORD)
    for path in PAGES:
        assert stranger.get(path).status_code == 303
        assert browser.get(path).status_code == 404
        assert browser.post(path, {"title": "x", "body": "x"}).status_code in (404, 405)
    assert row_of(tenant, "help") is None


@pytest.mark.parametrize(
    "path",
    ["/office/content/nonsense/main/pl", "/office/content/help/other/pl", "/office/content/help/main/de",
     "/office/content/news/Wielka/pl", "/office/content/news/a--b/pl", f"/office/content/news/{'a' * 29}/pl",
     "/office/content/accessibility/main/pl", "/office/content/terms/standard-1/pl", "/office/content/terms/0/pl",
     "/office/content/new/help", "/office/content/new/nonsense", "/office/content/help/main/delete"],
)  # fmt: skip
def test_there_is_no_such_text_to_write(writer, path):
    assert writer.get(path).status_code == 404


def test_news_are_written_looked_at_saved_and_read(writer, browse, tenant):
    writer.get("/office/content/new/news")
    answer = writer.post("/office/content/new/news", {"title": "Przerwa w płatnościach"})
    assert answer.status_code == 303
    assert row_of(tenant, "news", "przerwa-w-platnosciach") is None

    page = writer.get(answer.location).text
    path = answer.location.partition("?")[0]
    assert field(page, "title") == "Przerwa w płatnościach"
    words = typed(page, body="## Kiedy\n\nW **sobotę**.", shown_until="2031-01-02T12:30")
    preview = writer.post(path, {**words, "act": "preview"})
    assert preview.status_code == 200
    assert "<strong>sobotę</strong>" in preview.text
    assert typed(preview.text) == words
    assert row_of(tenant, "news", "przerwa-w-platnosciach") is None

    assert writer.post(path, typed(preview.text)).status_code == 303
    saved = row_of(tenant, "news", "przerwa-w-platnosciach")
    assert (saved.version, saved.updated_by) == (1, writer.user.id)
    assert saved.shown_until == datetime(2031, 1, 2, 11, 30, tzinfo=UTC)
    assert field(writer.get(path).text, "shown_until") == "2031-01-02T12:30"
    assert "<strong>sobotę</strong>" in browse("lipowo").get("/news/przerwa-w-platnosciach").text


def test_saving_again_without_a_change_moves_no_time(writer, tenant, write):
    begin = datetime(2026, 10, 25, 1, 30, 12, tzinfo=UTC)  # the second 02:30 of that night
    with tenant.session() as session:
        write(session, "warning", "zegary", shown_from=begin)
    page = writer.get("/office/content/warning/zegary/pl").text
    writer.post("/office/content/warning/zegary/pl", typed(page, body="inaczej"))

    saved = row_of(tenant, "warning", "zegary")
    assert (saved.body, saved.shown_from) == ("inaczej", begin)


def test_every_change_is_written_down_with_names_of_texts_and_no_words(writer, tenant):
    path = "/office/content/warning/awaria/pl"
    writer.post(path, typed(writer.get(path).text, title="Awaria", body="Tajne słowa"))
    writer.get("/office/content/warning/awaria/delete")
    writer.post("/office/content/warning/awaria/delete")

    with tenant.session() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(each.action, each.subject) for each in entries] == [
        ("article.saved", "warning/awaria/pl"),
        ("article.deleted", "warning/awaria"),
    ]
    assert {each.actor_id for each in entries} == {writer.user.id}
    assert all(each.ip and each.request_id for each in entries)


def test_the_longest_name_of_a_text_fits_the_trail(writer, tenant):
    path = f"/office/content/warning/{'a' * 28}/pl"

    assert writer.post(path, typed(writer.get(path).text, title="x", body="x")).status_code == 303
    with tenant.session() as session:
        assert session.scalars(select(AuditEntry.subject)).one() == f"warning/{'a' * 28}/pl"


def test_two_who_write_at_once_lose_nothing(writer, browse, official, tenant):
    path = "/office/content/help/main/pl"
    other = browse("lipowo")
    other.sign_in(official(Role.ADMINISTRATOR).email, PASSWORD, office=True)
    mine, theirs = writer.get(path).text, other.get(path).text
    other.post(path, typed(theirs, title="Ich pomoc", body="Ich słowa"))

    answer = writer.post(path, typed(mine, title="Moja pomoc", body="Moje słowa"))
    assert answer.status_code == 409
    assert row_of(tenant, "help").title == "Ich pomoc"
    assert (field(answer.text, "title"), field(answer.text, "body")) == ("Moja pomoc", "Moje słowa")
    assert "Ich słowa" in answer.text

    assert writer.post(path, typed(answer.text, body="Moje i ich słowa")).status_code == 303
    saved = row_of(tenant, "help")
    assert (saved.title, saved.body, saved.version) == ("Moja pomoc", "Moje i ich słowa", 2)


def test_who_writes_on_while_another_deletes_loses_nothing(writer, tenant, write):
    with tenant.session() as session:
        write(session, "news", "a")
    path = "/office/content/news/a/pl"
    page = writer.get(path).text
    writer.post("/office/content/news/a/delete")

    answer = writer.post(path, typed(page, body="Moje słowa"))
    assert answer.status_code == 409
    assert field(answer.text, "body") == "Moje słowa"
    assert writer.post(path, typed(answer.text)).status_code == 303
    assert row_of(tenant, "news", "a").body == "Moje słowa"


@pytest.mark.parametrize(
    "wrong",
    [{"title": ""}, {"title": "x" * 161}, {"body": ""}, {"body": " \n"}, {"body": "x" * 20_001},
     {"shown_from": "wczoraj"}, {"shown_from": "0001-01-01T00:00"}, {"shown_until": "9999-12-31T23:59"},
     {"shown_from": "2026-01-02T00:00", "shown_until": "2026-01-01T00:00"}],
)  # fmt: skip
def test_what_cannot_be_is_said_and_what_was_typed_stays(writer, tenant, wrong):
    path = "/office/content/news/a/pl"
    words = typed(writer.get(path).text, title="Tytuł", body="Moje słowa") | wrong
    answer = writer.post(path, words)

    assert answer.status_code == 422
    assert 'id="errors"' in answer.text
    assert field(answer.text, "body") in (words["body"], words["body"].rstrip())
    assert row_of(tenant, "news", "a") is None


@pytest.mark.parametrize("version", ["x", "-1", "", "99999999999999999999"])
def test_a_forged_version_saves_nothing_and_breaks_nothing(writer, tenant, write, version):
    with tenant.session() as session:
        write(session, "help")
    path = "/office/content/help/main/pl"
    answer = writer.post(path, typed(writer.get(path).text, body="nowe", version=version))

    assert answer.status_code in (409, 422)
    assert row_of(tenant, "help").version == 1


def test_signs_no_column_can_hold_are_left_out(writer, tenant):
    path = "/office/content/help/main/pl"
    assert writer.post(path, typed(writer.get(path).text, title="a\x00b", body="c\x00d\r\ne")).status_code == 303

    saved = row_of(tenant, "help")
    assert (saved.title, saved.body) == ("ab", "cd\ne")


def test_the_longest_text_is_kept_whole(writer, tenant):
    path = "/office/content/help/main/pl"
    body = "\n".join(["ż" * 99] * 200)
    writer.post(path, typed(writer.get(path).text, body=body.replace("\n", "\r\n")))

    assert row_of(tenant, "help").body == body


def test_a_form_begins_with_the_standard_text_and_one_can_go_back_to_it(writer, browse, tenant):
    path = "/office/content/privacy/main/pl"
    page = writer.get(path).text
    assert "Administratorem" in field(page, "body")
    writer.post(path, typed(page, body="Nasze własne zasady"))
    assert "Nasze własne zasady" in browse("lipowo").get("/privacy").text

    writer.get("/office/content/privacy/main/delete")
    assert row_of(tenant, "privacy") is not None
    writer.post("/office/content/privacy/main/delete")
    assert "Administratorem" in browse("lipowo").get("/privacy").text


def test_deleting_asks_first(writer, tenant, write):
    with tenant.session() as session:
        write(session, "news", "a")
        write(session, "news", "a", "en")

    assert writer.get("/office/content/news/a/delete").status_code == 200
    assert row_of(tenant, "news", "a") is not None
    assert writer.post("/office/content/news/a/delete", token=False).status_code == 400
    assert writer.post("/office/content/news/a/delete").status_code == 303
    assert row_of(tenant, "news", "a") is row_of(tenant, "news", "a", "en") is None


def test_the_list_says_what_is_missing_in_which_language(writer, tenant, write):
    with tenant.session() as session:
        write(session, "help")
        write(session, "news", "a", title="Kasa nieczynna", shown_from=clock.now() + timedelta(days=1))
    page = writer.get("/office/content", headers={"Accept-Language": "en"}).text

    def state(path):
        return re.search(rf'href="/office/content/{path}">([^<]+)', page)[1]

    words = [state("help/main/pl"), state("help/main/uk"), state("privacy/main/uk"), state("hours/main/pl")]
    assert words == ["own text", "missing", "standard text", "missing"]
    assert state("news/a/pl") == "own text"
    assert state("news/a/en") == "missing"
    assert "Kasa nieczynna" in page


def test_news_in_the_list_come_page_by_page(writer, tenant, write):
    with tenant.session() as session:
        for number in range(30):
            write(session, "news", f"n-{number}", title=f"Nr {number}")
    first = writer.get("/office/content").text
    second = writer.get("/office/content?page=2").text

    assert len(set(re.findall(r"Nr \d+", first)) | set(re.findall(r"Nr \d+", second))) == 30
    assert len(set(re.findall(r"Nr \d+", first))) == 25


def test_a_translation_has_the_polish_text_and_its_dates_beside_it(writer, tenant, write):
    with tenant.session() as session:
        write(session, "news", "a", title="Przerwa", body="W sobotę", shown_until=datetime(2031, 1, 1, tzinfo=UTC))
    page = writer.get("/office/content/news/a/uk").text

    assert (field(page, "title"), field(page, "shown_until")) == ("", "2031-01-01T01:00")
    assert "W sobotę" in page
    writer.post("/office/content/news/a/uk", typed(page, title="Перерва", body="У суботу"))
    assert row_of(tenant, "news", "a", "uk").shown_until == datetime(2031, 1, 1, tzinfo=UTC)
    assert row_of(tenant, "news", "a").version == 1


def test_a_new_version_of_the_terms_begins_with_the_present_one(writer, browse, tenant):
    answer = writer.get("/office/content/new/terms")
    assert answer.location == "/office/content/terms/1/pl"
    page = writer.get(answer.location).text
    assert "Regulamin" in field(page, "title")
    writer.post(answer.location, typed(page, body="# Nowe zasady"))
    assert "Nowe zasady" in browse("lipowo").get("/terms").text

    page = writer.get(answer.location).text
    assert 'value="save"' not in page
    late = writer.post(answer.location, typed(page, body="Inaczej"))
    assert late.status_code == 409
    assert field(late.text, "body") == "Inaczej"
    assert row_of(tenant, "terms", "1").body == "# Nowe zasady"
    assert writer.get("/office/content/new/terms").location == "/office/content/terms/2/pl"
    writer.post("/office/content/terms/1/delete")
    assert row_of(tenant, "terms", "1") is not None


ANSWERS = {
    "conformity": "none", "basis": "audit", "auditor": "Fundacja", "published_on": "2026-01-02",
    "updated_on": "2026-02-03", "made_on": "2026-11-24", "reviewed_on": "", "contact": "Jan Nowak",
    "email": "jan@lipowo.example", "phone": "22 111 11 12", "burden_url": "", "architecture_url": "",
    "gaps_pl": "mapy\nskany", "architecture_pl": "Jest winda.", "architecture_uk": "Є ліфт.", "act": "save",
}  # fmt: skip


def answer(writer, **more):
    page = writer.get("/office/accessibility").text
    return writer.post("/office/accessibility", {**ANSWERS, "version": field(page, "version"), **more})


def test_the_declaration_is_made_from_the_offices_answers(writer, browse, tenant):
    before = writer.get("/office/accessibility").text
    assert "a11y-telefon" in before  # Lipowo has no telephone in its data
    assert answer(writer).status_code == 303

    page = browse("lipowo").get("/accessibility", headers={"Accept-Language": "uk"}).text
    assert all(each in page for each in ("Jan Nowak", "jan@lipowo.example", "mapy", "Є ліфт.", "Fundacja"))
    polish = browse("lipowo").get("/accessibility", headers={"Accept-Language": "pl"}).text
    assert "Jest winda." in polish
    assert "niezgodna" in polish
    after = writer.get("/office/accessibility").text
    assert (field(after, "contact"), field(after, "gaps_pl")) == ("Jan Nowak", "mapy\nskany")
    assert "a11y-" not in after
    with tenant.session() as session:
        assert session.scalars(select(AuditEntry.subject)).all() == ["accessibility/main/pl"]


def test_the_declaration_can_be_looked_at_before_it_is_saved(writer, tenant):
    page = answer(writer, act="preview")

    assert page.status_code == 200
    assert "Jan Nowak" in page.text
    assert 'id="a11y-kontakt"' in page.text
    assert (field(page.text, "gaps_pl"), field(page.text, "made_on")) == ("mapy\nskany", "2026-11-24")
    assert row_of(tenant, "accessibility") is None


@pytest.mark.parametrize(
    "wrong",
    [{"contact": ""}, {"email": "jan"}, {"email": ""}, {"phone": ""}, {"auditor": ""}, {"conformity": "x"},
     {"made_on": ""}, {"made_on": "24 listopada"}, {"made_on": "2931-01-01"}, {"updated_on": "2025-01-01"},
     {"reviewed_on": "2931-01-01"}, {"burden_url": "javascript:alert(1)"}, {"architecture_url": "//evil.example"},
     {"gaps_uk": "x" * 4001}, {"basis": ""}],
)  # fmt: skip
def test_answers_that_cannot_be_are_sent_back(writer, tenant, wrong):
    page = answer(writer, **wrong)

    assert page.status_code == 422
    assert 'id="errors"' in page.text
    assert field(page.text, "gaps_pl") == "mapy\nskany"
    assert row_of(tenant, "accessibility") is None


def test_two_who_answer_at_once_lose_nothing(writer, tenant):
    version = field(writer.get("/office/accessibility").text, "version")
    answer(writer, contact="Ich osoba")
    late = writer.post("/office/accessibility", {**ANSWERS, "version": version})

    assert late.status_code == 409
    assert "Ich osoba" in late.text
    assert field(late.text, "contact") == "Jan Nowak"
    again = writer.post("/office/accessibility", {**ANSWERS, "version": field(late.text, "version")})
    assert again.status_code == 303
    with tenant.session() as session:
        assert session.scalars(select(Article)).one().answers["contact"] == "Jan Nowak"


def test_the_entry_of_the_menu_is_for_who_writes(writer, browse, official):
    assert 'href="/office/content"' in writer.get("/office/content").text
    clerk = browse("lipowo")
    clerk.sign_in(official(Role.ACCOUNTANT).email, PASSWORD, office=True)
    assert 'href="/office/content"' not in clerk.get("/office/").text


def test_a_neighbours_text_cannot_be_written_or_deleted(writer, neighbour, write):
    with neighbour.session() as session:
        write(session, "news", "a", title="Dębina")
    path = "/office/content/news/a/pl"

    assert "Dębina" not in writer.get(path).text
    assert writer.get("/office/content/news/a/delete").status_code == 404
    writer.post(path, typed(writer.text, title="Lipowo", body="x"))
    assert row_of(neighbour, "news", "a").title == "Dębina"
