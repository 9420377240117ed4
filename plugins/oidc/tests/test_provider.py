"""What goes over the wire, and what does not: questions, proofs of who we are, errors without words, no traces."""

import json
import logging
import traceback
from dataclasses import fields
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from plugins.oidc.tests.forge import (
    ACCESS,
    BACK,
    CLIENT,
    ISSUER,
    NOW,
    PESEL,
    SECRET,
    Bank,
    SignIn,
    settings_for,
    signer,
    signing,
)

from skarbnik.clock import stopped_at
from skarbnik.errors import Invalid
from skarbnik.plugin_api import (
    WARSAW,
    Assurance,
    BrowserAnswer,
    ExternalSystemError,
    HttpAnswer,
    Misconfigured,
    Nonsense,
    SignInRefused,
)
from skarbnik.tenancy.plugin_settings import parse_settings
from skarbnik.testing.identity import sign_in_request
from skarbnik_oidc.provider import OidcProvider
from skarbnik_oidc.settings import OidcSettings


@pytest.fixture(autouse=True)
def noon():
    with stopped_at(NOW):
        yield


def test_the_question_says_what_we_want_and_no_more():
    sign_in = SignIn(Bank())
    words = sign_in.words

    assert sign_in.start.go.address.startswith(f"{ISSUER}/authorize?")
    assert words["state"] == sign_in.request.handle
    assert {name: words[name] for name in ("response_type", "client_id", "redirect_uri", "scope", "ui_locales")} == {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": BACK,
        "scope": "openid profile nin",
        "ui_locales": "pl",
    }
    assert set(words) == {
        *("response_type", "client_id", "redirect_uri", "scope", "ui_locales"),
        *("state", "nonce", "code_challenge", "code_challenge_method"),
    }


def test_an_address_with_words_of_its_own_keeps_them():
    bank = Bank()
    bank.metadata["authorization_endpoint"] = f"{ISSUER}/authorize?p=signin"

    assert SignIn(bank).words["p"] == "signin"


def test_asking_the_same_again_means_the_same_and_each_start_has_its_own_secrets():
    sign_in = SignIn(Bank())
    again = SignIn(sign_in.bank, sign_in.provider)
    again.start = sign_in.provider.begin(sign_in.request)
    words = dict(parse_qsl(again.start.go.address.partition("?")[2]))
    once = {"nonce", "code_challenge"}

    assert {name for name in words if words[name] != sign_in.words[name]} == once
    assert sign_in.row.kept != again.start.kept


def test_a_level_a_fresh_password_and_more_are_asked_for_where_the_office_wants_them():
    claims = {"id_token": {"acrs": {"essential": True, "value": "c1"}}}
    settings = {"acr_low": "1", "acr_substantial": "2 two", "acr_high": "3", "claims_request": json.dumps(claims)}
    words = SignIn(Bank(), max_age="0", **settings).words

    assert sorted(words["acr_values"].split()) == ["2", "3", "two"]
    assert (words["max_age"], words["prompt"], json.loads(words["claims"])) == ("0", "login", claims)
    assert "prompt" not in SignIn(Bank(), max_age="300").words
    with pytest.raises(Misconfigured):
        SignIn(Bank(), claims_request="{x}")


def test_a_level_that_is_told_is_compared_with_the_one_that_was_asked_for():
    settings = {"acr_low": "1 2", "acr_substantial": "2", "level_without_acr": "high"}
    bank = Bank()
    for acr, refused in (("1", True), ("2", True), (None, True), ("9", True)):
        bank.claims = {"acr": acr}
        assert (SignIn(bank, **settings).refusal() == ("too_low", "level")) is refused
    bank.claims = {"acr": "2"}
    sign_in = SignIn(bank, acr_substantial="2")
    assert sign_in.finish().level is Assurance.SUBSTANTIAL


# Who we are


def test_the_secret_goes_in_the_header_encoded_as_the_standard_wants_it():
    bank = Bank()
    SignIn(bank).finish()
    more = next(more for _, url, more in bank.asked if url.endswith("/token"))

    assert more["basic"] == (CLIENT, "has%C5%82o+systemu%3A+d%C5%82ugie")
    assert set(more["form"]) == {"grant_type", "code", "redirect_uri", "code_verifier"}


def test_the_secret_goes_in_the_form_where_the_provider_wants_it():
    bank = Bank()
    SignIn(bank, client_auth="post").finish()

    assert (bank.form()["client_id"], bank.form()["client_secret"]) == (CLIENT, SECRET)


@pytest.mark.parametrize("curve", [True, False], ids=["curve", "rsa"])
@pytest.mark.parametrize("line", [True, False], ids=["one line", "lines"])
def test_a_key_proves_who_we_are(curve, line):
    ours = signer("ours", curve=curve)
    pem = ours.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    bank = Bank()
    key = pem.replace("\n", " ") if line else pem
    SignIn(bank, client_auth="key", client_secret="", client_key=key, client_key_id="ours-1").finish()
    form = bank.form()
    told = signing.proven(form["client_assertion"], ours.public_pem().decode())
    head = json.loads(signing.unb64(form["client_assertion"].partition(".")[0]))

    assert (told["iss"], told["sub"], told["aud"]) == (CLIENT, CLIENT, f"{ISSUER}/token")
    assert told["exp"] - NOW.timestamp() == 60
    assert len(told["jti"]) >= 32
    assert (head["alg"], head["kid"]) == ("ES256" if curve else "RS256", "ours-1")
    assert "client_secret" not in form


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": ""},
        {"client_auth": "post", "client_secret": ""},
        {"client_auth": "key"},
        {"client_auth": "key", "client_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"},
    ],
    ids=["basic", "post", "key", "broken key"],
)
def test_without_a_proof_of_who_we_are_nobody_is_sent_away(changes):
    bank = Bank()
    with pytest.raises(Misconfigured):
        SignIn(bank, **changes)
    assert bank.asked == []


@pytest.mark.filterwarnings("ignore:Key size")
def test_a_key_of_ours_that_is_too_weak_or_of_another_curve_is_not_used():
    for key in (rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP384R1())):
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        with pytest.raises(Misconfigured):
            SignIn(Bank(), client_auth="key", client_key=pem)


# What the provider says instead


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("access_denied", "declined"),
        ("login_required", "declined"),
        ("consent_required", "declined"),
        ("unmet_authentication_requirements", "too_low"),
    ],
)
def test_who_gave_up_or_cannot_is_told_so(error, reason):
    bank = Bank()

    assert SignIn(bank).refusal(code=None, error=error) == (reason, "error")
    assert bank.count("token") == 0


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        ("server_error", ExternalSystemError),
        ("temporarily_unavailable", ExternalSystemError),
        ("invalid_scope", Misconfigured),
        ("unauthorized_client", Misconfigured),
    ],
)
def test_a_provider_that_cannot_or_will_not_is_not_a_person_who_gave_up(error, raised):
    with pytest.raises(raised) as happened:
        SignIn(Bank()).finish(code=None, error=error)
    assert type(happened.value) is raised


@pytest.mark.parametrize(
    "changes",
    [
        {"code": None},
        {"error": "access_denied"},
        {"code": ""},
        {"code": "x" * 4097},
        {"code": "ł"},
        {"code": None, "error": "Access Denied"},
        {"iss": "https://bank.example/ł"},
        {"session_state": "x"},
    ],
    ids=str,
)
def test_an_answer_of_another_shape_is_refused_without_asking_anybody(changes):
    bank = Bank()
    sign_in = SignIn(bank)
    before = len(bank.asked)

    assert sign_in.refusal(**changes) == ("malformed", "answer")
    assert len(bank.asked) == before


def test_an_answer_by_another_way_than_asked_for_is_refused():
    sign_in = SignIn(Bank())
    with pytest.raises(SignInRefused) as refused:
        sign_in.provider.finish(sign_in.row, BrowserAnswer("POST", sign_in.brought().fields))
    assert refused.value.check == "answer"


def words(**told):
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (HttpAnswer(400, {}, words(error="invalid_grant")), SignInRefused),
        (HttpAnswer(400, {}, words(error="invalid_request")), Misconfigured),
        (HttpAnswer(401, {}, words(error="invalid_client")), Misconfigured),
        (HttpAnswer(401, {}, b"<evil>"), Misconfigured),
        (HttpAnswer(302, {"Location": "https://obcy.example"}, b""), Nonsense),
        (HttpAnswer(429, {}, b""), ExternalSystemError),
        (HttpAnswer(503, {}, b"<evil>"), ExternalSystemError),
        (HttpAnswer(200, {}, b"<evil>"), Nonsense),
        (HttpAnswer(200, {}, words(access_token=ACCESS, token_type="Bearer")), Nonsense),
        (HttpAnswer(200, {}, words(id_token=["x"], token_type="Bearer")), Nonsense),
        (HttpAnswer(200, {}, words(id_token="x", access_token="a b", token_type="Bearer")), Nonsense),
        (HttpAnswer(200, {}, words(id_token="x", access_token=ACCESS, token_type="DPoP")), Nonsense),
        (HttpAnswer(200, {}, words(id_token="x", token_type="Bearer", more="x" * 300_000)), Nonsense),
    ],
    ids=lambda value: str(value.status) if isinstance(value, HttpAnswer) else "",
)
def test_an_exchange_that_fails_signs_nobody_in(answer, raised):
    bank = Bank()
    sign_in = SignIn(bank)
    bank.instead["token"] = answer
    with pytest.raises(raised) as happened:
        sign_in.finish()
    assert type(happened.value) is raised
    assert "evil" not in str(happened.value)
    assert "obcy" not in str(happened.value)


def test_a_code_the_provider_does_not_know_any_more_is_a_refusal():
    bank = Bank()
    sign_in = SignIn(bank)
    bank.instead["token"] = HttpAnswer(400, {}, words(error="invalid_grant", error_description="code used"))

    assert sign_in.refusal() == ("not_asked", "code")


def test_who_can_only_be_asked_about_with_a_token_needs_one():
    bank = Bank()
    bank.tokens, bank.claims = {"access_token": None}, {"at_hash": None}

    assert SignIn(bank).finish().pesel == PESEL
    with pytest.raises(Nonsense):
        SignIn(bank, userinfo=True).finish()


def test_nothing_of_a_person_is_written_down_whatever_happens(caplog):
    caplog.set_level(logging.DEBUG)
    told = []
    for claims in ({}, {"aud": "x"}, {"nin": PESEL[:-1]}, {"nonce": "x"}, {"nin": 7}):
        bank = Bank()
        bank.claims = claims
        sign_in = SignIn(bank)
        try:
            told.append(repr(sign_in.finish()))
        except SignInRefused as refused:
            told += [str(refused), repr(refused), *traceback.format_exception(refused)]
        told += [repr(sign_in.start), repr(sign_in.row), repr(sign_in.brought()), repr(settings_for())]
    everything = caplog.text + " ".join(told)

    for secret in (PESEL[:-1], "Testowy", ACCESS, SECRET, sign_in.request.handle, sign_in.words["nonce"], "code-1"):
        assert secret not in everything


# Settings


RIGHT = {"issuer": "https://login.example/realms/urzad", "client_id": "skarbnik", "client_secret": "x"}
WRONG = {
    "issuer": [
        "http://bank.example",
        "https://bank.example?x=1",
        "https://bank.example/#x",
        "https://user@bank.example",
        "https://login.microsoftonline.com/{tenantid}/v2.0",
        "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        "bank.example",
        "https://bank.example/" + "x" * 255,
    ],
    "algorithms": ["none", "HS256", "RS256 HS256", "RS256,ES256", "rs256"],
    "scope": ["profile", "openid\nx"],
    "more_hosts": ["https://x.example", "x.example/path", "a@b"],
    "client_auth": ["none"],
    "conditions": ["groups", "groups = x"],
    "max_age": ["-1", "00", "yes"],
    "skew": [121, -1],
    "secret_ends_on": ["24.12.2026"],
    "level_without_acr": ["medium"],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_what_cannot_be_meant_is_refused_where_it_is_entered(field, value):
    with pytest.raises(Invalid) as wrong:
        parse_settings(OidcSettings, RIGHT | {field: value})
    assert list(wrong.value.problems) == [field]


def test_a_realm_that_is_called_common_is_no_entra():
    issuer = "https://login.example/realms/common"
    assert parse_settings(OidcSettings, RIGHT | {"issuer": issuer}).issuer == issuer
    assert parse_settings(OidcSettings, RIGHT | {"issuer": "http://127.0.0.1:8107/bank"})


def test_no_setting_is_asked_for_without_a_label_in_polish():
    labels = [each.metadata["label"] for each in fields(OidcSettings)]

    assert len(set(labels)) == len(labels)


# The secret that ends


@pytest.mark.parametrize(
    ("days", "warned", "over"), [(-46, False, False), (-44, True, False), (0, True, False), (1, True, True)]
)
def test_the_office_is_warned_before_its_secret_ends(days, warned, over):
    provider = OidcProvider(settings_for(secret_ends_on="2026-12-24"), Bank())
    moment = datetime(2026, 12, 24, 12, 0, tzinfo=WARSAW) + timedelta(days=days)
    told = provider.expiries(moment)

    assert bool(told) is warned
    assert [each.over for each in told] == [over] * len(told)


@pytest.mark.parametrize("day", ["", "2026-02-30"])
def test_a_secret_without_a_day_does_not_end(day):
    assert OidcProvider(settings_for(secret_ends_on=day), Bank()).expiries(NOW) == []


def test_a_request_is_of_the_language_of_the_person():
    bank = Bank()
    start = OidcProvider(settings_for(), bank).begin(sign_in_request(language="uk"))

    assert "ui_locales=uk" in start.go.address
