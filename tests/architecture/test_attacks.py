"""The page of attacks names tests that are there, each once."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "attacks.md").read_text()


def named():
    """Path and name of every test on the page; a section says in which folder its files are."""
    for section in PAGE.split("\n## ")[1:]:
        folder = re.search(r"\((plugins/\w+/tests)", section.splitlines()[0])
        for path, name in re.findall(r"`([\w/]+\.py)::(\w+)`", section):
            yield ROOT / (f"{folder[1]}/{path}" if folder else path), name


def test_every_attack_is_stopped_by_a_test_that_is_there():
    missing = [
        f"{path.relative_to(ROOT)}::{name}" for path, name in named() if f"\ndef {name}(" not in path.read_text()
    ]
    assert missing == []


def test_every_line_names_a_test_of_its_own():
    lines = [
        line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line and "| test |" not in line
    ]
    assert len(lines) > 60
    assert len(set(named())) == len(lines)
