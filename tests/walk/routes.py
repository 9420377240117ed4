"""The pages there are, found in the application's route map, and what each role may expect of them.

Nobody writes a new page down here. Only one whose address needs something new asks for an example in `town.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask
from tests.walk.looking import NOBODY, OPERATOR, Example, Town, Walker
from werkzeug.routing import Rule

from skarbnik.plugin_api import Access
from skarbnik.web.access import find_access

NO_PAGES = ("/api/", "/static/", "/healthz")  # programs and browsers ask for these, not people
GMINA, BARE = "lipowo.", ""
BACK = {"preferences.choose_language", "preferences.choose_theme"}  # to the page one came from, always
# For who is half signed in: tests/walk/test_second.py looks at the first two.
BETWEEN = {"second.ask", "second.set_up", "operator.give_code", "operator.set_up"}
SENDS_ON = BACK | BETWEEN


@dataclass(frozen=True)
class Page:
    """One address of a route, with an example in the place of each argument."""

    endpoint: str
    path: str
    access: Access
    owner: str = ""  # whose thing it shows, when it is somebody's
    best_as: str = ""  # who is to look at it, when not everybody sees there what the example is for
    status: int = 200
    host: str = GMINA
    everywhere: bool = False  # it may be asked for on the bare host too, where the operators' room is

    def __str__(self) -> str:
        return f"{self.endpoint} {self.path[:80]}{'' if self.host == GMINA else ' on the bare host'}"


# What people come to that is no route of its own.
BESIDES = [
    Page("(no such page)", "/nowhere", Access(None, "an error"), status=404),
    Page("(closed gmina)", "/", Access(None, "closed"), status=503, host="zalesie."),
    Page("(choose a gmina)", "/", Access(None, "of the demo"), host=BARE),
]


class NoExample(Exception):
    """Routes whose arguments nobody gave an example for, all of them."""


def list_pages(app: Flask, town: Town) -> list[Page]:
    """Every GET route of the application but those for programs, once for each example."""
    pages, missing = [], []
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
        access = find_access(app, rule.endpoint)
        if "GET" not in rule.methods or access is None or access.scope or rule.rule.startswith(NO_PAGES):
            continue
        try:
            for example in town.examples.get(rule.endpoint, [Example()]):
                path, best_as = _address(rule, example, town), example.best_as or example.owner
                everywhere = getattr(app.view_functions[rule.endpoint], "on_bare_host", False)
                pages += [
                    Page(rule.endpoint, path, access, example.owner, best_as, example.status, host, everywhere)
                    for host in ((GMINA, BARE) if everywhere else (GMINA,))
                ]
        except KeyError as argument:
            missing.append(f"{rule.rule} ({rule.endpoint}) needs {argument}")
    if missing:
        raise NoExample(
            f"{'; '.join(missing)}: give an example in `arguments` or `examples` of fill_town, tests/walk/town.py"
        )
    return [*pages, *BESIDES]


def _address(rule: Rule, example: Example, town: Town) -> str:
    values = {name: example.values[name] if name in example.values else town.arguments[name] for name in rule.arguments}
    built = rule.build(values)
    assert built is not None
    return built[1] + (f"?{example.query}" if example.query else "")


def expected(page: Page, walker: Walker) -> set[int]:
    """What a walker may be answered, from what the route declared about who may use it."""
    permission = page.access.permission
    if page.status != 200:
        return {page.status}
    if page.everywhere:
        return {200, 303, 404}  # on one of the hosts, as a test of its own asks
    if permission is None:
        return {200, 303}
    if walker.kind in {NOBODY, OPERATOR}:
        return {303}
    if not (permission.roles & walker.roles if walker.kind == "official" else permission.residents):
        return {404}
    if page.owner and walker.name != page.owner:
        return {303, 404}  # a thing of somebody else's, or no thing at all
    return {200, 303}


# A small deterministic spread: each visit takes the choice that shows most pairs of values nobody has seen together.


@dataclass(frozen=True)
class Look:
    """How a page is looked at."""

    walker: str
    language: str
    theme: str
    width: int

    def pairs(self) -> Iterator[tuple[object, ...]]:
        values = (self.walker, self.language, self.theme, self.width)
        return ((a, values[a], b, values[b]) for a in range(4) for b in range(a))


def all_looks(
    walkers: list[str], languages: tuple[str, ...], themes: tuple[str, ...], widths: tuple[int, ...]
) -> list[Look]:
    return [
        Look(walker, language, theme, width)
        for walker in walkers
        for language in languages
        for theme in themes
        for width in widths
    ]


def spread(choices: list[list[Look]]) -> list[Look]:
    """One look for each page, out of those it can be had in."""
    seen: Counter[tuple[object, ...]] = Counter()
    taken = []
    for looks in choices:
        best = max(looks, key=lambda look: (sum(not seen[pair] for pair in look.pairs()), -_often(look, seen)))
        seen.update(best.pairs())
        taken.append(best)
    return taken


def _often(look: Look, seen: Counter[tuple[object, ...]]) -> int:
    return sum(seen[pair] for pair in look.pairs())
