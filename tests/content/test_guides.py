"""The guides call buttons and pages as the screen does."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from skarbnik.office.difference_words import difference_words

EMPHASIS = re.compile(r"(?<!\*)\*([^*\n]+)\*(?!\*)")


def on_screen(language):
    """Every text of the pages in a language; those of English are what the others are translated from."""
    with (
        files("skarbnik.web")
        .joinpath("translations", "pl.po" if language == "en" else f"{language}.po")
        .open("rb") as file
    ):
        texts = [each.id if language == "en" else each.string for each in read_po(file)]
    return {one for text in texts for one in (text if isinstance(text, (list, tuple)) else [text])}


@pytest.mark.parametrize("language", ["pl", "en", "uk"])
def test_the_help_names_what_can_be_seen(language):
    text = files("skarbnik.content").joinpath("defaults", language, "help.md").read_text(encoding="utf-8")
    named = set(EMPHASIS.findall(text))
    assert len(named) > 3
    assert named - on_screen(language) == set()


def test_the_guide_of_the_office_names_every_difference_as_the_page_does(app):
    guide = (Path(__file__).parents[2] / "docs" / "office.md").read_text(encoding="utf-8")
    with app.test_request_context(base_url="https://lipowo.skarbnik.test"):
        titles = [words.title for words in difference_words().values()]
    assert [title for title in titles if title not in guide] == []
