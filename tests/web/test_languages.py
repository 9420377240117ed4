"""Texts of every distribution in one catalogue, in which the core's own stand as it wrote them."""

import pytest

from skarbnik.web import languages

HEAD = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"
"""
TEXTS = 'msgid "Sign in"\nmsgstr "Wleć"\n\nmsgid "Bees"\nmsgstr "Pszczoły"\n'


@pytest.fixture
def bees(tmp_path, monkeypatch):
    """A plugin whose catalogue knows two forms of plurals, where Polish has three, and a text of the core."""
    (tmp_path / "bees_texts" / "translations").mkdir(parents=True)
    (tmp_path / "bees_texts" / "__init__.py").write_text("")
    (tmp_path / "bees_texts" / "translations" / "pl.po").write_text(f"{HEAD}\n{TEXTS}", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(languages, "_PACKAGES", {**languages._PACKAGES, "bees_texts": "translations"})
    languages.load_catalogue.cache_clear()
    yield
    languages.load_catalogue.cache_clear()


def test_a_plugin_brings_texts_and_changes_neither_those_of_the_core_nor_how_it_counts(bees):
    polish = languages.load_catalogue("pl")

    assert polish.gettext("Bees") == "Pszczoły"
    assert polish.gettext("Sign in") == "Zaloguj się"
    assert [polish.plural(number) for number in (1, 2, 5, 22)] == [0, 1, 2, 1]
