"""The portal on a telephone's first screen, and what it shows without a line."""

import json
import re
import struct

import pytest


def test_the_manifest_names_the_gmina_in_the_language_of_the_person(browse):
    browser = browse("lipowo")
    manifest = json.loads(browser.get("/manifest.webmanifest").text)
    assert manifest["name"] == "Gmina Lipowo: Podatki i opłaty"
    assert manifest["start_url"] == manifest["scope"] == "/"
    assert browser.get(manifest["icons"][0]["src"]).content_type == "image/svg+xml"


def test_the_neighbour_has_its_own(browse):
    assert json.loads(browse("debina").get("/manifest.webmanifest").text)["short_name"] == "Dębina"


def test_the_offline_page_holds_nothing_of_anybody(browse):
    page = browse("lipowo").get("/offline")
    assert page.status_code == 200
    assert "csrf" not in page.text
    assert "Set-Cookie" not in page.headers


def test_the_worker_keeps_no_other_page(browse):
    script = browse("lipowo").get("/sw.js")
    assert script.content_type.startswith("text/javascript")
    kept = re.search(r"const PARTS = \[(.*?)\]", script.text)[1].split(", ")
    assert kept[0] == '"/offline"'
    assert all(re.fullmatch(r'"/static/[\w./]+\.css"', part) for part in kept[1:])
    assert "@" not in script.text
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


@pytest.mark.parametrize("size", [180, 192, 512])
def test_a_telephone_that_takes_no_drawing_gets_pixels_of_the_gminas_own(browse, size):
    here, there = (browse(slug).get(f"/icon-{size}.png") for slug in ("lipowo", "debina"))

    assert here.content_type == "image/png"
    assert struct.unpack(">II", here.get_data()[16:24]) == (size, size)
    assert here.get_data() != there.get_data()
    assert "/icon-180.png" in browse("lipowo").get("/sign-in").text


def test_no_other_size_is_drawn(browse):
    assert browse("lipowo").get("/icon-4096.png").status_code == 404
