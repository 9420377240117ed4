"""The rules of the house that no single feature can keep: imports, licences, sizes, addresses."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from skarbnik.dev.state import CHECKOUT

DISTRIBUTIONS = sorted([CHECKOUT / "core", *(path.parent for path in CHECKOUT.glob("plugins/*/pyproject.toml"))])
LONGEST = 500
REGISTRY = re.compile(
    rb"pypi\.org/simple|files\.pythonhosted\.org|registry\.npmjs|--(extra-)?index-url|--find-links|--trusted-host"
)


def ours(*patterns):
    """Files of the repository, without what tools leave behind."""
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=CHECKOUT, capture_output=True)
    if listed.returncode:
        pytest.skip("not a checkout of git")
    return [CHECKOUT / name for name in listed.stdout.decode().split("\0") if name and (CHECKOUT / name).is_file()]


def test_imports_point_down_and_plugins_import_only_what_is_promised():
    checked = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stdout
    assert "0 broken" in checked.stdout


SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore|pragma)\b")
WITH_A_REASON = re.compile(r"# (noqa: [A-Z]+\d+(, [A-Z]+\d+)*|type: ignore\[[a-z, -]+\]|pragma: no cover)  # \S[^#]*")


def test_a_silenced_line_says_which_rule_is_silenced_and_why():
    silent = []
    for path in ours("*.py"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = SILENCED.search(line)
            if found and path != Path(__file__) and not WITH_A_REASON.fullmatch(line[found.start() :]):
                silent.append(f"{path.relative_to(CHECKOUT)}:{number}")

    assert silent == []


def test_nothing_is_silenced_where_no_types_are_checked():
    """mypy reads the packages; elsewhere a silenced type hides nothing, and would hide something once it is read."""
    checked = (CHECKOUT / "core", *CHECKOUT.glob("plugins/*/skarbnik_*"))
    silent = [
        str(path.relative_to(CHECKOUT))
        for path in ours("*.py")
        if not any(path.is_relative_to(folder) for folder in checked) and path != Path(__file__)
        if re.search(r"#\s*type:\s*ignore", path.read_text())
    ]
    assert silent == []


@pytest.mark.parametrize("folder", DISTRIBUTIONS, ids=lambda folder: folder.name)
def test_every_distribution_names_its_licence(folder):
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]

    assert project["license"] == "EUPL-1.2"
    assert project["name"] == "skarbnik" if folder.name == "core" else f"skarbnik-{folder.name}"
    assert (folder / "README.md").is_file()


def test_every_plugin_belongs_to_the_workspace_and_to_the_checks():
    workspace = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    contracts = (CHECKOUT / ".importlinter").read_text()
    for folder in DISTRIBUTIONS[1:]:
        assert f"skarbnik-{folder.name}" in workspace["tool"]["uv"]["sources"]
        assert contracts.count(f"skarbnik_{folder.name}\n") == 2


def test_no_file_grows_past_one_story():
    sizes = {path: path.read_bytes().count(b"\n") for path in ours("*.py")}

    assert len(sizes) > 100
    assert {str(path.relative_to(CHECKOUT)): size for path, size in sizes.items() if size > LONGEST} == {}


def test_no_file_says_where_packages_come_from():
    """What is installed comes from wherever the machine is told to."""
    here = Path(__file__)
    named = [path for path in ours() if path != here and path.suffix != ".png" and REGISTRY.search(path.read_bytes())]
    allowed = {"core/skarbnik/dev/lint.py", "tests/dev/test_bootstrap.py"}

    assert {str(path.relative_to(CHECKOUT)) for path in named} - allowed == set()


def test_every_line_of_the_lock_has_a_hash():
    lock = (CHECKOUT / "requirements.lock").read_text()
    packages = re.findall(
        r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z,]+\])?==\S+((?:.*\\\n)*.*)$", lock, re.MULTILINE | re.IGNORECASE
    )

    assert len(packages) > 50
    assert [name for name, rest in packages if "--hash=sha256:" not in rest] == []


def test_migrations_say_why_in_their_first_line():
    for path in ours("core/skarbnik/migrations/**/*.sql", "plugins/*/**/migrations/*.sql"):
        assert path.read_text().startswith("-- "), path


def test_no_sql_is_built_from_what_somebody_sent():
    """Queries of features are plain texts with named places; the ledger and the staging name our own tables only."""
    for path in ours("core/skarbnik/*/views.py", "core/skarbnik/*/api.py", "core/skarbnik/*/webhooks.py"):
        assert not re.search(r"\btext\(|exec_driver_sql|\.execute\(f", path.read_text()), path
