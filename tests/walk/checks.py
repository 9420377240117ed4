"""What is asked of every page, and what answers it: axe-core for WCAG 2.2 AA, and a look of our own for the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page as BrowserPage

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROW = 320  # CSS pixels: 1280 at a zoom of 400 % (WCAG 1.4.10)

AXE = """tags => axe.run({runOnly: tags, resultTypes: ["violations"], rules: {"target-size": {enabled: true}}}).then(
    found => found.violations.flatMap(rule => rule.nodes.map(node => [
        rule.id, node.target.flat().join(" "), node.html.slice(0, 160),
        [...node.any, ...node.all, ...node.none].map(each => each.message).join("; ").slice(0, 240)])))"""

LOOK = """() => {
    const text = node => (node.textContent || "").trim();
    const name = node => node.tagName.toLowerCase() + (node.id ? "#" + node.id : "") + " " +
        (node.getAttribute("aria-label") || text(node)).replace(/\\s+/g, " ").slice(0, 50);
    const ids = [...document.querySelectorAll("[id]")].map(node => node.id);
    // WCAG 2.5.8: a target is 24 by 24, but for links within a sentence. A ticked box is as large as its label.
    const inSentence = node => getComputedStyle(node).display === "inline" && [...node.parentElement.childNodes].some(
        each => each.nodeType === 3 && each.data.trim().length > 1);
    const box = node => {
        const all = [node, ...(node.matches("input[type=checkbox], input[type=radio]") ? node.labels : [])];
        const boxes = all.map(each => each.getBoundingClientRect());
        return [Math.max(...boxes.map(each => each.width)), Math.max(...boxes.map(each => each.height))];
    };
    const small = [...document.querySelectorAll(
        "a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=tab]")]
        .filter(node => node.checkVisibility({visibilityProperty: true}) && !inSentence(node))
        .map(node => [node, ...box(node)])
        .filter(([node, width, height]) => width > 1 && height > 1 && (width < 23.5 || height < 23.5))
        .map(([node, width, height]) => `${name(node)} (${Math.round(width)}×${Math.round(height)})`);
    return {
        title: document.title.trim(),
        lang: document.documentElement.lang,
        theme: document.documentElement.dataset.theme || "",
        headings: document.querySelectorAll("h1").length,
        twice: ids.filter((id, at) => ids.indexOf(id) !== at),
        back: document.querySelectorAll('a[href="/"], a.brand[href$="/"], nav.trail a, nav[aria-label] ol a').length,
        small,
    };
}"""

# Too wide is what reaches past the screen and can neither be scrolled within a box of its own nor is cut on purpose.
WIDE = """() => {
    const root = document.documentElement, over = root.scrollWidth - root.clientWidth;
    if (over <= 0) return null;
    const boxed = node => { for (let up = node.parentElement; up && up !== document.body; up = up.parentElement)
        if (getComputedStyle(up).overflowX !== "visible") return true; return false; };
    const reaches = node => { const box = node.getBoundingClientRect();
        return Math.max(box.right, box.left + node.scrollWidth) > root.clientWidth + 0.5; };
    const out = [...document.body.querySelectorAll("*")].filter(reaches);
    const wide = out.filter(node => !boxed(node)).slice(-1)[0] || out.slice(-1)[0];
    return `${over} px: ` + (wide ? wide.outerHTML.slice(0, 140) : "?");
}"""


SHEET = {"width": 718, "height": 1047}  # A4 with margins of a centimetre, in CSS pixels

# On paper: no menus and buttons, one heading, and ink dark enough without backgrounds, which printers leave out.
PRINTED = """() => {
    const seen = node => node.checkVisibility({visibilityProperty: true});
    const said = node => node.textContent.replace(/\\s+/g, " ").trim().slice(0, 50);
    const wrong = [...document.querySelectorAll("nav.menu, .filters, .skip, button, form.search")]
        .filter(seen).map(node => ["print-controls", `${node.tagName.toLowerCase()}.${node.className} ${said(node)}`]);
    if (![...document.querySelectorAll("h1")].some(seen)) wrong.push(["print-h1", "none is printed"]);
    const light = parts => parts.map(part => part / 255).map(
        part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !seen(node) || node.closest("svg, option, script, style")) continue;
        const [red, green, blue] = light(getComputedStyle(node).color.match(/[\\d.]+/g).slice(0, 3).map(Number));
        const contrast = 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
        if (contrast < 4.5) wrong.push(["print-pale", `${contrast.toFixed(1)}: ${said(node)}`]);
    }
    return wrong;
}"""


def look_at(page: BrowserPage, *, language: str, theme: str) -> tuple[str, list[tuple[str, str]]]:
    """The page's title, and what is wrong with it as (rule, where)."""
    found: dict[str, Any] = page.evaluate(LOOK)
    return found["title"], [*_own_rules(found, language, theme), *_axe(page), *_width(page), *_paper(page)]


def _own_rules(found: dict[str, Any], language: str, theme: str) -> Iterator[tuple[str, str]]:
    if not found["title"] or found["title"].startswith("·"):
        yield "title", repr(found["title"])
    if found["lang"] != language:
        yield "language", f"html says {found['lang']!r}, {language!r} was asked for"
    if found["theme"] != theme:
        yield "theme", f"html says {found['theme']!r}, {theme!r} was asked for"
    if found["headings"] != 1:
        yield "one-h1", f"{found['headings']} of them"
    if not found["back"]:
        yield "way-back", "no link to the first page and no breadcrumb"
    for each in found["twice"]:
        yield "id-twice", each
    for each in found["small"]:
        yield "target-size-24", each


def _axe(page: BrowserPage) -> Iterator[tuple[str, str]]:
    page.evaluate(AXE_SCRIPT)
    for rule, target, html, message in page.evaluate(AXE, TAGS):
        yield f"axe:{rule}", re.sub(r"\s+", " ", f"{target} {html} ({message})")


def _width(page: BrowserPage) -> Iterator[tuple[str, str]]:
    """Nothing is scrolled sideways, at this width and at 320."""
    size = page.viewport_size
    assert size is not None
    for width in sorted({size["width"], NARROW}, reverse=True):
        page.set_viewport_size({"width": width, "height": size["height"]})
        wide = page.evaluate(WIDE)
        if wide:
            yield f"scrolls-at-{width}", wide


def _paper(page: BrowserPage) -> Iterator[tuple[str, str]]:
    """As it would be printed, on a sheet of A4."""
    page.set_viewport_size(SHEET)
    page.emulate_media(media="print")
    wide = page.evaluate(WIDE)
    if wide:
        yield "print-wide", wide
    yield from ((rule, where) for rule, where in page.evaluate(PRINTED))
    page.emulate_media(media="screen")
