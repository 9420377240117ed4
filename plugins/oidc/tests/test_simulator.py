"""Signing in at the simulator as a real process, to the end, and with everything that may go wrong on the way."""

import json
import os
import subprocess
import sys

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from oidc_simulator.people import PEOPLE, read_people
from plugins.oidc.tests.conftest import BACKS, BANK, OFFICE, client_of
from plugins.oidc.tests.forge import PERSON, SIMULATOR, signer, signing

from skarbnik.plugin_api import (
    Assurance,
    ExternalSystemError,
    Misconfigured,
    Nonsense,
    OutcomeUnknown,
    SignInRefused,
)
from skarbnik.testing.identity import pending, sign_in_request


def test_a_resident_signs_in_at_the_bank_to_the_end(simulator, sign_in):
    person = sign_in(person="maria")

    assert (person.pesel, person.given_name, person.family_name) == (
        PERSON["maria"].claims["nin"],
        "Maria Anna",
        "Wysoka-Żółć",
    )
    assert (person.level, person.second_factor) == (Assurance.HIGH, True)
    assert simulator.returned_to == BACKS[BANK]


@pytest.mark.parametrize(("who", "factors"), [("ksiegowa", True), ("referent", False)])
def test_an_official_signs_in_by_the_directory_of_the_office(simulator, connect, sign_in, who, factors):
    office = connect(OFFICE, conditions="groups=skarbnik")
    person = sign_in(office, sign_in_request(BACKS[OFFICE], level=Assurance.LOW), person=who)

    assert (person.second_factor, person.pesel, person.given_name) == (factors, None, PERSON[who].given_name)
    assert simulator.returned_to == BACKS[OFFICE]


@pytest.mark.parametrize(("who", "check"), [("stazysta", "conditions"), ("gosc", "tenant")])
def test_who_is_not_of_the_office_does_not_come_in_by_its_directory(connect, sign_in, who, check):
    office = connect(OFFICE, conditions="groups=skarbnik")
    with pytest.raises(SignInRefused) as refused:
        sign_in(office, sign_in_request(BACKS[OFFICE], level=Assurance.LOW), person=who)
    assert (refused.value.reason, refused.value.check) == ("not_for_us", check)


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ({"action": "cancel"}, "declined"),
        ({"person": "adam"}, "too_low"),
        ({"person": "ewa"}, "nobody"),
        ({"person": "hans"}, "nobody"),
        ({"person": "piotr"}, "nobody"),
        ({"person": "ola"}, "nobody"),
    ],
)
def test_whoever_cannot_be_somebody_here_does_not_come_in(sign_in, choice, reason):
    with pytest.raises(SignInRefused) as refused:
        sign_in(**choice)
    assert refused.value.reason == reason


def test_a_company_comes_in_with_its_nip(connect, sign_in):
    assert sign_in(connect(nip_claim="nip"), person="prezes").nip == "5260250274"


def test_a_code_is_worth_nothing_the_second_time_or_with_another_verifier(simulator, connect):
    bank = connect()
    request = sign_in_request(BACKS[BANK])
    start = bank.begin(request)
    answer = simulator.choose(start, person="jan")
    bank.finish(pending(request, start), answer)
    with pytest.raises(SignInRefused) as again:
        bank.finish(pending(request, start), answer)
    assert (again.value.reason, again.value.check) == ("not_asked", "code")

    other = bank.begin(request)  # the same handle, another verifier
    answer = simulator.choose(start := bank.begin(request), person="jan")
    with pytest.raises(SignInRefused) as wrong:
        bank.finish(pending(request, other), answer)
    assert (wrong.value.reason, wrong.value.check) == ("not_asked", "code")


@pytest.mark.parametrize("curve", [True, False], ids=["curve", "rsa"])
def test_a_key_proves_who_we_are_to_the_provider(simulator, connect, sign_in, curve):
    ours = signer("ours", curve=curve)
    client = {"client_id": "lipowo-key", "auth": "key", "public_key": ours.public_pem().decode()}
    simulator.add(client_of(BANK, **client))
    key = ours.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    bank = connect(client_id="lipowo-key", client_auth="key", client_secret="", client_key=key)
    assert sign_in(bank).given_name == "Jan"
    with pytest.raises(Misconfigured):
        sign_in(connect(client_id="lipowo-key"))


def test_a_wrong_secret_is_for_an_official_to_look_at(connect, sign_in):
    with pytest.raises(Misconfigured):
        sign_in(connect(client_secret="inne"))


def test_what_the_token_leaves_out_is_asked_for(connect, sign_in, simulator):
    assert sign_in(connect(userinfo=True)).pesel == PERSON["jan"].claims["nin"]
    simulator.fault("userinfo_other")
    with pytest.raises(SignInRefused) as refused:
        sign_in(connect(userinfo=True))
    assert refused.value.check == "userinfo_subject"
    simulator.fault("userinfo_500")
    with pytest.raises(ExternalSystemError):
        sign_in(connect(userinfo=True))


REFUSED = {
    "wrong_issuer": ("not_for_us", "issuer"),
    "wrong_audience": ("not_for_us", "audience"),
    "wrong_party": ("not_for_us", "authorized_party"),
    "wrong_nonce": ("not_asked", "nonce"),
    "no_nonce": ("not_asked", "nonce"),
    "expired": ("not_now", "expires"),
    "from_the_future": ("not_now", "issued"),
    "not_yet": ("not_now", "not_before"),
    "no_times": ("not_now", "expires"),
    "wrong_at_hash": ("unproven", "at_hash"),
    "no_subject": ("nobody", "subject"),
    "low_acr": ("too_low", "level"),
    "alg_none": ("unproven", "algorithm"),
    "hmac": ("unproven", "algorithm"),
    "header_key": ("unproven", "header_brings_key"),
    "strangers_key": ("unproven", "signature"),
    "unknown_key": ("unproven", "key"),
    "access_kind": ("unproven", "token_type"),
    "wrong_state": ("not_asked", "state"),
    "wrong_iss": ("not_for_us", "answer_issuer"),
    "no_iss": ("not_for_us", "answer_issuer"),
    "two_codes": ("malformed", "answer"),
    "lose_code": ("not_asked", "code"),
    "keys_none": ("unproven", "key"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_every_lie_of_the_world_is_refused_for_what_it_is(simulator, connect, sign_in, fault):
    bank = connect()
    simulator.fault(fault, next=2 if fault == "keys_none" else 1)
    with pytest.raises(SignInRefused) as refused:
        sign_in(bank)
    assert (refused.value.reason, refused.value.check) == REFUSED[fault]

    simulator.clear()
    assert sign_in().given_name == "Jan"


def test_a_login_of_an_hour_ago_is_not_fresh(simulator, connect, sign_in):
    bank = connect(max_age="600")
    assert sign_in(bank).given_name == "Jan"
    simulator.fault("old_login")
    with pytest.raises(SignInRefused) as refused:
        sign_in(bank)
    assert refused.value.check == "auth_time"


def test_another_directory_is_not_ours(simulator, connect, sign_in):
    simulator.fault("wrong_tenant")
    with pytest.raises(SignInRefused) as refused:
        sign_in(connect(OFFICE), sign_in_request(BACKS[OFFICE], level=Assurance.LOW), person="ksiegowa")
    assert refused.value.check == "tenant"


@pytest.mark.parametrize("fault", ["rotate", "curve", "no_at_hash"])
def test_what_is_only_unusual_signs_in(simulator, connect, sign_in, fault):
    bank = connect()
    sign_in(bank)
    simulator.fault(fault)

    assert sign_in(bank).given_name == "Jan"


FAILED = {
    "error_500": ExternalSystemError,
    "nonsense": Nonsense,
    "redirect": Nonsense,
    "drop": OutcomeUnknown,
    "slow_token": OutcomeUnknown,
    "invalid_client": Misconfigured,
    "no_identity": Nonsense,
    "server_error": ExternalSystemError,
    "metadata_500": ExternalSystemError,
    "metadata_nonsense": Nonsense,
    "metadata_other": Misconfigured,
    "metadata_leads_away": Misconfigured,
    "metadata_doubled": Nonsense,
    "keys_500": ExternalSystemError,
    "keys_huge": Nonsense,
}


@pytest.mark.parametrize("fault", FAILED)
def test_a_provider_that_does_not_answer_well_signs_nobody_in(simulator, connect, sign_in, fault):
    bank = connect(patience=0.5)
    simulator.fault(fault, value=1.5)
    with pytest.raises(FAILED[fault]) as raised:
        sign_in(bank)
    assert type(raised.value) is FAILED[fault]


def test_every_fault_of_the_desk_is_tried_here(simulator):
    known = set(requests.get(f"{simulator.url}/_sim/faults", timeout=60).json()["known"])
    elsewhere = {"rotate", "curve", "no_at_hash", "old_login", "wrong_tenant", "userinfo_other", "userinfo_500"}

    assert known == {*REFUSED, *FAILED, *elsewhere}


# The simulator itself


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "obcy"},
        {"redirect_uri": "https://obcy.example"},
        {"response_type": "token"},
        {"scope": "profile"},
        {"code_challenge_method": "plain"},
        {"nonce": ""},
    ],
    ids=lambda value: next(iter(value)),
)
def test_the_simulator_takes_no_question_that_is_not_as_agreed(simulator, change):
    right = {
        "client_id": "lipowo",
        "redirect_uri": BACKS[BANK],
        "response_type": "code",
        "scope": "openid",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
        "state": "s",
        "nonce": "n",
    }
    address = f"{simulator.url}/{BANK}/authorize"

    assert requests.get(address, params=right, timeout=60).status_code == 200
    assert requests.get(address, params=right | change, timeout=60).status_code == 400


def test_the_simulator_shows_who_one_can_be_and_what_can_go_wrong(simulator):
    desk = requests.get(simulator.url, timeout=60).text

    assert "Gmina Lipowo" in desk
    assert "alg_none" in desk
    assert requests.get(f"{simulator.url}/nic", timeout=60).status_code == 404
    for wish in ({"name": "nothing"}, {"name": "expired", "next": -1}, {"more": 1}):
        assert requests.post(f"{simulator.url}/_sim/faults", json=wish, timeout=60).status_code == 400
    assert requests.post(f"{simulator.url}/_sim/clients", json={"realm": "x"}, timeout=60).status_code == 400


def test_the_key_of_the_simulator_stays_and_people_can_be_added(tmp_path):
    made = signing.read_signer(tmp_path / "op.pem")
    person = {"key": "nowa", "realm": BANK, "given_name": "Nowa", "family_name": "Osoba", "amr": ["pwd", "mfa"]}
    (tmp_path / "people.json").write_text(json.dumps([person]))

    assert signing.read_signer(tmp_path / "op.pem").jwk() == made.jwk()
    assert (tmp_path / "op.pem").stat().st_mode & 0o077 == 0
    first, *others = read_people(tmp_path / "people.json")
    assert (first.key, first.amr, tuple(others)) == ("nowa", ("pwd", "mfa"), PEOPLE)


@pytest.mark.parametrize("environment", ["production", ""])
def test_the_simulator_does_not_start_outside_the_demo(environment):
    started = subprocess.run(
        [sys.executable, str(SIMULATOR / "main.py"), "--port", "0"],
        env={**os.environ, "SKARBNIK_ENV": environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert started.returncode == 1
    assert "SKARBNIK_ENV=demo" in started.stderr
