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
