"""The same walk in a real browser: on a desk, on a telephone, and with scripts switched off."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

pytestmark = pytest.mark.browser

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 320, "height": 640}
WALK = ["Zlecono", "Przekazano do PayU", "Zapłacono", "Przekazano do księgowości urzędu", "Zaksięgowano"]
PATIENCE = 30_000


class Walk:
    """One person at a browser. Notes what a page did that it must not do."""

    def __init__(self, stack: Any, browser: Browser, **options: Any) -> None:
        self.stack = stack
        self.home = f"http://lipowo.localhost:{stack.port}"
        self.allowed = {urlsplit(self.home).netloc, urlsplit(stack.payu_url).netloc}
        self.faults: list[str] = []
        self.page: Page = browser.new_context(locale="pl-PL", **options).new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("console", self.hear)
        self.page.on("request", lambda request: self.look(request.url))

    def hear(self, line: ConsoleMessage) -> None:
        """Our pages say nothing to the console. What the gateway's pages say is the gateway's affair."""
        url = line.location["url"]
        if line.type == "error" and not url.startswith(self.stack.payu_url):
            self.faults.append(f"console: {line.text} ({url})")

    def look(self, url: str) -> None:
        if not url.startswith("data:") and urlsplit(url).netloc not in self.allowed:
            self.faults.append(f"asked {url}")

    def sign_in(self, login: str) -> None:
        page = self.page
        page.goto(self.home)
        page.get_by_role("link", name="Zaloguj się").first.click()
        page.get_by_label("Adres e-mail").fill(f"{login}@lipowo.example")
        page.get_by_label("Hasło").fill(self.stack.passwords[f"{login}@lipowo.example"])
        page.get_by_role("button", name="Zaloguj się", exact=True).click()
        page.wait_for_url("**/dashboard")

    def order(self) -> None:
        """Choose the first thing that is to be paid, look at it, and go to the gateway."""
        page = self.page
        page.goto(f"{self.home}/receivables")
        self.fits()
        page.locator("input[name=i]").first.check()
        page.get_by_role("button", name="Zapłać zaznaczone").click()
        page.wait_for_url("**/payments/new?**")
        self.fits()
        page.get_by_role("button", name="Zapłać ").click()
        page.wait_for_url(f"{self.stack.payu_url}/pay/**")

    def pay(self) -> None:
        self.page.get_by_role("button", name="Zapłać").click()
        self.page.wait_for_url("**/payments/*")

    def arrives(self) -> None:
        """The page renews itself until the money is there; later a reload shows the rest."""
        page = self.page
        expect(page.locator(".timeline li.done b", has_text="Zapłacono")).to_be_visible(timeout=PATIENCE)
        for _ in range(30):
            page.reload()
            if page.locator(".timeline li.done").count() == len(WALK) + 1:
                break
            page.wait_for_timeout(1000)
        expect(page.locator(".timeline li.done b")).to_have_text([*WALK, "Widoczne w Twoim saldzie"])
        self.fits()

    def fits(self) -> None:
        """Nothing is wider than the screen."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide:
            self.faults.append(f"{self.page.url} is {wide} px too wide")


@pytest.mark.parametrize(("screen", "who"), [(DESK, "dlugie.nazwisko"), (PHONE, "zalegly")], ids=["desk", "phone"])
def test_a_resident_pays_and_follows_the_money(stack, browser, screen, who):
    walk = Walk(stack, browser, viewport=screen)
    walk.sign_in(who)
    walk.fits()
    walk.order()
    walk.pay()
    walk.arrives()

    assert walk.faults == []


def test_it_works_with_scripts_switched_off(stack, browser):
    walk = Walk(stack, browser, viewport=DESK, java_script_enabled=False)
    walk.sign_in("dlugie.nazwisko")
    walk.order()
    walk.pay()
    walk.arrives()

    assert walk.faults == []
