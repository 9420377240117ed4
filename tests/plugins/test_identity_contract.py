"""The contract of identity providers serves OpenID Connect too, and its suite catches a provider that does not check.

The provider here is as small as one can be: a code with PKCE and a nonce, and a token that a shared key proves.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from skarbnik import clock
from skarbnik.plugin_api import (
    Assurance,
    BrowserAnswer,
    HttpAnswer,
    Identity,
    IdentityProvider,
    Misconfigured,
    Redirect,
    SignInReason,
    SignInRefused,
    SignInStart,
    secret,
    setting,
)
from skarbnik.testing.identity import IdentityProviderContract, pending, sign_in_request

ISSUER, TOKENS = "https://id.example", "https://id.example/token"
SUBJECT = "248289761001"


@dataclass(frozen=True)
class BankSettings:
    client_id: str = setting("Identyfikator klienta")
    client_secret: str = secret("Tajny klucz klienta")


class Bank(IdentityProvider):
    """An OpenID Connect provider as our side sees it."""

    id = label = "bank"
    settings_type = BankSettings
    handle_field = "state"
    answer_fields = frozenset({"state", "code", "iss", "error"})

    def __init__(self, settings, http):
        self.settings, self.http = settings, http

    @classmethod
    def hosts(cls, settings):
        return frozenset({"id.example"})

    @classmethod
    def origins(cls, settings):
        return frozenset({ISSUER})

    def begin(self, request):
        kept = {"verifier": secrets.token_urlsafe(32), "nonce": secrets.token_urlsafe(16)}
        asked = {
            "client_id": self.settings.client_id,
            "redirect_uri": request.return_url,
            "state": request.handle,
            "nonce": kept["nonce"],
            "code_challenge": hashlib.sha256(kept["verifier"].encode()).hexdigest(),
        }
        return SignInStart(Redirect(f"{ISSUER}/authorize?{urlencode(asked)}"), json.dumps(kept))

    def finish(self, pending, answer):
        code, kept = answer.only("code"), json.loads(pending.kept)
        if answer.only("state") is None or answer.only("iss") != ISSUER:
            raise SignInRefused(SignInReason.MALFORMED, "fields")
        if answer.only("error") is not None:
            raise SignInRefused(SignInReason.DECLINED, "error")
        if code is None:
            raise SignInRefused(SignInReason.MALFORMED, "code")
        form = {"code": code, "code_verifier": kept["verifier"], "redirect_uri": pending.return_url}
        basic = (self.settings.client_id, self.settings.client_secret)
        told = self.http.request("POST", TOKENS, form=form, basic=basic)
        if told.status == 401:
            raise Misconfigured("the provider does not take our secret")
        if told.status != 200:
            raise SignInRefused(SignInReason.NOT_ASKED, "code")
        return self.read(told.json()["id_token"], kept["nonce"])

    def read(self, token, nonce):
        body, _, proof = token.partition(".")
        right = hmac.new(self.settings.client_secret.encode(), body.encode(), "sha256").hexdigest()
        if not hmac.compare_digest(right, proof):
            raise SignInRefused(SignInReason.UNPROVEN, "token")
        claims = json.loads(base64.urlsafe_b64decode(body))
        self.check_nonce(claims, nonce)
        ends = clock.now() + timedelta(seconds=claims["lasts"])
        return Identity(claims["iss"], claims["sub"], claims["jti"], ends, level=Assurance.SUBSTANTIAL)

    def check_nonce(self, claims, nonce):
        if claims["nonce"] != nonce:
            raise SignInRefused(SignInReason.NOT_ASKED, "nonce")


@dataclass
class BankItself:
    """The other side of the wire, in the process of the test. `checks_pkce`: some do not."""

    settings: BankSettings
    checks_pkce: bool = True
    codes: dict = field(default_factory=dict)

    def browser(self, start, *, error=""):
        asked = {name: values[0] for name, values in parse_qs(urlsplit(start.go.address).query).items()}
        back = [("state", asked["state"]), ("iss", ISSUER)]
        if error:
            return BrowserAnswer("GET", (*back, ("error", error)))
        code = secrets.token_urlsafe(24)
        self.codes[code] = asked
        return BrowserAnswer("GET", (*back, ("code", code)))

    def request(self, method, url, *, form, basic):
        asked = self.codes.pop(form["code"], None)
        challenge = hashlib.sha256(form["code_verifier"].encode()).hexdigest()
        if asked is None or (self.checks_pkce and challenge != asked["code_challenge"]):
            return HttpAnswer(400, {}, b'{"error": "invalid_grant"}')
        claims = {"iss": ISSUER, "sub": SUBJECT, "jti": secrets.token_hex(8), "nonce": asked["nonce"], "lasts": 300}
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
        proof = hmac.new(self.settings.client_secret.encode(), body.encode(), "sha256").hexdigest()
        return HttpAnswer(200, {}, json.dumps({"id_token": f"{body}.{proof}"}).encode())


class TestOpenIdConnect(IdentityProviderContract):
    plugin_type = Bank

    @pytest.fixture
    def plugin_settings(self):
        return BankSettings("lipowo", "a secret of some length")

    @pytest.fixture
    def itself(self, plugin_settings):
        return BankItself(plugin_settings)

    @pytest.fixture
    def identity_provider(self, plugin_settings, itself):
        return Bank(plugin_settings, itself)

    @pytest.fixture
    def sign_in(self):
        return sign_in_request()

    @pytest.fixture
    def identify(self, itself):
        return itself.browser

    @pytest.fixture
    def give_up(self, itself):
        return lambda start: itself.browser(start, error="access_denied")


def test_the_suite_catches_a_provider_that_does_not_tie_an_answer_to_its_question():
    class Careless(Bank):
        def check_nonce(self, claims, nonce):
            pass

    settings = BankSettings("lipowo", "a secret of some length")
    itself = BankItself(settings, checks_pkce=False)
    suite, request = TestOpenIdConnect(), sign_in_request()

    suite.test_an_answer_to_another_request_is_refused(Bank(settings, itself), request, itself.browser)
    with pytest.raises(pytest.fail.Exception):
        suite.test_an_answer_to_another_request_is_refused(Careless(settings, itself), request, itself.browser)


def test_what_a_plugin_keeps_is_what_ties_the_answer_to_the_question():
    settings = BankSettings("lipowo", "a secret of some length")
    itself = BankItself(settings, checks_pkce=False)
    bank, request = Bank(settings, itself), sign_in_request()
    first, second = bank.begin(request), bank.begin(request)

    with pytest.raises(SignInRefused):
        bank.finish(pending(request, second), itself.browser(first))
    assert bank.finish(pending(request, second), itself.browser(second)).subject == SUBJECT
