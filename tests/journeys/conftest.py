"""Journeys walk through a stack of real processes. The tests of one worker share it, and each pays its own debts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from skarbnik.testing.stack import ADMIN, HINT, Stack, start_stack
from skarbnik.testing.visitor import Visitor

SLUGS = ("lipowo", "debina", "zalesie")  # people walk in Lipowo; Dębina is the neighbour; Zalesie is closed for a while


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    if ADMIN not in os.environ:
        pytest.skip(HINT)
    with start_stack(f"walk{os.environ.get('PYTEST_XDIST_WORKER', 'main')}", slugs=SLUGS, identity=True) as started:
        yield started


@pytest.fixture(scope="session")
def office(stack: Stack) -> Callable[[str], Visitor]:
    """`office("ksiegowa")`: an official of Lipowo, signed in once for all journeys. A code is good for one sign-in, and
    the next one is half a minute away.
    """

    @cache
    def signed_in(login: str) -> Visitor:
        visitor = Visitor(stack, "lipowo")
        visitor.sign_in(login, office=True)
        return visitor

    return signed_in
