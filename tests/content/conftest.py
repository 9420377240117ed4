"""Somebody who writes for the office, and texts already written."""

from __future__ import annotations

from uuid import uuid4

import pytest

from skarbnik.content.models import ArticleKind, Key
from skarbnik.content.services import save_article
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import PASSWORD, OfficialFactory, PayerFactory, UserFactory, bound_to


@pytest.fixture
def write():
    """`write(session, "news", "przerwa", "pl", title=…)`: save a text over what is there."""

    def save(session, kind, slug="main", language="pl", *, version=0, title="Tytuł", body="Treść", **more):
        key = Key(ArticleKind(kind), slug, language)
        return save_article(session, key, version=version, title=title, body=body, by=uuid4(), **more)

    return save


@pytest.fixture
def official(tenant):
    """`official(Role.ADMINISTRATOR)` makes one."""

    def make(*roles):
        with tenant.session() as session, bound_to(session):
            return OfficialFactory(has_roles=list(roles))

    return make


@pytest.fixture
def writer(browse, official):
    """A browser of somebody who writes for the office."""
    user = official(Role.COMMUNICATIONS)
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD, office=True)
    browser.user = user
    return browser


@pytest.fixture
def resident(tenant):
    with tenant.session() as session, bound_to(session):
        return UserFactory(acts_for=[PayerFactory()], terms_version=None)
