"""A gmina that leaves takes its trail along and checks it without us, by the recipe of the operator's page."""

import json
import re
import subprocess
import sys
from datetime import timedelta

import pytest
from click.testing import CliRunner

from skarbnik.audit.handover import stream_trail
from skarbnik.audit.keeping import remove_old
from skarbnik.cli import main
from skarbnik.dev.state import CHECKOUT


@pytest.fixture
def recipe(tmp_path):
    """`recipe(lines)`: what the documented program says of them, in a Python of its own without our packages."""
    page = (CHECKOUT / "docs" / "operators.md").read_text(encoding="utf-8")
    program = tmp_path / "check_trail.py"
    program.write_text(re.search(r"```python\n# check_trail\.py.*?```", page, re.DOTALL)[0][10:-3], encoding="utf-8")
    assert len(program.read_text().splitlines()) <= 24

    def run(lines):
        trail = tmp_path / "trail.jsonl"
        trail.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        done = subprocess.run(  # a program of this repository
            [sys.executable, "-I", str(program), str(trail)], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_the_whole_trail_is_checked_outside(sealed, act, recipe, seals):
    act(2, subject='źdźbło "\\')
    status, said = recipe(list(stream_trail(sealed)))

    assert status == 0
    assert f"3:{seals()[-1].digest}" in said
    assert "2 not sealed" in said


def test_an_empty_trail_is_fine(tenant, recipe):
    assert list(stream_trail(tenant)) == []
    assert recipe([])[0] == 0


@pytest.mark.parametrize("what", ["changed", "removed", "put in", "swapped", "seal removed", "seal changed"])
def test_what_somebody_does_to_the_file_is_found_outside(sealed, recipe, what):
    lines = list(stream_trail(sealed))
    first = json.loads(lines[2])  # behind two entries
    assert first["seal"][0] == 1
    lines = {
        "changed": [lines[0].replace("payer.viewed", "payer.vieweb"), *lines[1:]],
        "removed": lines[1:],
        "put in": [lines[0], *lines],
        "swapped": [lines[1], lines[0], *lines[2:]],
        "seal removed": [*lines[:2], *lines[3:]],
        "seal changed": [*lines[:2], lines[2].replace('"removed_at": null', '"removed_at": "2026"'), *lines[3:]],
    }[what]

    assert recipe(lines)[0] == 1


def test_removed_entries_leave_a_chain_that_is_checked_still(sealed, forge, recipe, act):
    forge(key=True, older_by=timedelta(days=366 * 2))
    remove_old(sealed)
    lines = list(stream_trail(sealed))

    assert len(lines) == 3
    assert recipe(lines)[0] == 0


def test_the_command_hands_it_over_and_the_trail_says_so(sealed, clean, monkeypatch, recipe):
    for name, value in clean.environment.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(main, ["audit", "export", "lipowo"])

    assert done.exit_code == 0
    lines = [line for line in done.output.splitlines() if line.startswith(("[", "{"))]
    assert recipe(lines)[0] == 0
    assert "audit.handed_over" in lines[-1]


def test_the_command_sets_how_long_it_is_kept(tenant, clean, monkeypatch):
    for name, value in clean.environment.items():
        monkeypatch.setenv(name, value)
    assert CliRunner().invoke(main, ["audit", "keep", "lipowo", "5"]).exit_code == 0
    assert CliRunner().invoke(main, ["audit", "keep", "lipowo", "1"]).exit_code == 1
