"""The portal on a telephone's first screen, and what it shows without a line."""

import json


def test_the_manifest_names_the_gmina_in_the_language_of_the_person(browse):
    browser = browse("lipowo")
    manifest = json.loads(browser.get("/manifest.webmanifest").text)
    assert manifest["name"] == "Gmina Lipowo: Podatki i opłaty"
    assert manifest["start_url"] == manifest["scope"] == "/"
    assert browser.get(manifest["icons"][0]["src"]).content_type == "image/svg+xml"


def test_the_neighbour_has_its_own(browse):
    assert "Dębina" in browse("debina").get("/manifest.webmanifest").get_json(force=True)["name"] or "Debina" in str(
        browse("debina").get("/manifest.webmanifest").data, "utf-8"
    )


def test_the_offline_page_holds_nothing_of_anybody(browse):
    page = browse("lipowo").get("/offline")
    assert page.status_code == 200
    assert "csrf" not in page.text
    assert "Set-Cookie" not in page.headers


def test_the_worker_keeps_no_other_page(browse):
    script = browse("lipowo").get("/sw.js")
    assert script.content_type.startswith("text/javascript")
    assert script.text.count("kept.add(") == 1
    assert '"/offline"' in script.text
    assert script.headers["Cache-Control"] == "no-cache"


def test_every_component_is_shown_on_one_page(browse):
    page = browse("lipowo").get("/design")
    assert page.status_code == 200
    for part in (
        "timeline",
        "steps",
        "note wrong",
        "tag late",
        "empty",
        "rows cards",
        "<dialog",
        "bars",
        "aria-invalid",
    ):
        assert part in page.text, part
