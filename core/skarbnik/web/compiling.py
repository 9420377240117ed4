"""Templates as this house compiles them: once for each language, with what never changes already in them.

A text is translated, an icon drawn and an address written when a template is read, so a page costs no look-ups.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any, cast
from uuid import UUID

from flask import Flask, Request, current_app, url_for
from flask.templating import Environment
from jinja2 import Template
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.nodes import Node
from jinja2.runtime import Macro
from markupsafe import Markup, escape
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import Rule, UUIDConverter
from werkzeug.utils import cached_property

from skarbnik.web.formats import unbroken
from skarbnik.web.languages import LANGUAGES, current_language, load_catalogue

COMPONENTS = "components/macros.html"
CONSTANT = {"icon", "asset", "url_for"}  # functions that answer the same for the same text as long as we run
LANGUAGE_OF_DATA = "in_polish"
NO_COOKIES: ImmutableMultiDict[str, str] = ImmutableMultiDict()
IN_POLISH, NOTHING = Markup(' lang="pl"'), Markup("")
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%(%)")
_HEADING = re.compile(r"<(/?)(?:h[1-6]|dt|th)\b")


class WholeBlocks(CodeGenerator):
    """Compiles the body of a template or a block to collect its pieces and yield them as one text.

    Jinja yields each piece through every level of `extends`; a list of debts has hundreds of them.
    """

    def blockvisit(self, nodes: Iterable[Node], frame: Frame) -> None:
        if frame.buffer is not None:
            return super().blockvisit(nodes, frame)
        self.buffer(frame)
        super().blockvisit(nodes, frame)
        self.writeline(f"yield concat({frame.buffer})")
        return None


class LanguageEnvironment(Environment):
    """Jinja with one set of compiled templates for each language, chosen by the request."""

    code_generator_class = WholeBlocks
    language: str | None = None  # of an overlay; None for the environment the application holds

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._overlays: dict[str, LanguageEnvironment] = {}

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Template:  # noqa: A002  # Jinja's word
        if self.language is not None:
            return super().get_template(name, parent, globals)
        language = current_language()
        overlay = self._overlays.get(language) or self._make_overlay(language)
        return overlay.get_template(name, parent, globals)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """A plain dict, which each page copies in no time; Jinja's chain of two is walked name by name."""
        return {**self.globals, **(d or {})}

    def _make_overlay(self, language: str) -> LanguageEnvironment:
        """Templates in one language. The components are known everywhere, without an import in each page."""
        overlay = self.overlay()
        assert isinstance(overlay, LanguageEnvironment)
        overlay.language = language
        overlay.globals = dict(self.globals)
        overlay.globals[LANGUAGE_OF_DATA] = NOTHING if language == "pl" else IN_POLISH  # of what came from the office
        module = overlay.get_template(COMPONENTS).module
        overlay.globals.update({name: macro for name, macro in vars(module).items() if isinstance(macro, Macro)})
        self._overlays[language] = overlay
        return overlay


class LightRequest(Request):
    """A request that takes cookies apart when there are some: programs that call us send none."""

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        return super().cookies if "HTTP_COOKIE" in self.environ else NO_COOKIES


class LanguageFlask(Flask):
    """Flask whose templates speak the language of the request."""

    jinja_environment = LanguageEnvironment
    request_class = LightRequest

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """None of our functions is a coroutine: Flask need not ask each of them on each request."""
        return func


class CompiledTexts(Extension):
    """Puts what never changes into a template while it is read, once for each language, and not for each page.

    `{{ _("Text of %(day)s", day=row.day) }}` is read as if `Tekst z {{ row.day }}` stood there; within a larger
    expression `_("Text of %(day)s", day=…)` becomes a filter that only fills the translation. `{{ icon("lock") }}`,
    `{{ asset("x.css") }}`, `{{ url_for("portal.front") }}` and `{{ in_polish }}` become what they answer.

    In titles, headings and the names of facts no line ends inside "e-mail".
    """

    _in_heading = _in_title = False

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        tokens = list(stream)
        place = 0
        self._in_heading = self._in_title = False
        while place < len(tokens):
            self._notice(tokens, place)
            end = _end_of_alone(tokens, place)
            if end is not None:
                yield from self._spelled_out(tokens[place + 3], _arguments(tokens[place + 4 : end - 1]))
                place = end + 1
            elif _is_constant(tokens, place):
                function = cast(Callable[[str], object], self.environment.globals[tokens[place + 1].value])
                yield Token(tokens[place].lineno, "data", str(escape(function(tokens[place + 3].value))))
                place += 6
            elif _is_language_of_data(tokens, place):
                yield Token(tokens[place].lineno, "data", str(self.environment.globals[LANGUAGE_OF_DATA]))
                place += 3
            elif (path := _path_of_uuid(tokens, place)) is not None:
                before, after = _cut_at_uuid(tokens[place + 3].value)
                yield Token(tokens[place].lineno, "data", before)
                yield Token(tokens[place].lineno, "variable_begin", "{{")
                yield from path
                yield Token(tokens[place].lineno, "variable_end", "}}")
                yield Token(tokens[place].lineno, "data", after)
                place += 9 + len(path)
            elif _is_call(tokens, place):
                yield from self._filled(tokens[place + 2])
                yield tokens[place + 1]
                place += 4 if tokens[place + 3].type == "comma" else 3
            else:
                yield tokens[place]
                place += 1

    def _notice(self, tokens: list[Token], place: int) -> None:
        """Whether the next texts stand in a heading, or in the block that is the title and the heading of a page."""
        token = tokens[place]
        if token.type == "data":
            for found in _HEADING.finditer(token.value):
                self._in_heading = not found[1]
        elif token.type == "block_begin":
            name = tokens[place + 1].value
            if name in {"block", "endblock"}:
                self._in_title = name == "block" and tokens[place + 2].value == "title"

    def _spelled_out(self, text: Token, values: dict[str, list[Token]]) -> Iterator[Token]:
        """The translation as text, with an expression in the place of each placeholder."""
        line, translated = text.lineno, self._translated(text)
        place = 0
        for found in _PLACEHOLDER.finditer(translated):
            yield Token(line, "data", translated[place : found.start()] + (found[2] or ""))
            if found[1]:
                yield Token(line, "variable_begin", "{{")
                yield from values[found[1]]
                yield Token(line, "variable_end", "}}")
            place = found.end()
        yield Token(line, "data", translated[place:])

    def _filled(self, text: Token) -> Iterator[Token]:
        yield Token(text.lineno, "string", self._translated(text))
        yield Token(text.lineno, "pipe", "|")
        yield Token(text.lineno, "name", "filled")

    def _translated(self, text: Token) -> str:
        language: str = getattr(self.environment, "language", None) or LANGUAGES[0]
        translated = load_catalogue(language).gettext(text.value)
        return unbroken(translated) if self._in_heading or self._in_title else translated


def _is_call(tokens: list[Token], place: int) -> bool:
    types = [token.type for token in tokens[place : place + 4]]
    return types[:3] == ["name", "lparen", "string"] and tokens[place].value == "_" and types[3] in {"comma", "rparen"}


def _is_constant(tokens: list[Token], place: int) -> bool:
    """`{{ icon("lock") }}` and its like: a known function of one text, alone between the braces."""
    types = [token.type for token in tokens[place : place + 6]]
    return types == _ALONE and tokens[place + 1].value in CONSTANT


def _is_language_of_data(tokens: list[Token], place: int) -> bool:
    types = [token.type for token in tokens[place : place + 3]]
    return types == ["variable_begin", "name", "variable_end"] and tokens[place + 1].value == LANGUAGE_OF_DATA


def _path_of_uuid(tokens: list[Token], place: int) -> list[Token] | None:
    """The tokens of `row.id` in `{{ url_for("page", row_id=row.id) }}`, when the page's one argument is a UUID."""
    types = [token.type for token in tokens[place : place + 7]]
    if types != [*_ALONE[:4], "comma", "name", "assign"] or tokens[place + 1].value != "url_for":
        return None
    rule = _only_rule(tokens[place + 3].value)
    value = []
    for token in tokens[place + 7 :]:
        if token.type == "rparen":
            break
        if token.type not in {"name", "dot"}:
            return None
        value.append(token)
    follows = tokens[place + 8 + len(value)].type
    if follows != "variable_end" or rule is None or rule.arguments != {tokens[place + 5].value}:
        return None
    return value if all(isinstance(each, UUIDConverter) for each in rule._converters.values()) else None


def _only_rule(endpoint: str) -> Rule | None:
    rules = list(current_app.url_map.iter_rules(endpoint)) if endpoint in current_app.view_functions else []
    return rules[0] if len(rules) == 1 else None


def _cut_at_uuid(endpoint: str) -> tuple[str, str]:
    """`/receivables/` and what follows the UUID."""
    rule = _only_rule(endpoint)
    assert rule is not None
    (name,) = rule.arguments
    nothing: dict[str, Any] = {name: UUID(int=0)}
    before, _, after = url_for(endpoint, **nothing).partition(str(UUID(int=0)))
    return before, after


_ALONE = ["variable_begin", "name", "lparen", "string", "rparen", "variable_end"]


def _end_of_alone(tokens: list[Token], place: int) -> int | None:
    """Where `{{ _("…", …) }}` ends, when the call is all there is between the braces."""
    if tokens[place].type != "variable_begin" or not _is_call(tokens, place + 1):
        return None
    depth = 0
    for end in range(place + 2, len(tokens)):
        depth += {"lparen": 1, "rparen": -1}.get(tokens[end].type, 0)
        if depth == 0:
            return end + 1 if tokens[end + 1].type == "variable_end" else None
    return None


def _arguments(tokens: list[Token]) -> dict[str, list[Token]]:
    """The tokens of `, day=row.day, sum=row.total|money` by name."""
    found: dict[str, list[Token]] = {}
    chunk: list[Token] = []
    depth = 0
    for token in [*tokens, Token(0, "comma", ",")]:
        depth += _DEEPER.get(token.type, 0)
        if depth == 0 and token.type == "comma":
            if chunk:
                found[chunk[0].value] = chunk[2:]
            chunk = []
        else:
            chunk.append(token)
    return found


_DEEPER = {"lparen": 1, "lbracket": 1, "lbrace": 1, "rparen": -1, "rbracket": -1, "rbrace": -1}
