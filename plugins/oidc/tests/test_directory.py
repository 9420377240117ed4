"""What a provider publishes: nothing there leads us, our secret or a browser anywhere the settings do not name."""

from datetime import timedelta

import pytest
from plugins.oidc.tests.forge import ENTRA, ISSUER, NOW, PESEL, Bank, SignIn, settings_for, signer, signing

from skarbnik.clock import stopped_at
from skarbnik.plugin_api import ExternalSystemError, HttpAnswer, Misconfigured, Nonsense
from skarbnik.testing.identity import sign_in_request
from skarbnik_oidc.provider import OidcProvider
from skarbnik_oidc.tokens import read_keys


@pytest.fixture(autouse=True)
def noon():
    with stopped_at(NOW):
        yield


def begin(bank, **changes):
    return OidcProvider(settings_for(issuer=bank.issuer, **changes), bank).begin(sign_in_request())


def test_the_metadata_is_asked_for_at_the_issuer_and_kept_for_an_hour():
    bank = Bank()
    sign_in = SignIn(bank)
    sign_in.provider.begin(sign_in.request)
    with stopped_at(NOW + timedelta(minutes=59)):
        sign_in.provider.begin(sign_in.request)
    assert [(method, url) for method, url, _ in bank.asked] == [("GET", f"{ISSUER}/.well-known/openid-configuration")]

    with stopped_at(NOW + timedelta(minutes=60)):
        sign_in.provider.begin(sign_in.request)
    assert bank.count("openid-configuration") == 2


def test_nothing_is_asked_before_somebody_signs_in():
    bank = Bank()
    OidcProvider(settings_for(), bank)

    assert bank.asked == []


@pytest.mark.parametrize("told", ["https://obcy.example", ISSUER + "/", ISSUER.upper(), None, 7], ids=str)
def test_a_provider_that_calls_itself_otherwise_is_not_asked(told):
    bank = Bank()
    bank.metadata["issuer"] = told
    with pytest.raises(Misconfigured):
        begin(bank)


ELSEWHERE = {
    "another host": "https://obcy.example/token",
    "a host whose name begins as ours": "https://bank.example.obcy.example/token",
    "another port": "https://bank.example:8443/token",
    "ours as the name of a user": "https://bank.example@obcy.example/token",
    "inside the house": "https://169.254.169.254/latest/meta-data",
    "this machine": "http://127.0.0.1/token",
    "without encryption": "http://bank.example/token",
    "a file": "file:///etc/passwd",
    "a stroke turned round": "https://obcy.example\\@bank.example/token",
    "a fragment": "https://bank.example/token#x",
    "two lines": "https://bank.example/token\r\nX: y",
    "no text": 7,
    "nothing": None,
}


@pytest.mark.parametrize("address", ELSEWHERE.values(), ids=ELSEWHERE)
def test_metadata_leads_to_no_host_the_settings_do_not_name(address):
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        bank = Bank()
        bank.metadata[name] = address
        with pytest.raises(Misconfigured):
            begin(bank)


def test_the_address_for_asking_about_people_matters_only_where_they_are_asked_about():
    bank = Bank()
    bank.metadata["userinfo_endpoint"] = "https://graph.example/userinfo"

    begin(bank)
    begin(bank, userinfo=True, more_hosts="graph.example")
    with pytest.raises(Misconfigured):
        begin(bank, userinfo=True)


def test_other_hosts_of_the_provider_are_those_the_office_entered():
    settings = settings_for(more_hosts="Tokens.example keys.example:8443")

    assert OidcProvider.hosts(settings) == {"bank.example", "tokens.example", "keys.example:8443"}
    assert OidcProvider.origins(settings) == {
        "https://bank.example",
        "https://tokens.example",
        "https://keys.example:8443",
    }
    here = settings_for(issuer="http://127.0.0.1:8107/bank", more_hosts="localhost:1 bank.example")
    assert OidcProvider.origins(here) == {"http://127.0.0.1:8107", "http://localhost:1", "https://bank.example"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HttpAnswer(404, {}, b""), Misconfigured),
        (HttpAnswer(302, {"Location": "https://obcy.example"}, b""), Nonsense),
        (HttpAnswer(503, {}, b""), ExternalSystemError),
        (HttpAnswer(200, {}, b"<!doctype html>"), Nonsense),
        (HttpAnswer(200, {}, b"[]"), Nonsense),
        (HttpAnswer(200, {}, b"\xff\xfe{}"), Nonsense),
        (HttpAnswer(200, {}, b"[" * 100_000), Nonsense),
        (HttpAnswer(200, {}, b'{"issuer": "x", "issuer": "y"}'), Nonsense),
        (HttpAnswer(200, {}, b'{"issuer": NaN}'), Nonsense),
        (HttpAnswer(200, {}, b"{" + b" " * 300_000 + b"}"), Nonsense),
    ],
    ids=["404", "302", "503", "html", "list", "bytes", "deep", "doubled", "nan", "huge"],
)
def test_documents_that_are_none_sign_nobody_in(answer, error):
    bank, other = Bank(), Bank()
    sign_in = SignIn(bank)
    bank.instead["keys"] = other.instead["openid-configuration"] = answer
    for ask in (sign_in.finish, lambda: begin(other)):
        with pytest.raises(error) as raised:
            ask()
        assert "obcy" not in str(raised.value)
    assert OidcProvider.origins(settings_for(more_hosts="localhost:1")) == {
        "https://bank.example",
        "https://localhost:1",
    }


# Keys


def test_a_key_that_is_new_at_the_provider_is_found():
    bank = Bank()
    sign_in = SignIn(bank)
    sign_in.finish()
    bank.signer, bank.keys = signer("key-2"), [signer("key-2").jwk()]

    assert SignIn(bank, sign_in.provider).finish().pesel == PESEL
    assert bank.count("keys") == 2


def test_a_key_nobody_knows_is_looked_for_once_a_minute_however_many_ask():
    bank = Bank()
    bank.signer = signer("unknown")
    provider = SignIn(bank).provider
    for _ in range(3):
        assert SignIn(bank, provider).refusal() == ("unproven", "key")
    assert bank.count("keys") == 2

    bank.keys.append(signer("unknown").jwk())
    with stopped_at(NOW + timedelta(seconds=61)):
        assert SignIn(bank, provider).finish().pesel == PESEL
    assert bank.count("keys") == 3


def test_a_key_that_was_taken_back_is_forgotten_within_the_hour():
    bank = Bank()
    provider = SignIn(bank).provider
    SignIn(bank, provider).finish()
    bank.keys = [signer("key-2").jwk()]

    with stopped_at(NOW + timedelta(minutes=61)):
        assert SignIn(bank, provider).refusal() == ("unproven", "key")


KEYS = {
    "one for encryption": {"use": "enc"},
    "one that may only encrypt": {"key_ops": ["encrypt"]},
    "one of another algorithm": {"alg": "PS512"},
    "one under another name": {"kid": "key-9"},
    "one with half its numbers": {"n": None},
    "one of numbers that are none": {"n": "§"},
    "one of a kind nobody knows": {"kty": "AKP"},
    "one that is too short": {"n": signing.number((1 << 1023) + 1)},
    "a name that is a number": {"kid": 1},
}


@pytest.mark.parametrize("change", KEYS.values(), ids=KEYS)
def test_a_key_that_is_not_for_this_proves_nothing(change):
    bank = Bank()
    bank.keys = [None, "x", signer().jwk() | change]

    assert SignIn(bank).refusal() == ("unproven", "key")


def test_two_keys_of_one_name_are_not_guessed_between():
    bank = Bank()
    bank.keys = [signer().jwk(), signer("stranger").jwk() | {"kid": "key-1"}]

    assert SignIn(bank).refusal() == ("unproven", "key_not_clear")


def test_a_token_that_names_no_key_needs_a_provider_with_one():
    bank = Bank()
    bank.header = {"kid": None}
    assert SignIn(bank).finish().pesel == PESEL
    bank.keys.append(signer("key-2").jwk())
    assert SignIn(bank).refusal() == ("unproven", "key_not_clear")


def test_a_curve_is_as_good_as_rsa_and_each_signs_only_as_itself():
    bank = Bank()
    bank.signer, bank.keys = signer("ec", curve=True), [signer("ec", curve=True).jwk()]
    assert SignIn(bank).finish().pesel == PESEL

    bank.header = {"alg": "RS256"}
    assert SignIn(bank).refusal() == ("unproven", "key")


@pytest.mark.parametrize(("curve", "algorithm"), [(False, "ES256"), (True, "RS256"), (True, "ES384")])
def test_a_key_that_is_bound_to_no_algorithm_signs_only_what_its_kind_can(curve, algorithm):
    bank = Bank()
    bank.signer = signer("free", curve=curve)
    bank.keys = [{name: value for name, value in bank.signer.jwk().items() if name != "alg"}]
    assert SignIn(bank).finish().pesel == PESEL

    bank.header = {"alg": algorithm}
    assert SignIn(bank, algorithms="RS256 ES256 ES384").refusal() == ("unproven", "key")


def test_a_provider_with_more_keys_than_anybody_needs_is_not_read():
    bank = Bank()
    bank.keys = [signer().jwk()] * 51
    with pytest.raises(Nonsense):
        SignIn(bank).finish()


def test_a_private_key_that_was_published_by_mistake_is_read_as_the_public_one():
    (read,) = read_keys(signing.json.dumps({"keys": [signer().jwk() | {"d": "AAAA", "p": "AAAA"}]}).encode())

    assert not read.key.is_private


@pytest.mark.parametrize("issuer", [ENTRA, ENTRA + "/", f"https://sts.windows.net/{ENTRA.split('/')[3]}/"])
def test_a_directory_of_entra_is_known_by_its_issuer(issuer):
    bank = Bank(issuer.rstrip("/"))
    bank.issuer = bank.metadata["issuer"] = issuer

    assert SignIn(bank).refusal() == ("not_for_us", "tenant")
