"""Every known attack on OpenID Connect, by its name, on the whole way from the browser to the identity."""

import dataclasses
from hashlib import sha256

import pytest
from plugins.oidc.tests.forge import (
    ACCESS,
    BACK,
    CLIENT,
    ENTRA,
    NOW,
    PESEL,
    TENANT,
    Bank,
    SignIn,
    settings_for,
    signer,
    signing,
)

from skarbnik.clock import stopped_at
from skarbnik.errors import Invalid
from skarbnik.plugin_api import BrowserAnswer, SignInRefused
from skarbnik.tenancy.plugin_settings import parse_settings
from skarbnik_oidc.plugin import identity_providers
from skarbnik_oidc.provider import OidcProvider
from skarbnik_oidc.settings import OidcSettings


@pytest.fixture(autouse=True)
def noon():
    with stopped_at(NOW):
        yield


def test_somebody_signs_in_at_a_bank():
    person = SignIn(Bank()).finish()

    assert (person.subject, person.pesel, person.family_name) == ("jan-u-banku", PESEL, "Testowy")


# state, nonce, PKCE, code


def test_state_that_was_changed_is_refused():
    bank = Bank()

    assert SignIn(bank).refusal(state="x" * 43) == ("not_asked", "state")
    assert bank.count("token") == 0


def test_an_answer_without_state_is_refused():
    assert SignIn(Bank()).refusal(state=None) == ("malformed", "answer")


def test_an_answer_to_another_browser_is_refused():
    """Login CSRF: the code of the attacker's own sign-in, in the browser of somebody else."""
    bank = Bank()
    attacker, victim = SignIn(bank), SignIn(bank)

    assert victim.refusal(state=attacker.request.handle) == ("not_asked", "state")


def test_a_token_of_another_sign_in_is_refused_by_its_nonce():
    bank = Bank()
    first, second = SignIn(bank), SignIn(bank)

    assert first.words["nonce"] != second.words["nonce"]
    assert first.refusal() == ("not_asked", "nonce")


def test_a_code_is_worth_nothing_without_the_verifier_of_its_sign_in():
    """PKCE with S256: what the browser carried is a digest, and the code is exchanged with what it is of."""
    bank = Bank()
    first, second = SignIn(bank), SignIn(bank)
    second.finish()
    digest = signing.b64(sha256(bank.form()["code_verifier"].encode()).digest())

    assert second.words["code_challenge_method"] == "S256"
    assert digest == second.words["code_challenge"] != first.words["code_challenge"]
    assert 43 <= len(bank.form()["code_verifier"]) <= 128
    assert bank.form()["code_verifier"] not in second.start.go.address + repr(second.start)


def test_a_code_is_exchanged_for_the_address_it_came_to_and_once():
    bank = Bank()
    SignIn(bank).finish()

    assert bank.form()["redirect_uri"] == BACK
    assert bank.count("token") == 1


def test_two_codes_are_no_code():
    sign_in = SignIn(Bank())
    doubled = (*sign_in.brought().fields, ("code", "code-2"))
    with pytest.raises(SignInRefused) as refused:
        sign_in.provider.finish(sign_in.row, BrowserAnswer("GET", doubled))
    assert (refused.value.check, sign_in.bank.count("token")) == ("answer", 0)


@pytest.mark.parametrize("kept", ["", "{}", "null", '{"nonce": "x"}'])
def test_without_what_was_kept_nobody_comes_in(kept):
    sign_in = SignIn(Bank())
    sign_in.row = dataclasses.replace(sign_in.row, kept=kept)

    assert sign_in.refusal() == ("not_asked", "kept")


# Mix-up (RFC 9207)


def test_an_answer_that_does_not_say_whose_it_is_is_refused_where_it_has_to():
    assert SignIn(Bank()).refusal(iss=None) == ("not_for_us", "answer_issuer")


def test_an_answer_of_another_provider_is_refused_before_the_code_goes_anywhere():
    bank = Bank()

    assert SignIn(bank).refusal(iss="https://obcy.example") == ("not_for_us", "answer_issuer")
    assert bank.count("token") == 0


def test_another_provider_cannot_say_no_in_its_name():
    assert SignIn(Bank()).refusal(code=None, error="access_denied", iss=None) == ("not_for_us", "answer_issuer")


def test_a_provider_that_announces_nothing_may_say_who_it_is_but_not_that_it_is_another():
    bank = Bank()
    del bank.metadata["authorization_response_iss_parameter_supported"]

    assert SignIn(bank).finish(iss=None).pesel == PESEL
    assert SignIn(bank).refusal(iss="https://obcy.example") == ("not_for_us", "answer_issuer")


def test_an_answer_to_a_provider_that_was_changed_since_is_refused():
    bank, other = Bank(), Bank("https://other.example")
    sign_in = SignIn(bank)
    sign_in.provider = OidcProvider(settings_for(issuer=other.issuer), other)

    assert sign_in.refusal(iss=other.issuer) == ("not_for_us", "asked_another")
    assert other.asked == []


# The signature: algorithms are ours, keys are the provider's


def forged(make, **changes):
    bank = Bank()
    bank.make = make
    return SignIn(bank, **changes).refusal()


def test_a_token_without_a_signature_is_refused():
    """alg none"""
    assert forged(signing.unsigned) == ("unproven", "algorithm")
    assert forged(lambda told: signing.unsigned(told) + "AAAA") == ("unproven", "algorithm")


@pytest.mark.parametrize("name", ["none", "None", "nOnE", "", "HS256", "RS384"])
def test_the_header_chooses_no_algorithm_of_its_own(name):
    assert forged(lambda told: signer().sign(told, alg=name)) == ("unproven", "algorithm")


def test_a_public_key_is_no_secret():
    """HS256 with the provider's public key."""
    assert forged(lambda told: signing.by_secret(signer().public_pem(), told, "key-1")) == ("unproven", "algorithm")


def test_a_symmetric_key_that_the_provider_publishes_is_no_key():
    bank = Bank()
    bank.keys = [{"kty": "oct", "kid": "key-1", "k": "AAAA"}]

    assert SignIn(bank).refusal() == ("unproven", "key")


def test_an_algorithm_the_office_did_not_allow_is_refused():
    assert forged(lambda told: signer().sign(told), algorithms="ES256") == ("unproven", "algorithm")


@pytest.mark.parametrize(
    "brought",
    [
        {"jwk": signer("stranger", curve=True).jwk()},
        {"jku": "https://obcy.example/keys"},
        {"x5c": ["MIIB"]},
        {"x5u": "https://obcy.example/chain"},
        {"crit": ["exp"], "exp": 1},
        {"b64": False},
    ],
    ids=lambda value: next(iter(value)),
)
def test_a_key_in_the_header_is_not_looked_at(brought):
    bank = Bank()
    bank.make = lambda told: signer("stranger", curve=True).sign(told, kid="key-1", **brought)

    assert SignIn(bank).refusal() == ("unproven", "header_brings_key")
    assert bank.count("keys") == 0


def test_a_key_of_a_stranger_under_the_name_of_ours_is_refused():
    assert forged(lambda told: signer("stranger").sign(told, kid="key-1")) == ("unproven", "signature")


def test_a_claim_that_was_changed_after_the_signature_is_refused():
    def change(told):
        token = signer().sign(told)
        return signer().sign(told | {"sub": "maria"}).rpartition(".")[0] + "." + token.rpartition(".")[2]

    assert forged(change) == ("unproven", "signature")


@pytest.mark.parametrize("kind", ["at+jwt", "logout+jwt", "dpop+jwt", 7])
def test_a_token_of_another_kind_is_no_identity(kind):
    assert forged(lambda told: signer().sign(told, typ=kind)) == ("unproven", "token_type")


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b", "a.b.c.d.e", "e30.e30.e30.", "§.§.§", "e30.e30.", "bnVsbA.e30.AAAA", "a" * 70_000],
    ids=lambda value: value[:20],
)
def test_what_is_no_token_is_refused(token):
    assert forged(lambda told: token)[0] in {"malformed", "unproven"}


def test_a_claim_that_stands_twice_is_refused():
    """Two readers would believe two things."""

    def double(told):
        body = signing.b64(b'{"sub": "maria", ' + signing.json.dumps(told).encode()[1:])
        head = signer().sign({}).partition(".")[0]
        return f"{head}.{body}.{signing.b64(signer()._signature(f'{head}.{body}'.encode()))}"

    assert forged(double) == ("malformed", "claims")


# at_hash


def test_an_access_token_that_was_exchanged_is_found_by_its_hash():
    bank = Bank()
    bank.tokens = {"access_token": "stolen"}

    assert SignIn(bank).refusal() == ("unproven", "at_hash")


# Whose token it is


def test_a_token_of_another_issuer_or_for_another_system_is_refused():
    for claims, check in (({"iss": "https://obcy.example"}, "issuer"), ({"aud": "debina"}, "audience")):
        bank = Bank()
        bank.claims = claims
        assert SignIn(bank).refusal() == ("not_for_us", check)


def test_a_token_for_lipowo_is_nothing_to_debina():
    """One provider, two gminas: the audience, the nonce and the return address keep them apart, each alone."""
    lipowo, debina = Bank(), Bank()
    SignIn(lipowo).finish()
    debina.make = lambda told: signer().sign(told | {"aud": CLIENT})

    assert SignIn(debina, client_id="debina").refusal() == ("not_for_us", "audience")


@pytest.mark.parametrize("name", ["common", "organizations", "consumers", "Common"])
def test_entra_for_everybody_is_refused_where_it_is_entered(name):
    with pytest.raises(Invalid) as wrong:
        parse_settings(OidcSettings, {"issuer": f"https://login.microsoftonline.com/{name}/v2.0", "client_id": "x"})
    assert list(wrong.value.problems) == ["issuer"]


@pytest.mark.parametrize(
    ("claims", "check"),
    [({"tid": "00000000-0000-4000-8000-000000000002"}, "tenant"), ({"tid": None}, "tenant"), ({"tid": TENANT}, "")],
    ids=["another", "none", "ours"],
)
def test_entra_says_which_directory_it_was(claims, check):
    bank = Bank(ENTRA)
    bank.claims = claims
    sign_in = SignIn(bank)
    if check:
        assert sign_in.refusal() == ("not_for_us", check)
    else:
        assert sign_in.finish().issuer == ENTRA


@pytest.mark.parametrize(
    "name", ["email", "E-mail", "upn", "preferred_username", "unique_name", "phone_number", "login_hint"]
)
@pytest.mark.parametrize("field", ["pesel_claim", "nip_claim"])
def test_an_email_address_identifies_nobody(field, name):
    with pytest.raises(Invalid) as wrong:
        parse_settings(OidcSettings, {"issuer": "https://bank.example", "client_id": "x", field: name})
    assert list(wrong.value.problems) == [field]


def test_two_people_with_one_email_address_are_two():
    bank = Bank()
    jan = SignIn(bank).finish()
    bank.claims = {"sub": "maria-u-banku"}
    maria = SignIn(bank).finish()

    assert (jan.issuer, jan.subject) != (maria.issuer, maria.subject)
    assert "poczta" not in repr(dataclasses.asdict(maria))


def test_officials_have_a_door_of_their_own():
    """The core keeps who may come in by which id."""
    assert [each.id for each in identity_providers()] == ["oidc", "oidc_office"]


# userinfo


def test_what_is_told_about_somebody_else_is_not_taken():
    bank = Bank()
    bank.about = {"sub": "maria-u-banku", "given_name": "Maria"}

    assert SignIn(bank, userinfo=True).refusal() == ("not_for_us", "userinfo_subject")


def test_what_is_told_beside_the_token_never_goes_before_it():
    bank = Bank()
    bank.claims = {"family_name": None, "amr": ["pwd"]}
    bank.about = {"sub": "jan-u-banku", "family_name": "Z userinfo", "nin": "x", "amr": ["mfa"], "exp": 9}
    person = SignIn(bank, userinfo=True).finish()
    (_, url, more) = bank.asked[-1]

    assert (person.family_name, person.pesel, person.second_factor) == ("Z userinfo", PESEL, False)
    assert (url, more["headers"]["Authorization"]) == (bank.metadata["userinfo_endpoint"], f"Bearer {ACCESS}")
