"""An identity provider that answers what a test tells it, and says nothing by itself."""

from dataclasses import dataclass
from datetime import date, timedelta

from skarbnik import clock
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


BEGIN, RETURN = f"/auth/{FakeProvider.id}/begin", f"/auth/{FakeProvider.id}/return"
ELSEWHERE = {"Origin": "https://provider.example"}


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
