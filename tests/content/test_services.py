"""What the office writes is kept, shown in time and in a language there is, and never lost to another change."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from skarbnik import clock
from skarbnik.accounts.models import User
from skarbnik.content import queries, services
from skarbnik.content.models import LONGEST_SLUG, ArticleKind, Key
from skarbnik.content.services import ArticleChanged, TermsChanged, TermsInForce, free_slug
from skarbnik.content.standard import FORMAL_SERVICE, STANDARD_TERMS, find_standard
from skarbnik.content.times import moment_of
from skarbnik.testing.factories import UserFactory, bound_to

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _now():
    with clock.stopped_at(NOW):
        yield


@pytest.fixture
def gmina(lab):
    return lab.tenant("lipowo")


def titles(session, language="pl", now=NOW, **more):
    return [text.title for text in queries.list_news(session, language, now, **more)[0]]


def test_news_are_shown_in_their_time_only(session, write):
    write(session, "news", "teraz", title="teraz", shown_from=NOW - HOUR, shown_until=NOW + HOUR)
    write(session, "news", "kiedys", title="kiedyś", shown_from=NOW + HOUR)
    write(session, "news", "dawno", title="dawno", shown_from=NOW - 2 * HOUR, shown_until=NOW)
    write(session, "news", "zawsze", title="zawsze", shown_from=NOW - 3 * HOUR)

    assert titles(session) == ["teraz", "zawsze"]
    assert titles(session, now=NOW + 2 * HOUR) == ["kiedyś", "zawsze"]
    assert queries.find_news(session, "kiedys", "pl", NOW) is None
    assert queries.find_news(session, "dawno", "pl", NOW) is None
    assert queries.find_news(session, "teraz", "pl", NOW).title == "teraz"


def test_warnings_come_first(session, write):
    write(session, "news", "a", title="nowsza", shown_from=NOW)
    write(session, "warning", "b", title="ostrzeżenie", shown_from=NOW - HOUR)

    assert titles(session) == ["ostrzeżenie", "nowsza"]


def test_news_come_page_by_page(session, write):
    for number in range(25):
        write(session, "news", f"n-{number}", title=str(number), shown_from=NOW - number * HOUR)

    assert titles(session) == [str(each) for each in range(10)]
    assert titles(session, page=3) == [str(each) for each in range(20, 25)]
    assert queries.list_news(session, "pl", NOW, page=2)[1]
    assert not queries.list_news(session, "pl", NOW, page=3)[1]


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2026, 10, 24, 23, 59, tzinfo=UTC), False),  # 01:59 in summer time
        (datetime(2026, 10, 25, 0, 0, tzinfo=UTC), True),  # the first 02:00
        (datetime(2026, 10, 25, 1, 59, tzinfo=UTC), True),  # the second 02:59
        (datetime(2026, 10, 25, 2, 0, tzinfo=UTC), False),  # 03:00
    ],
)
def test_a_warning_for_the_night_the_clocks_change_is_shown_all_of_it(session, write, moment, shown):
    begin, end = moment_of(datetime(2026, 10, 25, 2)), moment_of(datetime(2026, 10, 25, 3), late=True)
    write(session, "warning", "zegary", title="zegary", shown_from=begin, shown_until=end)

    assert titles(session, now=moment) == (["zegary"] if shown else [])


def test_a_missing_language_is_polish_and_says_so(session, write, gmina):
    write(session, "news", "a", "pl", title="Przerwa")
    write(session, "news", "b", "pl", title="Kasa")
    write(session, "news", "b", "uk", title="Каса")
    found = {text.slug: text for text in queries.list_news(session, "uk", NOW)[0]}

    assert (found["a"].title, found["a"].language) == ("Przerwa", "pl")
    assert (found["b"].title, found["b"].language) == ("Каса", "uk")
    assert queries.find_news(session, "a", "en", NOW).language == "pl"


def test_a_text_in_another_language_only_is_not_shown_to_who_did_not_ask_for_it(session, write):
    write(session, "news", "b", "uk", title="Каса")

    assert titles(session, "pl") == titles(session, "en") == []
    assert titles(session, "uk") == ["Каса"]


@pytest.mark.parametrize("language", ["pl", "en", "uk"])
@pytest.mark.parametrize(
    ("kind", "slug"),
    [("privacy", "main"), ("terms", STANDARD_TERMS), ("cookies", "main"), ("help", "main"), ("contact", "main"),
     ("front", "main"), ("page", FORMAL_SERVICE)],
)  # fmt: skip
def test_before_the_office_writes_there_is_a_standard_text(session, gmina, kind, slug, language):
    text = queries.get_article(session, gmina, ArticleKind(kind), slug, language, NOW)

    assert text.language == language
    assert text.title
    assert "{" not in text.title + text.body
    assert text.body.count("http") == 0 or "](http" in text.body
    assert len(text.html) > 50


def test_a_standard_text_names_the_gmina_and_leaves_out_what_is_not_known(gmina):
    text = find_standard(gmina, ArticleKind.CONTACT, "main", "pl")

    assert gmina.name in text.body
    assert "mailto:urzad@lipowo.example" in text.body
    assert "Telefon" not in text.body


@pytest.mark.parametrize("language", ["pl", "en", "uk"])
def test_the_cookie_notice_names_every_cookie(gmina, language):
    body = find_standard(gmina, ArticleKind.COOKIES, "main", language).body

    assert all(f"__Host-skarbnik-{each}" in body for each in ("session", "half", "form", "language", "theme"))
    assert "399" in body


@pytest.mark.parametrize("language", ["pl", "en", "uk"])
def test_the_privacy_notice_says_what_article_13_asks(gmina, language):
    body = find_standard(gmina, ArticleKind.PRIVACY, "main", language).body

    assert all(each in body for each in ("uodo.gov.pl", "28", "13", gmina.name, "PESEL", "5"))


def test_the_offices_own_text_comes_before_the_standard_one_in_every_language(session, write, gmina):
    write(session, "help", title="Nasza pomoc")

    assert queries.find_article(session, gmina, ArticleKind.HELP, "main", "pl", NOW).title == "Nasza pomoc"
    assert queries.find_article(session, gmina, ArticleKind.HELP, "main", "en", NOW).language == "pl"

    services.delete_article(session, ArticleKind.HELP, "main")
    assert queries.find_article(session, gmina, ArticleKind.HELP, "main", "en", NOW).language == "en"


def test_there_is_no_text_nobody_wrote(session, gmina):
    assert queries.find_article(session, gmina, ArticleKind.HOURS, "main", "pl", NOW) is None
    assert queries.find_article(session, gmina, ArticleKind.PAGE, "nic", "pl", NOW) is None


def test_the_first_page_asks_once(session, write, gmina, monkeypatch):
    for kind in ("front", "hours", "contact"):
        write(session, kind, title=kind)
    write(session, "front", "main", "en", title="welcome")
    for number in range(9):
        write(session, "news", f"n-{number}", title=str(number), shown_from=NOW - number * HOUR)
    write(session, "warning", "w", title="awaria", body="**Awaria**")
    write(session, "warning", "x", title="jutro", shown_from=NOW + HOUR)
    session.commit()
    asked = []
    read = session.read
    monkeypatch.setattr(session, "read", lambda *texts, **words: asked.append(texts) or read(*texts, **words))
    monkeypatch.setattr(session, "execute", None)

    texts = queries.front_texts(session, gmina, "en", NOW)

    assert len(asked) == 1
    assert (texts.front.title, texts.front.language) == ("welcome", "en")
    assert (texts.hours.title, texts.hours.language) == ("hours", "pl")
    assert [each.title for each in texts.news] == ["0", "1", "2", "3"]
    assert [each.title for each in texts.warnings] == ["awaria"]
    assert "<strong>" in texts.warnings[0].html


def test_the_first_page_of_a_new_gmina_has_words(session, gmina):
    texts = queries.front_texts(session, gmina, "uk", NOW)

    assert (texts.front.language, texts.contact.language) == ("uk", "uk")
    assert (texts.hours, texts.news, texts.warnings) == (None, [], [])


def test_who_saves_over_a_change_of_somebody_else_is_told(session, write):
    write(session, "help", title="pierwsza")
    write(session, "help", version=1, title="druga")

    with pytest.raises(ArticleChanged) as raised:
        write(session, "help", version=1, title="trzecia")
    assert (raised.value.current.title, raised.value.current.version) == ("druga", 2)
    with pytest.raises(ArticleChanged):
        write(session, "help", version=0, title="jakby nie było")


def test_who_saves_what_was_deleted_meanwhile_is_told(session, write):
    write(session, "news", "a")
    services.delete_article(session, ArticleKind.NEWS, "a")

    with pytest.raises(ArticleChanged) as raised:
        write(session, "news", "a", version=1)
    assert raised.value.current is None


def test_of_two_who_write_the_first_text_at_once_one_is_told(tenant, write):
    first, second = tenant.open_session(), tenant.open_session()
    write(first, "news", "a", title="pierwsza")
    first.commit()
    # the second looked before the first had saved
    key = Key(ArticleKind.NEWS, "a", "pl")
    values = {"title": "druga", "body": "x", "position": 0, "updated_at": NOW}

    assert services._insert(second, key, values) is False
    with pytest.raises(ArticleChanged) as raised:
        write(second, "news", "a", title="druga")
    assert raised.value.current.title == "pierwsza"
    for each in (first, second):
        each.close()


def test_dates_hold_for_all_languages_and_who_has_another_open_learns_of_it(session, write):
    write(session, "news", "a", "pl", shown_from=NOW)
    write(session, "news", "a", "en", shown_from=NOW, shown_until=NOW + HOUR)

    polish = queries.find_row(session, Key(ArticleKind.NEWS, "a", "pl"))
    assert (polish.shown_until, polish.version) == (NOW + HOUR, 2)
    with pytest.raises(ArticleChanged):
        write(session, "news", "a", "pl", version=1, shown_from=NOW)


def test_news_without_a_date_are_dated_by_their_first_saving(session, write):
    assert write(session, "news", "a").shown_from == NOW


def test_the_database_keeps_dates_in_order(session, write):
    with pytest.raises(IntegrityError):
        write(session, "news", "a", shown_from=NOW, shown_until=NOW - HOUR)


def test_terms_begin_with_the_standard_ones(session, gmina):
    assert queries.current_terms(session, NOW).version == STANDARD_TERMS


def test_a_version_of_the_terms_comes_into_force_on_its_day_and_the_old_one_stays_readable(session, write, gmina):
    write(session, "terms", "1", title="Pierwsze")
    write(session, "terms", "2", title="Drugie", shown_from=NOW + HOUR)

    assert queries.current_terms(session, NOW).version == "1"
    later = NOW + HOUR
    assert queries.current_terms(session, later).version == "2"
    assert [each.version for each in queries.list_terms(session, later)] == ["2", "1", STANDARD_TERMS]
    assert queries.get_article(session, gmina, ArticleKind.TERMS, "1", "pl", later).title == "Pierwsze"
    assert queries.find_article(session, gmina, ArticleKind.TERMS, "2", "pl", NOW) is None
    assert services.next_terms_version(session) == "3"


def test_terms_in_force_are_neither_changed_nor_deleted(session, write):
    write(session, "terms", "1")

    with pytest.raises(TermsInForce):
        write(session, "terms", "1", version=1, title="inne")
    with pytest.raises(TermsInForce):
        services.delete_article(session, ArticleKind.TERMS, "1")


def test_terms_in_force_may_still_be_translated(session, write):
    write(session, "terms", "1", shown_from=NOW)
    with clock.stopped_at(NOW + HOUR):
        translated = write(session, "terms", "1", "uk", title="Правила", shown_from=NOW + 9 * HOUR)

    assert translated.shown_from == NOW
    with pytest.raises(TermsInForce):
        write(session, "terms", "1", "uk", version=1)


def test_terms_to_come_may_be_changed_and_withdrawn(session, write):
    write(session, "terms", "1", shown_from=NOW + HOUR)
    write(session, "terms", "1", version=1, title="inne", shown_from=NOW + 2 * HOUR)

    assert services.delete_article(session, ArticleKind.TERMS, "1") == 1


def test_terms_never_come_into_force_in_the_past(session, write):
    assert write(session, "terms", "1", shown_from=NOW - HOUR).shown_from == NOW


@pytest.fixture
def user(session):
    return UserFactory(terms_version=None)


def test_a_version_is_accepted_once(session, user, write):
    assert services.terms_to_accept(session, user.id) == STANDARD_TERMS
    services.accept_terms(session, user.id, STANDARD_TERMS)
    assert services.terms_to_accept(session, user.id) is None

    write(session, "terms", "1", shown_from=NOW)
    assert services.terms_to_accept(session, user.id) == "1"
    with pytest.raises(TermsChanged):
        services.accept_terms(session, user.id, STANDARD_TERMS)
    services.accept_terms(session, user.id, "1")
    assert services.terms_to_accept(session, user.id) is None


def test_nobody_accepts_for_somebody_else(session, user):
    other = UserFactory(terms_version=None)
    services.accept_terms(session, user.id, STANDARD_TERMS)

    session.expire_all()
    assert session.get(User, other.id).terms_version is None
    assert services.terms_to_accept(session, other.id) == STANDARD_TERMS


@pytest.mark.parametrize(
    ("title", "slug"),
    [("Przerwa w płatnościach", "przerwa-w-platnosciach"), ("Żółć i ŁÓDŹ", "zolc-i-lodz"), ("  --  ", "2026-11-24"),
     ("Новини", "2026-11-24"), ("x" * 200, "x" * (LONGEST_SLUG - 4))],
)  # fmt: skip
def test_an_address_is_made_from_a_title(title, slug):
    assert free_slug(title, []) == slug
    assert free_slug(title, [slug]) == f"{slug}-2"


@given(st.text(max_size=200), st.integers(0, 5))
def test_an_address_is_short_plain_and_free(title, number):
    taken = []
    for _ in range(number):
        taken.append(free_slug(title, taken))
    slug = free_slug(title, taken)

    assert slug not in taken
    assert len(slug) <= LONGEST_SLUG
    assert all(part.isalnum() and part.isascii() for part in slug.split("-"))


def test_news_and_warnings_share_no_address(session, write):
    write(session, "warning", "przerwa")

    assert services.new_slug(session, ArticleKind.NEWS, "Przerwa") == "przerwa-2"
    assert services.new_slug(session, ArticleKind.PAGE, "Przerwa") == "przerwa"


def test_a_neighbour_sees_none_of_it(tenant, neighbour, write):
    with tenant.session() as session:
        write(session, "front", title="Lipowo")
        write(session, "news", "a", title="Lipowo")
        write(session, "terms", "1")
        session.commit()
    with neighbour.session() as session, bound_to(session):
        texts = queries.front_texts(session, neighbour, "pl", NOW)
        assert texts.front.title != "Lipowo"
        assert texts.news == []
        assert queries.find_news(session, "a", "pl", NOW) is None
        assert queries.current_terms(session, NOW).version == STANDARD_TERMS
        assert services.delete_article(session, ArticleKind.NEWS, "a") == 0
        assert services.save_article(
            session, Key(ArticleKind.NEWS, "a", "pl"), version=0, title="Dębina", body="x", by=uuid4()
        )
    with tenant.session() as session:
        assert queries.find_news(session, "a", "pl", NOW).title == "Lipowo"


def test_terms_are_written_in_polish_first_and_never_end(session, write):
    with pytest.raises(services.TermsNeedPolish):
        write(session, "terms", "1", language="en")
    assert write(session, "terms", "1", shown_until=NOW + HOUR).shown_until is None
    translated = write(session, "terms", "1", language="en", shown_until=NOW + HOUR)
    assert translated.shown_until is None
    assert services.current_terms(session, NOW + 2 * HOUR).version == "1"
