"""An identity provider that answers what a test tells it, and says nothing by itself."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from skarbnik import clock
from skarbnik.accounts.models import Door, ProviderConnection, User
from skarbnik.accounts.providers import _open, holder_of
from skarbnik.accounts.services import open_session
from skarbnik.plugin_api import (
    Assurance,
    Identity,
    IdentityCapability,
    IdentityProvider,
    Redirect,
    SignInReason,
    SignInRefused,
    SignInStart,
    secret,
    setting,
)
from skarbnik.tenancy.plugin_settings import store_settings

PESEL = "84051203469"


@dataclass(frozen=True)
class FakeSettings:
    address: str = setting("Adres", pattern=r"https://[a-z.]+")
    key: str = secret("Klucz", default="")


class FakeProvider(IdentityProvider):
    """`says` is whom the next answer names, or what is raised; `asked` are the sign-ins that were begun."""

    id = "epuap_fake"  # of a plugin the test's gminas have
    label = "Próbny dostawca"
    settings_type = FakeSettings
    capabilities = frozenset({IdentityCapability.LOGOUT})
    handle_field = "state"
    answer_fields = frozenset({"state", "code"})
    says = None
    asked: list = []
    finished: list = []
    ended: list = []
    on_end = None

    def __init__(self, settings, http):
        self.settings = settings

    @classmethod
    def hosts(cls, settings):
        return frozenset({settings.address.removeprefix("https://")})

    @classmethod
    def origins(cls, settings):
        return frozenset({settings.address})

    def begin(self, request):
        if isinstance(self.says, Exception) and not isinstance(self.says, SignInRefused):
            raise self.says
        self.asked.append(request)
        return SignInStart(Redirect(f"{self.settings.address}/?state={request.handle}"), kept="verifier")

    def finish(self, pending, answer):
        self.finished.append((pending, answer))
        if isinstance(self.says, Exception):
            raise self.says
        if answer.only("code") is None:
            raise SignInRefused(SignInReason.MALFORMED, "code")
        return self.says

    def end(self, request):
        self.ended.append(request.session)
        if self.on_end is not None:
            raise self.on_end


def identity(number=1, **changes):
    """Anna as a provider vouches for her; each answer has an id of its own."""
    values = {
        "issuer": "https://provider.example",
        "subject": "anna",
        "assertion_id": f"answer-{number}",
        "good_until": clock.now() + timedelta(minutes=5),
        "level": Assurance.SUBSTANTIAL,
        "given_name": "Anna",
        "family_name": "Kowalska",
        "born_on": date(1984, 5, 12),
        "pesel": PESEL,
    }
    return Identity(**(values | changes))


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


BEGIN, RETURN = f"/auth/{FakeProvider.id}/begin", f"/auth/{FakeProvider.id}/return"
ELSEWHERE = {"Origin": "https://provider.example"}


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


def go(browser, provider, *, wanted=""):
    """Begin; the handle that went along."""
    browser.get("/sign-in")
    answer = browser.post(BEGIN, {"next": wanted})
    assert answer.status_code == 200
    return provider.asked[-1].handle


def back(browser, handle, *, code="c", method="post", **options):
    """The provider's form, or its redirect, brings the browser back."""
    if method == "get":
        return browser.get(f"{RETURN}?state={handle}&code={code}", **options)
    return browser.post(RETURN, {"state": handle, "code": code}, token=False, headers=ELSEWHERE, **options)
