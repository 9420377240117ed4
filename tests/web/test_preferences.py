"""Language and theme: kept by the browser, told by nobody else."""

import pytest

from skarbnik.testing.browser import Browser

SENTENCES = {"pl": "Podatki i opłaty", "en": "Taxes and fees"}


def read(browser, **headers):
    return browser.get("/sign-in", headers=headers).text


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "pl"),
        ("de", "pl"),
        ("en-GB,en;q=0.9", "en"),
        ("uk,ru;q=0.5", "uk"),
        ("de,pl;q=0.7,en;q=0.8", "en"),
        ("x" * 5000, "pl"),
    ],
)
def test_the_browser_is_asked_for_its_language(browse, accepted, language):
    assert f'<html lang="{language}"' in read(browse("lipowo"), **{"Accept-Language": accepted})


def test_a_chosen_language_stays_and_keeps_the_page(browse):
    browser = browse("lipowo")

    answer = browser.get("/language/en?back=/sign-in%3Fnext%3D/payments")

    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/payments")
    assert '<html lang="en"' in read(browser, **{"Accept-Language": "pl"})
    assert SENTENCES["en"] in read(browser)


def test_the_neighbour_does_not_learn_the_choice(browse):
    here, there = browse("lipowo"), browse("debina")
    here.get("/language/uk")
    assert '<html lang="pl"' in read(there)


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "x"]
)
def test_choosing_leads_nowhere_else(browse, back):
    assert browse("lipowo").get("/language/en", query_string={"back": back}).location == "/"


@pytest.mark.parametrize("path", ["/language/de", "/language/xx", "/theme/pink", "/theme/"])
def test_what_we_do_not_have_is_not_there(browse, path):
    assert browse("lipowo").get(path).status_code == 404


@pytest.mark.parametrize("theme", ["light", "dark", "contrast", "auto"])
def test_a_chosen_theme_is_on_every_page(browse, theme):
    browser = browse("lipowo")
    browser.get(f"/theme/{theme}")
    assert f'data-theme="{theme}"' in read(browser)
    assert f'data-theme="{theme}"' in browser.get("/nowhere").text


def test_a_forged_preference_is_no_preference(browse):
    browser = browse("lipowo")
    text = browser.get(
        "/sign-in", headers={"Cookie": '__Host-skarbnik-theme="><script>; __Host-skarbnik-language=../etc'}
    ).text
    assert 'data-theme="auto"' in text
    assert '<html lang="pl"' in text


def test_the_colour_of_a_gmina_is_a_style_sheet_kept_for_a_year(browse):
    browser = browse("lipowo")
    answer = browser.get("/static/colour/0b5394.css")
    assert "--gmina:#0b5394" in answer.text
    assert "immutable" in answer.headers["Cache-Control"]
    for wrong in ("0b539", "0B5394", "red", "0b5394}"):
        assert browser.get(f"/static/colour/{wrong}.css").status_code == 404


def test_an_error_is_read_in_another_language_without_losing_the_place(browse):
    browser = browse("lipowo")

    page = browser.get("/nowhere/at-all?x=1").text

    assert '<a href="/language/uk?back=/nowhere/at-all%3Fx%3D1" lang="uk"' in page
    assert browser.get("/language/uk?back=/nowhere/at-all%3Fx%3D1").location == "/nowhere/at-all?x=1"


def test_a_gmina_that_is_closed_is_read_about_in_each_language(browse, clean, lab):
    with lab.as_admin() as admin:
        admin.execute("UPDATE platform.tenants SET state = 'suspended' WHERE slug = 'debina'")
    lab.instance.registry.forget()
    try:
        browser = browse("debina")
        assert browser.get("/language/en?back=/").status_code == 303
        page = browser.get("/")
    finally:
        with lab.as_admin() as admin:
            admin.execute("UPDATE platform.tenants SET state = 'active' WHERE slug = 'debina'")
        lab.instance.registry.forget()
    assert (page.status_code, '<html lang="en"' in page.text) == (503, True)


def test_a_host_that_is_nobodys_offers_no_links(app):
    page = Browser(app, "", host="nobody.example").get("/").text

    assert "/language/" not in page
