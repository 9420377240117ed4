"""dev.py without a network: what it believes of a .venv, and how a half-made one heals."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from skarbnik.dev.lint import addresses
from skarbnik.dev.state import CHECKOUT


@pytest.fixture(scope="module")
def dev():
    spec = importlib.util.spec_from_file_location("dev_py", CHECKOUT / "dev.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def environment(dev, folder, monkeypatch):
    """A checkout with an empty lock, and a pip that only writes down what it was asked."""
    (folder / "core").mkdir()
    (folder / "core" / "pyproject.toml").write_text("[project]\nname = 'core'\n")
    (folder / "requirements.lock").write_text("")
    made = dev.Environment(folder)
    made.asked = []
    monkeypatch.setattr(made, "_install", lambda what, arguments: made.asked.append(arguments))
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else True)
    return made


def test_a_made_environment_is_current_and_not_made_twice(dev, environment):
    dev.ready(environment)
    assert environment.is_current()
    assert [arguments[0] for arguments in environment.asked] == ["--require-hashes", "--no-build-isolation"]

    dev.ready(environment)

    assert len(environment.asked) == 2


@pytest.mark.parametrize("changed", ["requirements.lock", "core/pyproject.toml"])
def test_a_changed_lock_or_member_is_installed_over(dev, environment, changed):
    dev.ready(environment)
    kept = environment.folder / "kept"
    kept.touch()
    (environment.root / changed).write_text("# changed\n")
    assert not environment.is_current()

    dev.ready(environment)

    assert environment.is_current()
    assert kept.exists()


def test_an_install_that_was_killed_begins_anew(dev, environment, monkeypatch):
    def killed(what, arguments):
        (environment.folder / "half-unpacked").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(environment, "_install", killed)
        with pytest.raises(KeyboardInterrupt):
            dev.ready(environment)
    assert not environment.is_current()
    assert not environment.is_usable()

    dev.ready(environment)

    assert environment.is_current()
    assert not (environment.folder / "half-unpacked").exists()


def test_killed_while_clearing_is_still_seen_as_half_made(dev, environment, monkeypatch):
    dev.ready(environment)
    environment.marker.touch()

    def killed(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(dev.shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        environment.clear()

    assert environment.marker.exists()
    assert not environment.is_usable()


def test_an_environment_whose_python_is_gone_is_made_anew(dev, environment):
    dev.ready(environment)
    environment.python.unlink()
    environment.python.symlink_to("/nowhere/python3")
    assert not environment.is_current()

    dev.ready(environment)

    assert subprocess.run([environment.python, "-c", ""]).returncode == 0


def test_a_moved_checkout_is_made_anew_or_installed_over(dev, environment, folder):
    dev.ready(environment)

    moved = dev.Environment(Path(shutil.copytree(folder, folder / "moved", symlinks=True)))

    assert not moved.is_current()


def test_an_unknown_command_installs_nothing(folder):
    copy = shutil.copy(CHECKOUT / "dev.py", folder / "dev.py")

    answer = subprocess.run([sys.executable, copy, "dmeo"], capture_output=True, text=True)

    assert answer.returncode == 2
    assert "usage" in answer.stdout
    assert not (folder / ".venv").exists()


def test_the_lock_holds_no_address():
    assert addresses((CHECKOUT / "requirements.lock").read_text()) == []


@pytest.mark.parametrize(
    "line",
    ["--index-url x", "-i x", "  --extra-index-url x", "--find-links=x", "a @ https://a.example/a.whl", "a @ file:a"],
)
def test_an_address_in_the_lock_is_found(line):
    assert len(addresses(f"a==1\n{line}\n")) == 1
