"""Officials with and without a second step, and the clock they type codes by."""

import json
import re
from datetime import datetime

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from skarbnik import clock
from skarbnik.accounts.codes import code_at, new_app_key
from skarbnik.accounts.factors import store_app
from skarbnik.accounts.models import Door, ProviderConnection, SignInAttempt, User
from skarbnik.accounts.providers import _open, holder_of
from skarbnik.accounts.services import open_session
from skarbnik.plugin_api import Assurance, Role
from skarbnik.tenancy.plugin_settings import store_settings
from skarbnik.testing.authenticator import Authenticator
from skarbnik.testing.factories import OfficialFactory, UserFactory, bound_to

from .providing import FakeProvider, FakeSettings

NOON = datetime.fromisoformat("2026-11-27T11:00:10+00:00")  # ten seconds into a step


@pytest.fixture
def noon():
    """Time stands still."""
    with clock.stopped_at(NOON):
        yield NOON


@pytest.fixture
def official(tenant):
    """`official(app=True)`: somebody of the office; `key` is that of their app."""

    def make(*roles, app=True, slug=tenant, **words):
        with slug.session() as session, bound_to(session):
            user = OfficialFactory(has_roles=list(roles or [Role.ACCOUNTANT]), **words)
            user.key = new_app_key() if app else None
            if app:
                store_app(session, slug, user.id, user.key)
        return user

    return make


@pytest.fixture
def resident(tenant):
    def make(*, app=False, **words):
        with tenant.session() as session, bound_to(session):
            user = UserFactory(**words)
            user.key = new_app_key() if app else None
            if app:
                store_app(session, tenant, user.id, user.key)
        return user

    return make


@pytest.fixture
def code():
    """`code(user)`: what their app shows now; `code(user, 1)` in the next step."""
    return lambda user, steps=0: code_at(user.key, clock.now().timestamp() + 30 * steps)


@pytest.fixture
def outcomes(tenant):
    def find(user):
        with tenant.session() as session:
            mine = select(SignInAttempt.outcome).where(SignInAttempt.user_id == user.id).order_by(SignInAttempt.id)
            return [each.value for each in session.scalars(mine)]

    return find


@pytest.fixture
def device():
    """`device(slug)`: a telephone that has no passkey yet."""
    return lambda slug="lipowo": Authenticator(f"https://{slug}.skarbnik.test", f"{slug}.skarbnik.test")


@pytest.fixture
def question():
    """`question(browser, purpose)`: what the page's script is told to ask the device."""

    def ask(browser, purpose):
        answer = browser.post(f"/passkeys/{purpose}")
        assert answer.status_code == 200, answer.status_code
        return json.loads(answer.text)

    return ask


@pytest.fixture
def provider(clean, monkeypatch):
    """The fake, offered by a plugin of both gminas; `connect_provider` switches it on."""
    monkeypatch.setitem(clean.instance.plugins.identity_providers, FakeProvider.id, FakeProvider)
    for name, value in {"says": None, "asked": [], "finished": [], "ended": [], "on_end": None}.items():
        monkeypatch.setattr(FakeProvider, name, value)
    _open.clear()
    yield FakeProvider
    _open.clear()


@pytest.fixture
def connect_provider(provider):
    """`connect_provider(tenant)`: it lets in there, from a substantial level on."""

    def connect(tenant, *, door=Door.RESIDENTS, enabled=True, level=Assurance.SUBSTANTIAL, key=""):
        with tenant.session() as session:
            settings = FakeSettings("https://provider.example", key)
            version = store_settings(session, tenant, holder_of(provider.id), settings)
            session.add(
                ProviderConnection(
                    id=provider.id,
                    door=door,
                    enabled=enabled,
                    level=level,
                    settings_version=version,
                    changed_at=clock.now(),
                )
            )

    return connect


@pytest.fixture
def enter_as(browse, tenant):
    """`enter_as(user)`: a browser this user is signed in with."""

    def enter(user):
        with tenant.session() as session:
            token = open_session(session, session.get_one(User, user.id), way="local", second=True, ip="", agent="")
        browser = browse("lipowo")
        browser.client.set_cookie("__Host-skarbnik-session", token, domain="lipowo.skarbnik.test")
        return browser

    return enter


@pytest.fixture
def lipowo(tenant, connect_provider):
    connect_provider(tenant)
    return tenant


def hidden(text, name):
    return re.search(rf'name="{name}"[^>]*value="([^"]*)"', text)[1]


@pytest.fixture
def password_waits():
    """`password_waits(session)`: whoever chooses another password in this session waits for a sign-in under way."""

    def check(session):
        session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        with pytest.raises(OperationalError):
            session.execute(update(User).values(password_hash="another"))
        session.rollback()

    return check
