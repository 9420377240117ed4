"""Somebody's browser on a gmina's pages."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext
from tests.walk.looking import Town

from skarbnik.web.frame import cookie_name


def open_browser(browser: Browser, home: str, town: Town, name: str, **options: Any) -> BrowserContext:
    """A context of its own in which this walker is signed in, in Polish."""
    context = browser.new_context(base_url=home, locale="pl-PL", service_workers="block", **options)
    take_cookies(context, home, town.walkers[name].cookies())
    return context


def take_cookies(context: BrowserContext, home: str, values: dict[str, str]) -> None:
    """Exactly these cookies of ours. They are given as over https, which `__Host-` asks for and localhost counts as."""
    context.clear_cookies()
    address = home.replace("http:", "https:")
    for kind, value in values.items():
        context.add_cookies([{"name": cookie_name(kind), "value": value, "url": address, "secure": True}])
