"""A stack of real processes with a full gmina, the route map of its application, and one browser for all that walk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from tests.walk.looking import Town
from tests.walk.town import fill_town

from skarbnik.testing.stack import ADMIN, HINT, Stack, start_stack

SLUGS = ("lipowo", "zalesie")  # people walk in Lipowo; Zalesie is closed for a while


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    if ADMIN not in os.environ:
        pytest.skip(HINT)
    with start_stack(f"pages{os.environ.get('PYTEST_XDIST_WORKER', 'main')}", slugs=SLUGS) as started:
        yield started


@pytest.fixture(scope="package")
def app(stack: Stack) -> Any:
    """The application as the stack's web process has it, for its route map."""
    from skarbnik.app import create_app
    from skarbnik.settings import read_settings
    from skarbnik.tenancy.instance import Instance

    instance = Instance(read_settings(stack.environment), pool=2)
    yield create_app(instance)
    instance.engine.dispose()


@pytest.fixture(scope="package")
def town(stack: Stack, app: Any) -> Town:
    return fill_town(app.extensions["skarbnik"].instance.registry.get_by_slug("lipowo"), stack.payu_url)


@pytest.fixture(scope="package")
def home(stack: Stack) -> str:
    return f"http://lipowo.localhost:{stack.port}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was walked, also when another process did it."""
    found = [each for several in terminalreporter.stats.values() for each in several]
    reports = [each for each in found if isinstance(each, pytest.TestReport) and each.when == "call"]
    told = [line for report in reports for name, lines in report.user_properties if name == "walk" for line in lines]
    if told:
        terminalreporter.section("walk")
    for line in told:
        terminalreporter.write_line(line)
