"""The accessibility declaration is what the law asks for, whatever the office answers, in each language."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik import clock
from skarbnik.content.declaration import (
    LANGUAGES,
    Answers,
    Basis,
    Conformity,
    Words,
    answers_from,
    make_declaration,
)
from skarbnik.content.validator import OBLIGATORY, check_declaration
from skarbnik.tenancy.registry import Tenant, TenantState

TODAY = datetime(2027, 3, 1, 12, tzinfo=UTC)
INSTANCE = SimpleNamespace(settings=SimpleNamespace(public_url="https://skarbnik.test"))


def gmina(**more):
    words = {
        "id": "a", "slug": "lipowo", "name": "Gmina Lipowo", "state": TenantState.ACTIVE, "colour": "#000000",
        "address": "ul. Lipowa 1", "email": "urzad@lipowo.example", "phone": "22 111 11 11", "plugins": frozenset(),
        "instance": INSTANCE, **more,
    }  # fmt: skip
    return Tenant(**words)


@pytest.fixture(autouse=True)
def _today():
    with clock.stopped_at(TODAY):
        yield


def findings(html):
    """Which ids something is said against."""
    return [each.partition(":")[0] for each in check_declaration(html)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_before_the_office_answered_there_is_a_good_declaration(language):
    html = make_declaration(answers_from(None, gmina()), gmina(), language)

    assert check_declaration(html) == []
    assert all(html.count(f'id="{name}"') == 1 for name in OBLIGATORY)
    assert "Gmina Lipowo" in html
    assert 'href="mailto:urzad@lipowo.example"' in html


def test_the_polish_words_are_those_of_the_law():
    html = make_declaration(answers_from(None, gmina()), gmina(), "pl")

    assert "częściowo zgodna" in html
    assert "4 kwietnia 2019" in html
    assert "7 dni" in html
    assert "Rzecznika Praw Obywatelskich" in html
    assert "samooceny" in html


line = st.text(max_size=60)
days = st.dates(date(2020, 1, 1), date(2027, 3, 1))
spoken = st.builds(Words, gaps=line, reasons=line, shortcuts=line, architecture=line, communication=line)
said = st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=40)


@st.composite
def answered(draw):
    published, updated = sorted([draw(days), draw(days)])
    return Answers(
        conformity=draw(st.sampled_from(Conformity)),
        basis=draw(st.sampled_from(Basis)),
        auditor=draw(said),
        published_on=published,
        updated_on=updated,
        made_on=draw(days),
        reviewed_on=date(2027, 2, 1),
        contact=draw(said),
        email="dostepnosc@lipowo.example",
        phone=draw(st.from_regex(r"\+?[0-9 ]{3,12}[0-9]", fullmatch=True)),
        burden_url=draw(st.sampled_from(["", "https://lipowo.example/analiza"])),
        architecture_url=draw(st.sampled_from(["", "https://lipowo.example/budynek"])),
        words=draw(st.dictionaries(st.sampled_from(LANGUAGES), spoken)),
    )


@given(answered(), st.sampled_from(LANGUAGES))
def test_whatever_is_answered_the_declaration_stands_the_check(answers, language):
    with clock.stopped_at(TODAY):
        html = make_declaration(answers, gmina(), language)

        assert check_declaration(html) == []
    assert "<script" not in html


@given(answered())
def test_answers_are_kept_as_they_were_given(answers):
    assert answers_from(json.loads(json.dumps(answers.to_json())), gmina()) == answers


def test_what_was_said_in_polish_only_is_said_in_polish_and_marked():
    answers = replace(answers_from(None, gmina()), words={"pl": Words(gaps="mapy\n- skany", architecture="Winda.")})
    html = make_declaration(answers, gmina(), "uk")

    assert '<ul lang="pl"><li>mapy</li><li>skany</li></ul>' in html
    assert '<p id="a11y-architektura" lang="pl">Winda.</p>' in html
    assert check_declaration(html) == []


def test_what_the_office_typed_is_text_and_no_markup():
    answers = replace(answers_from(None, gmina()), contact='"><script>', words={"pl": Words(gaps="<b>x</b>")})

    assert "<script>" not in make_declaration(answers, gmina(), "pl")
    assert "&lt;b&gt;x" in make_declaration(answers, gmina(), "pl")


@pytest.mark.parametrize(("unknown", "place"), [("phone", "a11y-telefon"), ("email", "a11y-email")])
def test_a_gmina_without_telephone_or_mail_is_told_what_is_missing(unknown, place):
    tenant = gmina(**{unknown: None})

    assert place in findings(make_declaration(answers_from(None, tenant), tenant, "pl"))


@pytest.fixture
def good():
    return str(make_declaration(answers_from(None, gmina()), gmina(), "pl"))


@pytest.mark.parametrize("name", OBLIGATORY)
def test_each_id_is_missed_found_twice_and_found_empty(good, name):
    assert findings(good.replace(f'id="{name}"', 'id="x"')) == [name]
    assert name in findings(good + f'<p id="{name}">x</p>')
    tag = re.search(rf'<(\w+)[^>]*id="{name}"[^>]*>', good)
    begin, end = tag.end(), good.index(f"</{tag[1]}>", tag.end())
    assert name in findings(good[:begin] + good[end:])


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ('<time id="a11y-data-publikacja"', '<span id="a11y-data-publikacja"', "a11y-data-publikacja"),
        ('datetime="2026-11-24"', 'datetime="24.11.2026"', "a11y-data-publikacja"),
        ('datetime="2026-11-24"', 'datetime="2031-11-24"', "a11y-data-publikacja"),
        ('href="mailto:urzad', 'href="urzad', "a11y-email"),
        ("bip.brpo.gov.pl", "example.pl", "a11y-procedura"),
        ("7 dni", "tygodnia", "a11y-procedura"),
        ('<a id="a11y-url" href="https', '<a id="a11y-url" href="ftp', "a11y-url"),
    ],
)
def test_what_is_wrong_is_named(good, old, new, name):
    assert old in good
    assert name in findings(good.replace(old, new))


@pytest.mark.parametrize(
    ("today", "made", "reviewed", "late"),
    [
        (date(2027, 3, 31), date(2026, 11, 24), None, False),
        (date(2027, 4, 1), date(2026, 11, 24), None, True),
        (date(2027, 4, 1), date(2026, 11, 24), date(2027, 3, 20), False),
        (date(2027, 4, 1), date(2027, 1, 2), None, False),
        (date(2028, 3, 31), date(2026, 11, 24), date(2027, 3, 20), False),
        (date(2028, 4, 1), date(2026, 11, 24), date(2027, 12, 31), True),
        (date(2028, 2, 1), date(2025, 1, 1), date(2026, 12, 31), True),
    ],
)
def test_a_declaration_is_reviewed_each_year_by_the_end_of_march(today, made, reviewed, late):
    with clock.stopped_at(datetime(today.year, today.month, today.day, 12, tzinfo=UTC)):
        answers = replace(
            answers_from(None, gmina()), published_on=made, updated_on=made, made_on=made, reviewed_on=reviewed
        )
        assert ("a11y-data-przeglad" in findings(make_declaration(answers, gmina(), "pl"))) is late
