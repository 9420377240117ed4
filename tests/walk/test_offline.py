"""A telephone without a line: the worker's one page, and nothing of anybody."""

from __future__ import annotations

import re

import pytest
from tests.walk.people import take_cookies
from tests.walk.town import RICH

pytestmark = pytest.mark.browser

READY = "() => navigator.serviceWorker.ready.then(each => !!each.active)"
CACHED = """() => caches.keys().then(names => Promise.all(names.map(name => caches.open(name).then(
    kept => kept.keys())))).then(found => found.flat().map(each => new URL(each.url).pathname))"""


def test_without_a_line_a_page_says_so_and_leads_back_when_it_returns(browser, home, town):
    context = browser.new_context(base_url=home, locale="pl-PL")
    take_cookies(context, home, town.walkers[RICH].cookies())
    page = context.new_page()
    page.goto("/receivables")
    page.evaluate(READY)
    page.reload()  # a page that was there before the worker is not its own
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    owed = page.inner_text("h1")

    context.set_offline(True)
    page.goto("/payments")
    said = page.inner_text("body")
    shown = page.evaluate("() => getComputedStyle(document.querySelector('.btn-main')).backgroundColor")
    context.set_offline(False)
    page.goto("/receivables")

    assert "Nie ma połączenia z internetem" in said
    assert not re.search(r"\d,\d\d.zł|Kowalsk|@", said)
    assert shown != "rgba(0, 0, 0, 0)"  # its sheet was kept with it
    assert page.inner_text("h1") == owed
    assert all(re.fullmatch(r"/offline|/static/.+\.css", path) for path in page.evaluate(CACHED))
    context.close()
