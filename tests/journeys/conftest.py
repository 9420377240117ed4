"""Journeys walk through a stack of real processes. The tests of one worker share it, and each pays its own debts."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from skarbnik.testing.stack import ADMIN, HINT, Stack, start_stack

SLUGS = ("lipowo", "debina", "zalesie")  # people walk in Lipowo; Dębina is the neighbour; Zalesie is closed for a while


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    if ADMIN not in os.environ:
        pytest.skip(HINT)
    with start_stack(f"walk{os.environ.get('PYTEST_XDIST_WORKER', 'main')}", slugs=SLUGS, identity=True) as started:
        yield started
