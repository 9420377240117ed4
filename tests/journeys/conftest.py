"""Journeys walk through a stack of real processes; the tests of one worker share it and never each other's people."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from skarbnik.testing.stack import ADMIN, HINT, Stack, start_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    if ADMIN not in os.environ:
        pytest.skip(HINT)
    with start_stack(f"walk{os.environ.get('PYTEST_XDIST_WORKER', 'main')}") as started:
        yield started
