"""pytest fixtures for the product and for plugins: a lab with real servers, a gmina, its session, a signed-in browser.

They cost nothing until a test asks for them, so a plugin's tests that need no database need no server.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also the tests that take minutes")
    parser.addini("one_worker", "folders whose tests share what takes long to start", type="linelist", default=[])
    parser.addoption("--rounds", type=int, default=1, help="rounds of the torture")
    parser.addoption("--seed", type=int, default=1, help="seed of the torture")
    parser.addoption(
        "--walk-all", action="store_true", help="each page as everybody, in each language, theme and width"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "slow" in item.keywords and not config.getoption("--slow"):
            item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))
        if "browser" in item.keywords and not os.environ.get("SKARBNIK_CHROMIUM"):
            item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))
    items.sort(key=lambda item: not _takes_long(item))  # first, so that no worker is left alone with one at the end


def _takes_long(item: pytest.Item) -> bool:
    return "torture" in item.keywords or "stack" in getattr(item, "fixturenames", ())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What tests share is made once: a worker does a module, or a whole folder that `one_worker` names."""
    from xdist.scheduler import LoadScopeScheduling  # who runs tests without xdist does not have it

    folders = config.getini("one_worker")

    class OnceEach(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return next((folder for folder in folders if module.startswith(folder)), module)

    return OnceEach(config, log) if config.getoption("dist") == "load" else None


@pytest.fixture(scope="session")
def lab() -> Iterator[Any]:
    """One instance with a database of its own for this worker."""
    from skarbnik.testing.database import ADMIN, HINT, make_lab

    if ADMIN not in os.environ:
        pytest.skip(HINT)
    from argon2 import PasswordHasher

    from skarbnik.accounts import passwords

    # Signing in is no test of Argon2: at full strength thousands of sign-ins are minutes.
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    number = int(worker.removeprefix("gw")) + 1 if worker.startswith("gw") else 0
    made = make_lab(f"lab{worker}", redis_number=number)
    yield made
    made.close()
    shutil.rmtree(made.settings.files, ignore_errors=True)


@pytest.fixture
def clean(lab: Any) -> Iterator[Any]:
    """The lab, emptied afterwards: for tests that commit."""
    from skarbnik.testing.database import empty

    yield lab
    empty(lab)


@pytest.fixture
def tenant(clean: Any) -> Any:
    """The gmina Lipowo. What a test commits in it is gone after the test."""
    return clean.tenant("lipowo")


@pytest.fixture
def neighbour(clean: Any) -> Any:
    """The gmina Dębina, which must never see anything of Lipowo's."""
    return clean.tenant("debina")


@pytest.fixture
def session(lab: Any) -> Iterator[Any]:
    """A session of Lipowo whose commits are savepoints: all of it is rolled back. Factories use it."""
    from skarbnik.db import SET_TENANT, TenantSession
    from skarbnik.testing import factories

    tenant = lab.tenant("lipowo")
    with lab.instance.engine.connect() as connection:
        outer = connection.begin()
        connection.exec_driver_sql(SET_TENANT, (tenant.role, tenant.schema))
        opened = TenantSession(
            connection,
            tenant_id=tenant.id,
            role=tenant.role,
            schema=tenant.schema,
            join_transaction_mode="create_savepoint",
        )
        with factories.bound_to(opened):
            yield opened
        opened.close()
        outer.rollback()


@pytest.fixture(scope="session")
def application(lab: Any) -> Any:
    """The web application on the lab, made once for this worker: it holds nothing of what a test leaves behind."""
    from skarbnik.app import create_app

    return create_app(lab.instance)


@pytest.fixture
def app(clean: Any, application: Any) -> Any:
    """The web application, with nothing in its gminas and nobody counting."""
    from skarbnik.web.limits import limiter

    limiter.enabled = False
    return application


@pytest.fixture
def browse(app: Any) -> Callable[..., Any]:
    """`browse("lipowo")`: a browser on a gmina's host; its cookies are its own."""
    from skarbnik.testing.browser import Browser

    return lambda slug: Browser(app, slug)
