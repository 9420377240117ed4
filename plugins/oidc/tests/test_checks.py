"""Each rule of an ID token alone: a lie that all the others let pass, so none stands only because another does."""

import dataclasses
from datetime import timedelta

import pytest
from plugins.oidc.tests.forge import ACCESS, CLIENT, ISSUER, NOW, SECOND, TENANT, jan, signing, without_none

from skarbnik.clock import stopped_at
from skarbnik.plugin_api import Assurance, SignInRefused
from skarbnik_oidc import checks
from skarbnik_oidc.checks import CHECKS, Expected

AT = int(NOW.timestamp())
EXPECTED = Expected(
    issuer=ISSUER,
    client_id=CLIENT,
    nonce="nonce-1",
    begun_at=NOW,
    wanted=Assurance.SUBSTANTIAL,
    levels={"2": Assurance.SUBSTANTIAL, "1": Assurance.LOW},
    tenant=TENANT,
    conditions=(("groups", "skarbnik"), ("hd", "lipowo.example")),
    max_age=60,
    access_token=ACCESS,
)


def claims(**changes):
    """A token that keeps every rule, changed; None takes a claim away."""
    with stopped_at(NOW):
        told = jan()
    more = {"nonce": "nonce-1", "acr": "2", "tid": TENANT, "groups": ["x", "skarbnik"], "hd": "lipowo.example"}
    return without_none(told | more | changes)


def refused_by(told, expected=EXPECTED, now=NOW):
    """Each check that says no, with what it says."""
    found = {}
    for check in CHECKS:
        try:
            check(told, expected, now)
        except SignInRefused as refused:
            found[check.__name__] = (refused.reason, refused.check)
    return found


def test_a_right_token_keeps_every_rule():
    assert refused_by(claims()) == {}


LIES = {
    "another issuer": ({"iss": "https://obcy.example"}, "issuer", "not_for_us"),
    "an issuer with a stroke more": ({"iss": ISSUER + "/"}, "issuer", "not_for_us"),
    "no issuer": ({"iss": None}, "issuer", "not_for_us"),
    "for another system": ({"aud": "debina"}, "audience", "not_for_us"),
    "for a system whose name begins as ours": ({"aud": CLIENT + "2"}, "audience", "not_for_us"),
    "for several, and none asked": ({"aud": [CLIENT, "debina"]}, "authorized_party", "not_for_us"),
    "for several, and another asked": ({"aud": [CLIENT, "x"], "azp": "x"}, "authorized_party", "not_for_us"),
    "for us, and another asked": ({"azp": "debina"}, "authorized_party", "not_for_us"),
    "about nobody": ({"sub": None}, "subject", "nobody"),
    "about somebody too long": ({"sub": "x" * 256}, "subject", "nobody"),
    "about a number": ({"sub": 7}, "subject", "nobody"),
    "over": ({"exp": AT - 60}, "not_over", "not_now"),
    "without an end": ({"exp": None}, "not_over", "not_now"),
    "too old": ({"iat": AT - 661}, "issued_now", "not_now"),
    "of the future": ({"iat": AT + 61}, "issued_now", "not_now"),
    "of no time": ({"iat": None}, "issued_now", "not_now"),
    "not yet": ({"nbf": AT + 61}, "not_before", "not_now"),
    "an end that is no number": ({"exp": True}, "not_over", "malformed"),
    "an end without end": ({"exp": float("inf")}, "not_over", "malformed"),
    "an end in words": ({"exp": "9999999999"}, "not_over", "malformed"),
    "of another sign-in": ({"nonce": "nonce-2"}, "nonce", "not_asked"),
    "of no sign-in": ({"nonce": None}, "nonce", "not_asked"),
    "beside another access token": ({"at_hash": signing.left_half("other")}, "access_token_hash", "unproven"),
    "proven long ago": ({"auth_time": AT - 121}, "authenticated_lately", "not_now"),
    "proven at no time": ({"auth_time": None}, "authenticated_lately", "not_now"),
    "proven tomorrow": ({"auth_time": AT + 61}, "authenticated_lately", "not_now"),
    "of another directory": ({"tid": "00000000-0000-4000-8000-000000000002"}, "tenant", "not_for_us"),
    "of no directory": ({"tid": None}, "tenant", "not_for_us"),
    "not of the group": ({"groups": ["skarbnik2"]}, "conditions", "not_for_us"),
    "of a group whose name has ours in it": ({"groups": "nie skarbnik"}, "conditions", "not_for_us"),
    "only one condition of two": ({"hd": None}, "conditions", "not_for_us"),
    "too weak": ({"acr": "1"}, "level", "too_low"),
    "of a level nobody agreed on": ({"acr": "9"}, "level", "too_low"),
    "of no level": ({"acr": None}, "level", "too_low"),
    "of a list of levels": ({"acr": ["2"]}, "level", "too_low"),
}


@pytest.mark.parametrize(("lie", "check", "reason"), LIES.values(), ids=LIES)
def test_each_rule_alone_stops_its_lie(lie, check, reason):
    found = refused_by(claims(**lie))

    assert list(found) == [check]
    assert found[check][0] == reason


@pytest.mark.parametrize("aud", [[], [7], {"lipowo": 1}, None], ids=str)
def test_an_audience_that_is_none_is_refused(aud):
    assert "audience" in refused_by(claims() | {"aud": aud})


def test_the_difference_of_clocks_is_allowed_and_not_a_second_more():
    told = claims(exp=AT, iat=AT + 60, nbf=AT + 60, auth_time=AT)

    assert refused_by(told) == {}
    assert refused_by(told, now=NOW + 59 * SECOND) == {}
    assert list(refused_by(told, now=NOW + 60 * SECOND)) == ["not_over"]
    strict = dataclasses.replace(EXPECTED, skew=timedelta(0))
    assert list(refused_by(told, strict)) == ["not_over", "issued_now", "not_before"]


def test_several_audiences_are_well_when_we_asked():
    assert refused_by(claims(aud=["other", CLIENT], azp=CLIENT)) == {}


def test_a_hash_of_an_access_token_that_did_not_come_is_refused():
    expected = dataclasses.replace(EXPECTED, access_token=None)

    assert list(refused_by(claims(), expected)) == ["access_token_hash"]
    assert refused_by(claims(at_hash=None), expected) == {}


@pytest.mark.parametrize(("algorithm", "digits"), [("ES384", 32), ("PS512", 43), ("EdDSA", 43)])
def test_the_hash_of_the_access_token_is_of_the_algorithm_of_the_signature(algorithm, digits):
    expected = dataclasses.replace(EXPECTED, algorithm=algorithm)
    right = checks.half_hash(ACCESS, algorithm)

    assert len(right) == digits
    assert refused_by(claims(at_hash=right), expected) == {}
    assert list(refused_by(claims(), expected)) == ["access_token_hash"]


def test_who_has_to_prove_it_anew_did_so_after_we_asked():
    """max_age 0; the clocks may differ."""
    anew = dataclasses.replace(EXPECTED, max_age=0)
    later = NOW + 300 * SECOND

    assert refused_by(claims(iat=AT + 300, exp=AT + 600, auth_time=AT - 60), anew, later) == {}
    told = claims(iat=AT + 300, exp=AT + 600, auth_time=AT - 61)
    assert list(refused_by(told, anew, later)) == ["authenticated_lately"]


def test_what_was_not_agreed_on_is_not_asked_for():
    expected = dataclasses.replace(EXPECTED, tenant=None, conditions=(), max_age=None, levels={})

    assert refused_by(claims(tid=None, groups=None, hd=None, auth_time=None, acr=None), expected) == {}


@pytest.mark.parametrize(("assumed", "refused"), [(None, []), (Assurance.LOW, ["level"]), (Assurance.HIGH, [])])
def test_a_level_that_follows_from_the_contract_is_compared_as_one_that_is_told(assumed, refused):
    """A provider without any level vouches for none: what comes of that is the core's to say."""
    expected = dataclasses.replace(EXPECTED, levels={}, level_without_acr=assumed)

    assert list(refused_by(claims(acr=None), expected)) == refused
    assert checks.level_of(claims(acr="2"), expected) == assumed


def test_a_name_of_the_directory_may_be_written_in_capitals():
    assert refused_by(claims(tid=TENANT.upper())) == {}
