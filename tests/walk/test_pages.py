"""Every page of the route map, looked at as its visitors see it: once in a browser, and over HTTP by everybody."""

from __future__ import annotations

import http.client
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage
from playwright.sync_api import Error as BrowserError
from tests.walk.checks import look_at
from tests.walk.looking import Example, Town, Walker
from tests.walk.people import take_cookies
from tests.walk.routes import SENDS_ON, Look, NoExample, Page, all_looks, expected, list_pages, spread

from skarbnik.web.frame import cookie_name
from skarbnik.web.languages import LANGUAGES
from skarbnik.web.preferences import THEMES

WIDTHS = (320, 768, 1280)
HEIGHT = 900
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)

Answers = dict[tuple[Page, str], "Answer"]


@dataclass(frozen=True)
class Answer:
    """What one visitor was answered at one page."""

    status: int
    is_page: bool
    title: str


@pytest.fixture(scope="module")
def pages(app: Any, town: Town, stack: Any) -> list[Page]:
    stack.run_command("tenant", "suspend", "zalesie")
    return list_pages(app, town)


@pytest.fixture(scope="module")
def answers(pages: list[Page], town: Town, stack: Any) -> Answers:
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)
    found = {
        (page, name): _ask(connection, page, stack.port, walker)
        for page in pages
        for name, walker in town.walkers.items()
    }
    connection.close()
    return found


def _ask(connection: http.client.HTTPConnection, page: Page, port: int, walker: Walker) -> Answer:
    cookie = "; ".join(f"{cookie_name(kind)}={value}" for kind, value in walker.cookies().items())
    connection.request("GET", page.path, headers={"Host": f"{page.host}localhost:{port}", "Cookie": cookie})
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    title = TITLE.search(text)
    is_page = answer.status == page.status and answer.headers.get_content_type() == "text/html"
    return Answer(answer.status, is_page, title[1].strip() if title else "")


def test_every_page_answers_each_role_as_it_declares(pages, town, answers, record_property):
    wrong = [
        f"{page} answers {answer.status} to {name}; {sorted(expected(page, town.walkers[name]))} was declared"
        for (page, name), answer in answers.items()
        if answer.status not in expected(page, town.walkers[name])
    ]
    record_property("walk", [f"over HTTP: {len(pages)} addresses as {len(town.walkers)} roles"])

    assert not wrong, "\n".join(wrong)


def test_every_page_can_be_seen_by_somebody_with_the_examples_there_are(pages, answers):
    """Otherwise nobody would notice that the walk passes it by."""
    seen = {(page.endpoint, page.path) for (page, _name), answer in answers.items() if answer.status == page.status}
    unseen = [str(page) for page in pages if (page.endpoint, page.path) not in seen and page.endpoint not in SENDS_ON]

    assert unseen == [], "these send everybody elsewhere: give them an example in fill_town, tests/walk/town.py"


def test_no_two_pages_of_one_person_have_the_same_title(town, answers):
    endpoints = defaultdict(set)
    for (page, name), answer in answers.items():
        if answer.is_page:
            endpoints[town.walkers[name].kind, page.host, answer.title].add(page.endpoint)
    same = {title: sorted(each) for (_kind, _host, title), each in endpoints.items() if len(each) > 1}

    assert same == {}


def test_a_page_nobody_gave_an_example_for_is_named_with_the_place_to_give_it(app, town):
    poor = Town(town.walkers, {}, {"portal.receivable": [Example()]})

    with pytest.raises(NoExample, match=r"/receivables/<uuid:receivable_id>.*tests/walk/town\.py"):
        list_pages(app, poor)


def test_the_spread_shows_each_pair_of_values_when_there_are_pages_enough():
    looks = all_looks(["a", "b", "c"], LANGUAGES, THEMES, WIDTHS)
    taken = spread([looks] * 20)

    assert {pair for look in taken for pair in look.pairs()} == {pair for look in looks for pair in look.pairs()}


@pytest.mark.browser
def test_every_page_is_fit_for_everybody(stack, browser, town, pages, answers, record_property, request):
    """axe, script errors, other hosts, width, title, heading, language, way back, ids, targets: no violation at all."""
    seen_by = {page: [name for name in town.walkers if answers[page, name].is_page] for page in pages}
    seen = [page for page in pages if seen_by[page]]
    if request.config.getoption("--walk-all"):
        visits = [(page, look) for page in seen for look in all_looks(seen_by[page], LANGUAGES, THEMES, WIDTHS)]
    else:
        best = [[page.best_as] if page.best_as else seen_by[page] for page in seen]
        visits = list(zip(seen, spread([all_looks(names, LANGUAGES, THEMES, WIDTHS) for names in best]), strict=True))
    walk = Walk(browser, stack, town)
    for page, look in visits:
        walk.visit(page, look)
    record_property("walk", walk.figures(visits))

    assert not walk.violations, walk.report()


class Walk:
    """One browser that goes from page to page as somebody else each time, and writes down what it must not see."""

    def __init__(self, browser: Browser, stack: Any, town: Town) -> None:
        self.port, self.town = stack.port, town
        self.violations: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.noise: list[tuple[str, str]] = []
        self.context = browser.new_context(service_workers="block")
        self.context.route(f"{stack.payu_url}/**", lambda route: route.fulfill(status=204))  # stay where we are
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.noise.append(("script", str(error))))
        self.page.on("console", self.hear)
        self.page.on("request", lambda asked: self.watch(asked.url, stack.payu_url))

    def hear(self, line: ConsoleMessage) -> None:
        if line.type == "error" and line.location["url"] != self.page.url:  # its own status is looked at elsewhere
            self.noise.append(("console", f"{line.text} ({line.location['url']})"))

    def watch(self, url: str, payu_url: str) -> None:
        host = url.split("/")[2] if "//" in url else ""
        if host and not host.endswith(f"localhost:{self.port}") and not url.startswith(payu_url):
            self.noise.append(("other-host", url))

    def visit(self, page: Page, look: Look) -> None:
        home = f"http://{page.host}localhost:{self.port}"
        signed_in = self.town.walkers[look.walker].cookies()
        take_cookies(self.context, home, {"language": look.language, "theme": look.theme, **signed_in})
        self.page.set_viewport_size({"width": look.width, "height": HEIGHT})
        self.page.emulate_media(color_scheme="dark" if look.theme == "auto" else "light")
        self.noise.clear()
        for again in (True, False):
            try:
                answer = self.page.goto(home + page.path)
                noise = list(self.noise)  # what axe does to the page is not the page's
                _title, found = look_at(self.page, language=look.language, theme=look.theme)
                break
            except BrowserError:  # a page that renews itself did so under our eyes
                if not again:
                    raise
        if answer is None or answer.status != page.status:
            noise.append(("status", str(answer and answer.status)))
        for violation in dict.fromkeys([*noise, *found]):
            self.violations[violation].append(f"{page} as {look.walker}, {look.language}, {look.theme}, {look.width}")

    def report(self) -> str:
        lines = [f"{len(self.violations)} violations"]
        for (rule, where), places in sorted(self.violations.items()):
            lines += [f"{rule}: {where}", *(f"    at {place}" for place in places[:3])]
            lines += [f"    and {len(places) - 3} more"] if len(places) > 3 else []
        return "\n".join(lines)

    def figures(self, visits: list[tuple[Page, Look]]) -> list[str]:
        looks = [look for _page, look in visits]
        counts = [Counter(getattr(look, name) for look in looks) for name in ("walker", "language", "theme", "width")]
        shown = [", ".join(f"{value} {number}" for value, number in sorted(each.items(), key=str)) for each in counts]
        return [
            f"in the browser: {len({page.endpoint for page, _look in visits})} routes, {len(visits)} visits,"
            f" {sum(map(len, self.violations.values()))} violations",
            *(
                f"  {name}: {line}"
                for name, line in zip(("roles", "languages", "themes", "widths"), shown, strict=True)
            ),
        ]
