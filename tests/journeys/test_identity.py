"""Signing in where a person proves who they are: through real processes, in a browser, in two gminas."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from skarbnik.testing.visitor import call, eventually

pytestmark = pytest.mark.browser

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
NODE, BANK, DIRECTORY = "Profil Zaufany", "mojeID", "Konto w urzędzie"


@pytest.fixture
def open_page(stack, browser):
    """`open_page("lipowo", screen)`: a browser of its own at a gmina's address."""
    contexts = []

    def make(slug, screen=DESK, **options):
        context = browser.new_context(locale="pl-PL", viewport=screen, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"http://{slug}.localhost:{stack.port}/")
        return page

    yield make
    for each in contexts:
        each.close()


def go_to(page: Page, provider: str, *, door="/sign-in") -> None:
    """To the provider's page. Where scripts run the page in between leads on by itself."""
    page.goto(f"http://{urlsplit(page.url).netloc}{door}")
    page.get_by_role("button", name=provider).click()
    page.wait_for_url("http://127.0.0.1:*/**")


def be(page: Page, person: str, *, back: str | None = "Wróć do") -> None:
    page.get_by_role("button", name=person).first.click()
    if back is not None:
        page.get_by_role("button", name=back).click()
    page.wait_for_url(lambda url: ".localhost" in url)


@pytest.mark.parametrize("slug", ["lipowo", "debina"])
@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_a_resident_comes_in_with_profil_zaufany_and_sees_what_they_owe(open_page, slug, screen):
    page = open_page(slug, screen)
    go_to(page, NODE)
    be(page, "Anna Kowalska")

    page.wait_for_url("**/dashboard")
    expect(page.get_by_text("Kowalska Anna").first).to_be_visible()
    page.goto(page.url.replace("/dashboard", "/profile"))
    expect(page.get_by_text(NODE).first).to_be_visible()


def test_it_works_with_scripts_switched_off(open_page):
    page = open_page("lipowo", java_script_enabled=False)
    page.goto(f"http://{urlsplit(page.url).netloc}/sign-in")
    page.get_by_role("button", name=NODE).click()
    page.get_by_role("button", name=NODE).click()  # the page in between
    page.wait_for_url("http://127.0.0.1:*/**")
    be(page, "Anna Kowalska")

    page.wait_for_url("**/dashboard")


def test_the_neighbour_does_not_know_who_came_in_here(open_page, stack):
    page = open_page("lipowo")
    go_to(page, NODE)
    be(page, "Anna Kowalska")
    page.wait_for_url("**/dashboard")

    page.goto(f"http://debina.localhost:{stack.port}/dashboard")

    assert "/sign-in" in page.url


def test_who_gives_up_there_is_told_so_and_may_begin_anew(open_page):
    page = open_page("lipowo")
    go_to(page, NODE)
    page.get_by_role("button", name="Zrezygnuj").click()
    if page.get_by_role("button", name="Wróć do").count():
        page.get_by_role("button", name="Wróć do").click()

    expect(page.get_by_role("heading", name="Nie udało się zalogować")).to_be_visible()
    page.get_by_role("link", name="Zaloguj się ponownie").click()
    expect(page.get_by_role("button", name=NODE)).to_be_visible()


def test_signing_out_here_ends_the_session_at_the_node(open_page, stack):
    page = open_page("lipowo")
    go_to(page, NODE)
    be(page, "Anna Kowalska")
    page.wait_for_url("**/dashboard")
    before = call(f"{stack.node_url}/_sim/counts").get("logged_out", 0)

    page.get_by_role("button", name="Wyloguj się").click()

    assert eventually(lambda: call(f"{stack.node_url}/_sim/counts").get("logged_out", 0) == before + 1, seconds=30)


def test_one_person_has_one_account_at_the_node_and_at_the_bank(open_page, stack):
    for provider, back in ((NODE, "Wróć do"), (BANK, None)):
        page = open_page("debina")
        go_to(page, provider)
        be(page, "Jan Kowalski", back=back)
        page.wait_for_url("**/dashboard")

    with stack.connect() as connection:
        connection.execute(f"SET search_path TO {stack.towns['debina'].schema}")
        rows = connection.execute(
            "SELECT u.id, count(*) FROM users u JOIN identities i ON i.user_id = u.id WHERE u.name = 'Jan Kowalski'"
            " GROUP BY u.id"
        ).fetchall()
    assert [number for _id, number in rows] == [2]
