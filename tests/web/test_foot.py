"""The foot is made once for a gmina, a language and a theme, and still is each page's own."""

import re


def foot(browser, path):
    return re.search(r"<footer.*?</footer>", browser.get(path).text, re.DOTALL)[0]


def test_its_links_lead_back_to_the_page_one_is_on(browse):
    browser = browse("lipowo")
    assert "?back=/sign-in%3Fnext%3D/payments%26x%3D%2522%253E" in foot(browser, "/sign-in?next=/payments&x=%22%3E")
    assert '?back=/help"' in foot(browser, "/help")


def test_it_is_of_this_gmina_language_and_theme(browse):
    here, there = browse("lipowo"), browse("debina")
    assert "urzad@lipowo.example" in foot(here, "/")
    assert "urzad@debina.example" in foot(there, "/")
    here.get("/language/en")
    here.get("/theme/dark")
    assert re.search(r'lang="en"[^>]* aria-current', foot(here, "/"))
    assert re.search(r'/theme/dark\?back=/" aria-current', foot(here, "/"))
    assert re.search(r'lang="pl"[^>]* aria-current', foot(there, "/"))


def test_an_address_is_quoted(browse):
    text = foot(browse("lipowo"), "/sign-in?next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script" not in text


def test_the_office_has_a_head_and_a_foot_of_its_own_before_anybody_signed_in(browse):
    """Its sign-in page leads into the office, and not to what residents look for."""
    office, residents = browse("lipowo").get("/office/sign-in").text, browse("lipowo").get("/sign-in").text
    assert '<a class="brand" href="/office/">' in office
    assert '<a class="brand" href="/">' in residents
    assert 'href="/help"' not in office
    assert 'href="/help"' in residents
    assert "/pages/formal-service" not in office
    assert 'href="/accessibility"' in office
