"""Languages: whatever a page says is marked, gathered and translated, and no page mixes two languages.

`dev.py texts` gathers what these tests miss; a person translates it.
"""

import ast
import re
from html.parser import HTMLParser

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from skarbnik.dev.state import CHECKOUT
from skarbnik.dev.texts import TRANSLATED, distributions, gather, missing_in
from skarbnik.web.languages import LANGUAGES

PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
MARKUP = set('<>&"')
DISTRIBUTIONS = distributions()
PAGES = [path for each in DISTRIBUTIONS for path in sorted(each.package.rglob("*.html"))]
IN_ONE_LANGUAGE = [path for path in PAGES if path.stem in LANGUAGES]  # a whole document for each, such as the law's
TEMPLATES = [path for path in PAGES if path not in IN_ONE_LANGUAGE]
MODULES = [path for each in DISTRIBUTIONS for path in sorted(each.package.rglob("*.py"))]

SAME = {"pl": {"Gmina", "Menu"}, "uk": set()}  # words a language has from the other one
NAMES = {
    "Skarbnik",
    "NIP",
    "PESEL",
    "SHA-256",
    "PDF",
    ".pdf",
    "Polski",
    "English",
    "Українська",
    "zł",
}  # said in every language
SAMPLES = {"Aa", "Zażółć gęślą jaźń. Їжак їсть ґрушу."}  # letters to look at, on /design
ADDRESSES = {"/pages/"}
ATTRIBUTE = re.compile(r'[\w-]+="\s*"')  # what a macro writes into a tag
TOLD = ("aria-label", "aria-description", "placeholder", "title", "alt", "label", "data-label")
SAYS = ("flash", "ValidationError")  # functions whose first argument a person reads

catalogues = pytest.mark.parametrize("language", TRANSLATED)
packages = pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda each: each.name)
templates = pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(CHECKOUT)))


def entries(distribution, language):
    """`(msgid forms, translation forms)` of every text in a catalogue; none for a distribution without texts."""
    return [(forms(message.id), forms(message.string)) for message in catalogue(distribution, language) if message.id]


def catalogue(distribution, language):
    path = distribution.catalogue(language)
    if not path.is_file():
        return []
    with path.open("rb") as file:
        return read_po(file, locale=language)


def forms(text):
    return tuple(text) if isinstance(text, (tuple, list)) else (text,)


@packages
@catalogues
def test_a_catalogue_holds_what_the_pages_say_and_nothing_else(distribution, language):
    used = {forms(message.id) for message in gather(distribution) if message.id}
    translated = {original for original, _texts in entries(distribution, language)}

    assert sorted(used - translated) == [], "run dev.py texts and translate what is new"
    assert sorted(translated - used) == [], "run dev.py texts: nobody uses these any more"


@packages
@catalogues
def test_every_text_has_a_translation_a_person_made(distribution, language):
    kept = catalogue(distribution, language)

    assert missing_in(kept) == []
    assert list(getattr(kept, "obsolete", ())) == []


@packages
@catalogues
def test_a_translation_has_the_places_of_its_original(distribution, language):
    for originals, texts in entries(distribution, language):
        wanted = set(PLACEHOLDER.findall(originals[-1]))
        for text in texts:
            assert set(PLACEHOLDER.findall(text)) == wanted, originals
            if wanted:
                assert text % dict.fromkeys(wanted, 1)  # no sign of a place that is none


@packages
@catalogues
def test_a_number_has_every_plural_form_of_the_language(distribution, language):
    for originals, texts in entries(distribution, language):
        if len(originals) == 1:
            continue
        assert len(texts) == catalogue(distribution, language).num_plurals == 3, originals
        assert all("%(num)" in text for text in (*originals, *texts)), originals


@packages
@catalogues
def test_a_translation_is_not_the_original_again(distribution, language):
    same = {text for originals, texts in entries(distribution, language) for text in texts if text in originals}

    assert same <= SAME[language]


@packages
@catalogues
def test_a_translation_ends_no_attribute_and_no_tag(distribution, language):
    """Texts become part of a template as they are, so „ and ” are the quotation marks to use."""
    for originals, texts in entries(distribution, language):
        assert not MARKUP & set("".join(texts)), originals


@packages
def test_a_ukrainian_word_has_no_latin_letters_in_it(distribution):
    mixed = re.compile(r"[a-z]['’]?[а-яєіїґ]|[а-яєіїґ]['’]?[a-z]", re.IGNORECASE)
    for _originals, texts in entries(distribution, "uk"):
        for text in texts:
            assert not mixed.search(PLACEHOLDER.sub(" ", text)), text


class Said(HTMLParser):
    """What a person reads or hears of a page: `told` are its texts and the attributes that are read out."""

    def __init__(self, markup):
        super().__init__()
        self.told = []
        self._silent = 0
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self._silent += tag in ("script", "style")
        self.told += [value for name, value in attrs if name in TOLD and value]

    def handle_endtag(self, tag):
        self._silent -= tag in ("script", "style")

    def handle_data(self, data):
        if not self._silent:
            self.told.append(data)


def unmarked(source):
    """Words of a template that stand in no `_()`: texts and attributes, and sentences given to a component."""
    environment = Environment()
    told = Said("".join(value if kind == "data" else " " for _line, kind, value in environment.lex(source))).told
    tree = environment.parse(source)
    marked = {
        id(argument)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in ("_", "ngettext")
        for argument in call.args
    }
    told += [
        text.value
        for text in tree.find_all(nodes.Const)
        if isinstance(text.value, str)
        and id(text) not in marked
        and re.match(r"[^\W\d_]{2,} \w|[A-Z][a-z]+", text.value)
    ]
    return [text for text in (without_names(each) for each in told) if re.search(r"[^\W\d_]", text)]


def without_names(text):
    for known in (*NAMES, *SAMPLES, *ADDRESSES):
        text = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", "", text)
    return ATTRIBUTE.sub("", text).strip()


@templates
def test_a_template_says_nothing_outside_a_translated_text(path):
    assert unmarked(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Hello {{ name }}</p>", ["Hello"]),
        ("<a title='Open'>{{ _('Open') }}</a>", ["Open"]),
        ('{% if late %}<input placeholder="Since {{ day }}">{% endif %}', ["Since"]),
        ("{{ empty('Nothing here') }}", ["Nothing here"]),
        (
            "{{ note('info', role='alert') }}<b class='a b' data-x='y'>{{ _('Hello there') }} · 1,50 zł</b>{# words #}",
            [],
        ),
    ],
)
def test_a_forgotten_text_is_found(source, found):
    assert unmarked(source) == found


@pytest.mark.parametrize("path", IN_ONE_LANGUAGE, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_a_document_in_one_language_has_one_in_each(path):
    assert [language for language in LANGUAGES if not path.with_stem(language).is_file()] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_code_marks_whole_texts_and_tells_only_marked_ones(path):
    for call in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.args):
            continue
        literal = isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
        if call.func.id in ("_", "ngettext"):
            assert literal, f"line {call.lineno}: only a text that stands there can be gathered"
        elif call.func.id in SAYS:
            assert not literal, f"line {call.lineno}: a person reads this in one language only"
            assert not isinstance(call.args[0], ast.JoinedStr), f"line {call.lineno}: a text in pieces"


SENTENCES = {
    "/": {
        "pl": "Co możesz tu zrobić",
        "en": "What you can do here",
        "uk": "Що тут можна зробити",
    },
    "/sign-in": {
        "pl": "Nie masz jeszcze konta?",
        "en": "No account yet?",
        "uk": "Ще не маєте облікового запису?",
    },
}


def words(language):
    """Every text of the portal in one language."""
    core = DISTRIBUTIONS[0]
    if language == "en":
        return {text for originals, _texts in entries(core, TRANSLATED[0]) for text in originals}
    return {text for _originals, texts in entries(core, language) for text in texts if text}


@pytest.mark.parametrize("path", SENTENCES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_in_one_language(browse, path, language):
    browser = browse("lipowo")
    browser.get(f"/language/{language}")

    page = browser.get(path).text

    told = {text.strip() for text in Said(page).told} - NAMES
    assert f'<html lang="{language}"' in page
    assert SENTENCES[path][language] in told
    for other in set(LANGUAGES) - {language}:
        assert sorted(told & (words(other) - words(language))) == []


def test_there_is_something_to_compare():
    assert len(words("en")) > 400
    assert len(TEMPLATES) > 15
