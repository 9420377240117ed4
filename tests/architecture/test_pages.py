"""Pages: every text is in Polish, no markup carries script or style of its own."""

import re
from configparser import ConfigParser

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from skarbnik.dev.state import CHECKOUT

CORE = CHECKOUT / "core"
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
TEMPLATES = sorted([*CORE.glob("skarbnik/**/templates/**/*.html"), *CHECKOUT.glob("plugins/*/skarbnik_*/**/*.html")])


@pytest.fixture(scope="module")
def used():
    """Every text the code and the templates mark, with where it stands."""
    mapping = ConfigParser()
    mapping.read(CORE / "babel.cfg")
    methods = [tuple(section.split(": ")[::-1]) for section in mapping.sections()]
    found = extract_from_dir(
        CORE, [(pattern.strip(), method) for pattern, method in methods], keywords=DEFAULT_KEYWORDS
    )
    return {message: f"{name}:{line}" for name, line, message, _comments, _context in found}


@pytest.fixture(scope="module")
def polish():
    with (CORE / "skarbnik/web/translations/pl.po").open("rb") as file:
        return read_po(file, locale="pl")


def test_every_text_of_a_page_is_in_polish(used, polish):
    assert len(used) > 150
    missing = []
    for message, place in used.items():
        entry = polish.get(message if isinstance(message, str) else message[0])
        texts = () if entry is None else (entry.string if isinstance(entry.string, tuple) else (entry.string,))
        if not texts or not all(texts) or entry.fuzzy:
            missing.append(f"{place}: {message}")
    assert missing == []


def test_plurals_have_all_three_polish_forms(used, polish):
    plurals = [message for message in used if not isinstance(message, str)]

    assert plurals
    for one, _many in plurals:
        assert len(polish.get(one).string) == 3


def test_a_translation_has_the_places_of_its_original(polish):
    for entry in polish:
        if not entry.id:
            continue
        originals = entry.id if isinstance(entry.id, tuple) else (entry.id,)
        wanted = set().union(*(PLACEHOLDER.findall(text) for text in originals))
        for text in entry.string if isinstance(entry.string, tuple) else (entry.string,):
            assert set(PLACEHOLDER.findall(text)) <= wanted, entry.id
            if len(originals) == 1:
                assert set(PLACEHOLDER.findall(text)) == wanted, entry.id


def test_a_translation_that_was_only_guessed_is_not_kept(polish):
    assert [entry.id for entry in polish if entry.fuzzy] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_carries_neither_script_nor_style(path):
    markup = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)

    assert not re.search(r"<style\b|\sstyle\s*=", markup)
    assert not re.search(r"<script(?![^>]*\bsrc=)", markup)
    assert not re.search(r"\son[a-z]+\s*=|javascript:", markup, re.IGNORECASE)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_escapes_everything_it_is_given(path):
    assert not re.search(r"\|\s*safe\b|autoescape\s+false|Markup\(", path.read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_form_that_changes_something_carries_its_token(path):
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", path.read_text(), re.DOTALL):
        assert "csrf_token" in form


def test_there_are_templates_to_look_at():
    assert len(TEMPLATES) > 15
