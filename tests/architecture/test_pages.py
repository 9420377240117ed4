"""Pages: no markup carries script or style of its own, and every form its token."""

import re

import pytest

from skarbnik.dev.state import CHECKOUT

CORE = CHECKOUT / "core"
TEMPLATES = sorted([*CORE.glob("skarbnik/**/templates/**/*.html"), *CHECKOUT.glob("plugins/*/skarbnik_*/**/*.html")])


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_carries_neither_script_nor_style(path):
    markup = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)

    assert not re.search(r"<style\b|\sstyle\s*=", markup)
    assert not re.search(r"<script(?![^>]*\bsrc=)", markup)
    assert not re.search(r"\son[a-z]+\s*=|javascript:", markup, re.IGNORECASE)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_escapes_everything_it_is_given(path):
    assert not re.search(r"\|\s*safe\b|autoescape\s+false|Markup\(", path.read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_form_that_changes_something_carries_its_token(path):
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", path.read_text(), re.DOTALL):
        assert "csrf_token" in form or "data-goes-on" in form  # one that goes to another site, with its words only


def test_there_are_templates_to_look_at():
    assert len(TEMPLATES) > 15
