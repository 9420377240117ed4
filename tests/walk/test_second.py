"""The second step in a real browser: pages that only who is half signed in sees, and a passkey of Chromium's own."""

from __future__ import annotations

import re

import pytest
from tests.walk.checks import NARROW, look_at

from skarbnik.testing.visitor import next_code

pytestmark = pytest.mark.browser

WHO = "audytor@lipowo.example"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Walk:
    """An official at one browser that has a place for passkeys; each page is looked at as every other page is."""

    def __init__(self, browser, home, stack):
        self.context = browser.new_context(
            base_url=home, locale="pl-PL", service_workers="block", viewport={"width": NARROW, "height": 640}
        )
        self.page = self.context.new_page()
        self.stack = stack
        self.wrong = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        device = self.context.new_cdp_session(self.page)
        device.send("WebAuthn.enable")
        device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})

    def look(self, path):
        self.page.wait_for_url(re.compile(f"{re.escape(path)}([?]|$)"))
        title, found = look_at(self.page, language="pl", theme="auto")
        self.wrong += [f"{title}: {each}" for each in found]

    def give_password(self):
        self.page.goto("/office/sign-in")
        self.page.fill("#email", WHO)
        self.page.fill("#password", self.stack.passwords[WHO])
        self.page.press("#password", "Enter")

    def give_code(self):
        self.page.fill("#code", next_code(self.stack.app_keys[WHO]))
        self.page.press("#code", "Enter")

    def use_passkey(self):
        self.page.click(".passkey button")

    def sign_out(self):
        self.page.click("header .who form button")
        self.page.wait_for_url("**/office/sign-in")


@pytest.fixture
def walk(browser, home, stack):
    made = Walk(browser, home, stack)
    yield made
    made.context.close()


def test_an_official_signs_in_with_a_code_makes_a_passkey_and_signs_in_with_it(walk):
    page = walk.page
    walk.give_password()
    walk.look("/sign-in/second")
    page.fill("#code", "000000")
    page.press("#code", "Enter")
    page.wait_for_selector("#errors")
    walk.look("/sign-in/second")
    walk.give_code()
    page.wait_for_url("**/office/")

    page.goto("/profile/second-step/new")
    walk.look("/profile/second-step/new")
    walk.use_passkey()
    page.wait_for_selector(".codes li")
    walk.look("/profile/second-step/new")
    codes = page.locator(".codes code").all_text_contents()
    page.goto("/profile")
    walk.look("/profile")

    walk.sign_out()
    walk.use_passkey()
    page.wait_for_url("**/office/")
    page.goto("/confirm?next=/profile")
    walk.look("/confirm")
    walk.use_passkey()
    page.wait_for_url("**/profile")

    walk.sign_out()
    walk.give_password()
    walk.look("/sign-in/second")
    page.click("summary")
    page.fill("#recovery", codes[0])
    walk.look("/sign-in/second")
    page.press("#recovery", "Enter")
    page.wait_for_url("**/office/")
    assert walk.wrong == []


def test_who_lost_everything_sets_up_anew_at_the_door(walk, stack):
    with stack.connect() as connection:
        connection.execute(f"SET search_path TO {stack.towns['lipowo'].schema}")
        connection.execute(
            "DELETE FROM second_factors WHERE user_id = (SELECT id FROM users WHERE email = %s AND kind = 'official')",
            (WHO,),
        )
    walk.give_password()
    walk.look("/sign-in/set-up")
    walk.use_passkey()
    walk.page.wait_for_selector(".codes li")
    walk.look("/sign-in/set-up")
    walk.page.click("main .btn-main")
    walk.page.wait_for_url("**/office/")
    assert walk.wrong == []
