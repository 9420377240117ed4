"""Signing in at the simulator as a real process, to the end, and with everything that may go wrong on the way."""

import os
import subprocess
import sys
from dataclasses import replace
from uuid import uuid4

import pytest
import requests
from plugins.epuap.tests.forge import DEBINA, JAN, LIPOWO, SIMULATOR, pem, private_pem, signer

from skarbnik.plugin_api import (
    Assurance,
    BrowserAnswer,
    ExternalSystemError,
    FormPost,
    Misconfigured,
    Nonsense,
    OutcomeUnknown,
    Refused,
    SignInRefused,
    SignOutRequest,
)
from skarbnik.testing.identity import pending, sign_in_request
from skarbnik_epuap.plugin import identity_providers
from skarbnik_epuap.provider import EpuapProvider


def test_somebody_signs_in_and_out_to_the_end(simulator, provider, sign_in):
    before = simulator.counts().get("logged_out", 0)
    person = sign_in()

    assert (person.pesel, person.given_name, person.level) == (JAN.identifier, "Jan", Assurance.SUBSTANTIAL)
    assert simulator.returned_to == LIPOWO.acs
    provider.end(SignOutRequest(uuid4(), person.session))
    assert simulator.counts()["logged_out"] == before + 1


@pytest.mark.parametrize(("who", "factors"), [("adam", False), ("jan", True), ("maria", True)])
def test_from_the_substantial_level_on_there_were_two_factors(connect, sign_in, who, factors):
    """Regulation 2015/1502, annex, 2.2.1."""
    request = sign_in_request(LIPOWO.acs, level=Assurance.LOW)

    assert sign_in(connect(level="low"), request=request, person=who).second_factor is factors


def test_the_relay_state_comes_back_as_it_went(simulator, provider):
    request = sign_in_request(LIPOWO.acs)
    answer = simulator.choose(provider.begin(request), person="jan")

    assert answer.only("RelayState") == request.handle


def test_a_session_that_is_over_there_cannot_be_ended_again(provider, sign_in):
    session = sign_in().session
    provider.end(SignOutRequest(uuid4(), session))

    with pytest.raises(Refused):
        provider.end(SignOutRequest(uuid4(), session))


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ({"action": "cancel"}, "declined"),
        ({"action": "fail"}, "declined"),
        ({"person": "adam"}, "too_low"),
        ({"person": "ewa"}, "nobody"),
        ({"person": "piotr"}, "nobody"),
        ({"person": "ola"}, "nobody"),
        ({"person": "hans"}, "nobody"),
    ],
)
def test_whoever_cannot_be_somebody_here_does_not_come_in(sign_in, choice, reason):
    with pytest.raises(SignInRefused) as refused:
        sign_in(**choice)
    assert refused.value.reason == reason


def test_somebody_of_another_state_comes_in_where_the_gmina_wants_it(connect, sign_in):
    person = sign_in(connect(without_pesel=True, foreign_authentication=True), person="hans")

    assert (person.pesel, person.subject) == (None, "DE/PL/0123456789abcdef")


@pytest.mark.parametrize(
    ("asked", "who", "comes_in"), [("high", "jan", False), ("high", "maria", True), ("low", "adam", True)]
)
def test_the_office_may_ask_for_more_or_less(connect, sign_in, asked, who, comes_in):
    by = connect(level=asked)
    request = replace(sign_in_request(LIPOWO.acs), level=Assurance.LOW)
    if comes_in:
        assert sign_in(by, request=request, person=who).level.reaches(Assurance(asked))
    else:
        with pytest.raises(SignInRefused):
            sign_in(by, request=request, person=who)


REFUSED = {
    "wrong_issuer": "message_issuer",
    "wrong_audience": "party_v",
    "wrong_recipient": "recipient",
    "wrong_request": "request_id",
    "wrong_resolve": "resolve_id",
    "wrong_party": "party_v",
    "expired": "message_age",
    "from_the_future": "message_age",
    "too_short": "conditions_times",
    "low_level": "level",
    "failed": "status",
    "failed_inside": "status",
    "failed_outside": "status",
    "unsigned_response": "signature_missing",
    "unsigned_answer": "signature_missing",
    "comment": "comment",
    "wrapped": "signature",
    "strangers_key": "signature",
    "strangers_encryption": "key",
    "doctype": "dtd",
    "huge": "size",
    "nonsense": "xml",
    "lose_artifact": "no_response",
}
SILENT = {
    "soap_fault": ExternalSystemError,
    "error_500": ExternalSystemError,
    "unauthorized": Misconfigured,
    "redirect": Nonsense,
    "drop_resolve": OutcomeUnknown,
    "slow_resolve": OutcomeUnknown,
}
HARMLESS = {"short_key", "same_assertion"}
LOGOUT = {"logout_refused": Refused, "logout_unsigned": Nonsense, "logout_wrong_request": Nonsense}


def test_every_fault_of_the_simulator_is_tested_here(simulator):
    known = requests.get(f"{simulator.url}/_sim/faults", timeout=60).json()["known"]

    assert set(known) == set(REFUSED) | set(SILENT) | HARMLESS | set(LOGOUT)


@pytest.mark.parametrize(("fault", "check"), REFUSED.items())
def test_a_fault_signs_nobody_in(simulator, sign_in, fault, check):
    simulator.fault(fault)
    with pytest.raises(SignInRefused) as refused:
        sign_in()
    assert (refused.value.check, str(refused.value)) == (check, "the sign-in was refused")
    assert sign_in().pesel == JAN.identifier  # and the next one is right again


@pytest.mark.parametrize(("fault", "error"), SILENT.items())
def test_a_node_that_does_not_answer_well_signs_nobody_in(simulator, connect, sign_in, fault, error):
    simulator.fault(fault, value=3)
    with pytest.raises(error):
        sign_in(connect(patience=1.0 if fault == "slow_resolve" else 10.0))


@pytest.mark.parametrize("fault", sorted(HARMLESS))
def test_oddities_of_the_node_keep_nobody_out(simulator, sign_in, fault):
    simulator.fault(fault)
    assert sign_in().pesel == JAN.identifier


def test_the_same_assertion_again_has_the_same_id_for_the_core_to_refuse(simulator, sign_in):
    simulator.fault("same_assertion", next=2)
    assert sign_in().assertion_id == sign_in().assertion_id


@pytest.mark.parametrize(("fault", "error"), LOGOUT.items())
def test_a_logout_that_is_not_proven_is_none(simulator, provider, sign_in, fault, error):
    session = sign_in().session
    simulator.fault(fault)
    with pytest.raises(error):
        provider.end(SignOutRequest(uuid4(), session))


def test_an_artifact_is_good_once(simulator, provider):
    request = sign_in_request(LIPOWO.acs)
    start = provider.begin(request)
    answer = simulator.choose(start, person="jan")
    provider.finish(pending(request, start), answer)

    with pytest.raises(SignInRefused) as refused:
        provider.finish(pending(request, start), answer)
    assert refused.value.check == "no_response"


def test_an_artifact_for_one_gmina_is_nothing_at_another(simulator, connect):
    request = sign_in_request(LIPOWO.acs)
    start = connect(LIPOWO).begin(request)
    answer = simulator.choose(start, person="jan")

    with pytest.raises(SignInRefused):
        connect(DEBINA).finish(pending(request, start), answer)


def test_two_people_at_once_are_not_mixed_up(simulator, provider):
    requests_ = [sign_in_request(LIPOWO.acs) for _ in range(2)]
    starts = [provider.begin(each) for each in requests_]
    answers = [simulator.choose(start, person=who) for start, who in zip(starts, ("jan", "maria"), strict=True)]

    with pytest.raises(SignInRefused) as refused:
        provider.finish(pending(requests_[0], starts[0]), answers[1])
    assert refused.value.reason == "not_asked"
    assert provider.finish(pending(requests_[0], starts[0]), answers[0]).given_name == "Jan"


def test_the_node_takes_no_request_of_a_stranger(simulator, connect):
    other = signer("stranger signing")
    forged = connect(signing_key=private_pem(other.key).decode(), signing_certificate=pem(other.certificate))
    start = forged.begin(sign_in_request(LIPOWO.acs))
    page = requests.post(start.go.address, data=list(start.go.fields), timeout=60)

    assert page.status_code == 400
    assert "Podpis żądania nie jest podpisem tego systemu." in page.text


def test_the_node_answers_to_the_address_of_the_application_only(simulator, provider):
    start = provider.begin(sign_in_request("https://evil.example/acs"))
    page = requests.post(start.go.address, data=list(start.go.fields), timeout=60)

    assert page.status_code == 400
    assert "Adres powrotu" in page.text


def test_what_is_no_request_at_all_is_told_on_a_page(simulator):
    for sent in ({}, {"SAMLRequest": "%%%"}, {"SAMLRequest": "YQ==", "RelayState": "x"}):
        page = requests.post(f"{simulator.url}/login/SingleSignOnService", data=sent, timeout=60)
        assert page.status_code == 400
        assert 'role="alert"' in page.text


def test_the_page_of_people_is_used_once(simulator, provider):
    start = provider.begin(sign_in_request(LIPOWO.acs))
    assert isinstance(start.go, FormPost)
    page = requests.post(start.go.address, data=list(start.go.fields), timeout=60)

    assert requests.post(page.url, data={"person": "nobody"}, timeout=60).status_code == 400
    assert requests.post(page.url, data={"person": "jan"}, timeout=60).status_code == 200
    assert requests.post(page.url, data={"person": "jan"}, timeout=60).status_code == 404


def test_faults_that_cannot_be_meant_are_refused(simulator):
    for wish in ({"name": "nonsense_fault"}, {"name": "expired", "next": -1}, {"more": 1}, []):
        assert requests.post(f"{simulator.url}/_sim/faults", json=wish, timeout=60).status_code == 400
    assert requests.post(f"{simulator.url}/_sim/parties", data="{}", timeout=60).status_code == 400


def test_the_desk_names_gminas_and_faults(simulator):
    page = requests.get(simulator.url, timeout=60).text

    assert LIPOWO.issuer in page
    assert "wrong_audience" in page


@pytest.mark.parametrize("environment", ["production", None])
def test_it_does_not_start_outside_the_demo(environment):
    told = {name: value for name, value in os.environ.items() if name != "SKARBNIK_ENV"}
    if environment:
        told["SKARBNIK_ENV"] = environment
    done = subprocess.run(
        [sys.executable, str(SIMULATOR / "main.py"), "--port", "0"],
        env=told,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode != 0
    assert "SKARBNIK_ENV=demo or test only" in done.stderr


def test_a_provider_refuses_what_the_browser_brings_too_often(provider):
    request = sign_in_request(LIPOWO.acs)
    row = pending(request, provider.begin(request))
    for fields in (
        (("SAMLart", "a" * 44), ("SAMLart", "b" * 44), ("RelayState", "x")),
        (("SAMLart", "a" * 44),),
        (("SAMLart", "a" * 1025), ("RelayState", "x")),
        (("SAMLart", "<a>" * 10), ("RelayState", "x")),
    ):
        with pytest.raises(SignInRefused) as refused:
            provider.finish(row, BrowserAnswer("POST", fields))
        assert refused.value.check == "artifact"


def test_it_is_the_provider_the_plugin_hands_out():
    assert identity_providers() == [EpuapProvider]
