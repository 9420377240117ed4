"""Pages for who uses no mouse, enlarges them, spaces their text, or wants nothing to move."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from tests.walk.checks import WIDE, look_at
from tests.walk.looking import NOBODY, Town
from tests.walk.people import open_browser
from tests.walk.town import RICH

pytestmark = pytest.mark.browser

DESK = {"width": 1280, "height": 900}
ZOOMED = {"width": 320, "height": 256}  # 1280 by 1024 at 400 %
PATIENCE = 30_000
MOST_STOPS = 400

# Whether something lies over what has the focus (WCAG 2.4.11).
HIDDEN = """() => {
    const node = document.activeElement, box = node.getClientRects()[0] || node.getBoundingClientRect();
    const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return !there || !(node.contains(there) || there.contains(node) ||
        [...(node.labels || [])].some(each => each.contains(there)));
}"""

# What has the focus: its name, whether one sees that (WCAG 2.4.7), and where it lies to the stop before (2.4.3).
FOCUS = """() => {
    const node = document.activeElement;
    if (!node || node === document.body || node === document.documentElement) return null;
    const style = getComputedStyle(node), box = node.getClientRects()[0] || node.getBoundingClientRect();
    const labels = [...(node.labels || [])].map(each => each.textContent).join(" ");
    window.stops = window.stops || [];
    const before = window.stops.indexOf(node), last = window.stops[window.stops.length - 1];
    window.stops.push(node);
    return {
        name: (node.getAttribute("aria-label") || labels || node.textContent || "").replace(/\\s+/g, " ").trim(),
        tag: node.tagName.toLowerCase(),
        seen: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none",
        again: before >= 0,
        part: last === node && node.type === "date",  // day, month and year are stops of their own
        backwards: !!last && last !== node && !(last.compareDocumentPosition(node) & 4),
        above: !!last && !!node.closest("main") && !!last.closest("main") &&
            box.bottom <= last.getBoundingClientRect().top && box.left < last.getBoundingClientRect().right,
        inside: !!node.closest("main"),
    };
}"""

# Of radio buttons the chosen one is a stop, the arrows lead to the others.
REACHABLE = """() => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
    .filter(node => !node.disabled && node.checkVisibility({visibilityProperty: true}))
    .filter(node => node.type !== "radio" || node.checked || !document.querySelector(
        `input[type=radio][name="${node.name}"]:checked`)).length"""

# WCAG 1.4.12, put in as a reader's own style sheet, which no policy of the page may forbid.
SPACED = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
        word-spacing: 0.16em !important } p { margin-bottom: 2em !important }`);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""

# Text that is cut off by its own box, or lies over other text.
CUT = """() => {
    const wrong = [], pieces = [];
    const said = node => node.textContent.replace(/\\s+/g, " ").trim().slice(0, 60);
    const stays = node => { for (let up = node; up; up = up.parentElement)
        if (["fixed", "sticky"].includes(getComputedStyle(up).position)) return true; return false; };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode, node = text.parentElement;
        if (!text.data.trim() || node.closest("svg, script, style, option, .visually-hidden, .skip") ||
            !node.checkVisibility({visibilityProperty: true})) continue;
        const boxes = [];  // what may cut it
        for (let box = node; box && box !== document.body; box = box.parentElement) {
            const style = getComputedStyle(box);
            if (style.display === "inline" || !/hidden|clip/.test(style.overflowX + style.overflowY)) continue;
            boxes.push(box);
            if (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1)
                wrong.push(`cut off: ${said(box)}`);
        }
        if (stays(node)) continue;  // it lies over what is scrolled below it
        const range = document.createRange();
        range.selectNodeContents(text);
        const frames = boxes.map(each => each.getBoundingClientRect());
        for (const each of range.getClientRects()) if (!frames.some(
            box => each.bottom > box.bottom + 1 || each.right > box.right + 1)) pieces.push([text, each]);
    }
    pieces.sort((one, other) => one[1].top - other[1].top);
    for (let at = 0; at < pieces.length; at++) for (let next = at + 1; next < pieces.length; next++) {
        const [text, one] = pieces[at], [over, other] = pieces[next];
        if (other.top > one.bottom - 4) break;
        if (text !== over && Math.min(one.right, other.right) - Math.max(one.left, other.left) > 4)
            wrong.push(`overlap: ${said(text)} / ${said(over)}`);
    }
    return [...new Set(wrong)];
}"""

# Every word a person can read, with the names of columns that a narrow table writes before its cells.
WORDS = """() => [document.body.innerText, ...[...document.querySelectorAll("[data-label]")].map(
    each => each.dataset.label)].join(" ").toLowerCase().split(/[^\\p{L}\\p{N}]+/u).filter(Boolean)"""

STUCK = """() => [...document.querySelectorAll("body *")].filter(node =>
    ["fixed", "sticky"].includes(getComputedStyle(node).position) && node.checkVisibility())
    .reduce((sum, node) => sum + node.getBoundingClientRect().height, 0)"""

MOVING = """() => [...document.querySelectorAll("*")].flatMap(node => ["", "::before", "::after"].flatMap(part => {
    const style = getComputedStyle(node, part);
    const longest = Math.max(...[...style.transitionDuration.split(","), ...style.animationDuration.split(",")].map(
        each => parseFloat(each) * (each.trim().endsWith("ms") ? 0.001 : 1)));
    return longest > 0.01 ? [`${node.tagName}.${node.className}${part} ${longest} s`] : [];
}))"""


class Keys:
    """A person with a keyboard. Writes down whatever focus does that it must not do."""

    def __init__(self, page: BrowserPage) -> None:
        self.page = page
        self.page.set_default_timeout(PATIENCE)
        self.faults: list[str] = []

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def stop(self) -> dict[str, Any] | None:
        """One Tab, and where it led; None past the end of the page."""
        self.press("Tab")
        found: dict[str, Any] | None = self.page.evaluate(FOCUS)
        if found is not None and not found["again"]:
            found["hidden"] = self._is_hidden()
            where = f"{found['tag']} {found['name'][:60]!r} at {self.page.url}"
            self.faults += [f"{what}: {where}" for what in ("hidden", "backwards", "above") if found[what]]
            self.faults += [] if found["seen"] else [f"focus is not visible: {where}"]
        return found

    def _is_hidden(self) -> bool:
        """A page that has just scrolled needs a moment until it is seen where it went; a busy machine a long one."""
        try:
            self.page.wait_for_function(f"!({HIDDEN})()", timeout=2_000)
        except PlaywrightTimeout:
            return True
        return False

    def reach(self, pattern: str, tag: str) -> None:
        """Tab until the focus is on what is called so."""
        passed = []
        for _ in range(MOST_STOPS):
            found = self.stop()
            if found is None:
                continue
            if found["tag"] == tag and re.search(pattern, found["name"]):
                return
            passed.append(found["name"])
        raise AssertionError(f"the keyboard does not reach {pattern!r} at {self.page.url}; it passed {passed[:40]}")

    def follow(self, pattern: str, tag: str, to: str) -> None:
        self.reach(pattern, tag)
        self.press("Enter")
        self.page.wait_for_url(to)

    def fill(self, label: str, text: str) -> None:
        self.reach(label, "input")
        self.page.keyboard.type(text)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_payment_needs_no_mouse_from_the_first_page_to_the_gateway(stack, browser, home, scripts):
    page = browser.new_context(viewport=DESK, locale="pl-PL", java_script_enabled=scripts).new_page()
    keys = Keys(page)
    page.goto(home)
    keys.follow("^Zaloguj się", "a", "**/sign-in*")
    keys.fill("^Adres e-mail", "zalegly@lipowo.example")
    keys.fill("^Hasło", stack.passwords["zalegly@lipowo.example"])
    keys.press("Enter")
    page.wait_for_url(re.compile("/dashboard$|/terms/accept"))
    if "/terms/accept" in page.url:  # asked once; the second walk is not
        keys.follow("^(Zgadzam|Akceptuj)", "button", "**/dashboard")
    keys.follow("^Do zapłaty", "a", "**/receivables*")
    keys.reach("^Zapłać: ", "input")
    keys.press("Space")
    keys.follow("^Zapłać zaznaczone|^Dalej", "button", "**/payments/new?**")
    keys.follow("^Zapłać ", "button", f"{stack.payu_url}/pay/**")
    page.context.close()

    assert not keys.faults, "\n".join(keys.faults[:20])


@pytest.fixture(scope="module")
def visit(browser: Browser, home: str, town: Town) -> Iterator[Callable[..., BrowserPage]]:
    """`visit(path, name)`: that page in the browser of that walker, in a window of this size."""
    opened: dict[str, BrowserPage] = {}

    def make(path: str, name: str, window: Any = DESK) -> BrowserPage:
        if name not in opened:
            opened[name] = open_browser(browser, home, town, name, reduced_motion="reduce").new_page()
        page = opened[name]
        page.set_viewport_size(window)
        page.goto(path)
        return page

    yield make
    for page in opened.values():
        page.context.close()


def main_pages(town: Town) -> dict[str, tuple[str, str]]:
    """The pages of the main path, and those a clerk has open all day: who sees them."""
    review = town.examples["portal.review"][0].query
    paid = town.examples["office.payment"][3].values["number"]
    return {
        "front": ("/", NOBODY),
        "sign-in": ("/sign-in", NOBODY),
        "dashboard": ("/dashboard", RICH),
        "receivables": ("/receivables", RICH),
        "receivable": (f"/receivables/{town.arguments['receivable_id']}", RICH),
        "review": (f"/payments/new?{review}", RICH),
        "payment": (f"/payments/{paid}", RICH),
        "day": ("/office/", "accountant"),
        "payments": ("/office/payments", "accountant"),
    }


PAGES = ["front", "sign-in", "dashboard", "receivables", "receivable", "review", "payment", "day", "payments"]


@pytest.fixture(params=PAGES)
def place(request: pytest.FixtureRequest, town: Town) -> tuple[str, str]:
    return main_pages(town)[request.param]


def test_focus_walks_the_page_in_its_order_is_always_seen_and_is_never_trapped(visit, place):
    page = visit(*place)
    keys = Keys(page)
    stops = []
    while (found := keys.stop()) is not None and len(stops) < MOST_STOPS:
        if found["again"] and not found["part"]:
            break
        stops += [] if found["again"] else [found]

    assert not keys.faults, "\n".join(keys.faults[:20])
    assert len(stops) >= page.evaluate(REACHABLE)


def test_the_first_stop_skips_to_the_content(visit, place):
    page = visit(*place)
    keys = Keys(page)
    first = keys.stop()
    keys.press("Enter")
    second = keys.stop()

    assert first is not None
    assert "treści" in first["name"]
    assert second is None or second["inside"] or not page.locator("main a, main button, main input").count()


def test_at_four_hundred_percent_nothing_is_lost(visit, place):
    page = visit(*place)
    words = set(page.evaluate(WORDS))
    page.set_viewport_size(ZOOMED)
    fold = page.locator(".fold summary")
    if fold.count():  # what folds away is one press of a key from there
        fold.focus()
        page.keyboard.press("Enter")

    assert page.evaluate(WIDE) is None
    assert words - set(page.evaluate(WORDS)) == set()
    assert page.evaluate(STUCK) < ZOOMED["height"] / 2, "what stays in place covers the page"


@pytest.mark.parametrize("width", [320, 1280])
def test_text_that_is_spaced_is_neither_cut_off_nor_overlaps(visit, place, width):
    page = visit(*place, {"width": width, "height": 900})
    shortened = page.evaluate(CUT)  # on purpose, however it is spaced
    page.evaluate(SPACED)

    cut = [each for each in page.evaluate(CUT) if each not in shortened]
    assert not cut, "\n".join(cut)
    assert page.evaluate(WIDE) is None


def test_nothing_moves_for_who_asked_for_less_motion(visit, place):
    page = visit(*place)

    assert page.evaluate(MOVING) == []


def test_a_form_that_was_refused_says_so_to_everybody(visit):
    """A summary that is announced, the error beside its field, and no rule of a page broken by it."""
    page = visit("/sign-in", NOBODY, {"width": 320, "height": 640})
    page.get_by_label("Adres e-mail").fill("nobody@nowhere.example")
    page.get_by_label("Hasło").fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    field = page.get_by_label("Hasło")
    _title, violations = look_at(page, language="pl", theme="auto")

    assert violations == []
    assert field.get_attribute("aria-invalid") == "true"
    described = field.get_attribute("aria-describedby") or ""
    assert any(page.locator(f"#{each}").inner_text().strip() for each in described.split())
