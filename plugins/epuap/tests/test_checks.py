"""Each check alone: a lie that all the others let pass is stopped by the one that is there for it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from plugins.epuap.tests.forge import DEBINA, LIPOWO, NODE, NOW

from skarbnik.plugin_api import SignInRefused
from skarbnik_epuap import checks
from skarbnik_epuap.answers import open_envelope
from skarbnik_epuap.documents import open_document
from skarbnik_epuap.facts import Message, read_assertion
from skarbnik_epuap.words import SUCCESS

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def truth():
    expected = LIPOWO.expected()
    return read_assertion(open_document(open_envelope(LIPOWO.answer(), expected, NOW)))


def _confirmation(**changes):
    return lambda a: replace(a, confirmations=tuple(replace(each, **changes) for each in a.confirmations))


LIES = {
    checks.assertion_version: lambda a: replace(a, version="1.1"),
    checks.assertion_issuer: lambda a: replace(a, issuer="evil.example"),
    checks.assertion_fresh: lambda a: replace(a, issued_at=NOW - HOUR),
    checks.conditions_times: lambda a: replace(a, not_on_or_after=NOW - HOUR),
    checks.audience: lambda a: replace(a, audiences=((DEBINA.issuer,),)),
    checks.one_bearer: _confirmation(method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"),
    checks.recipient: _confirmation(recipient=DEBINA.acs),
    checks.confirms_our_request: _confirmation(in_response_to="ID-request-debina"),
    checks.confirmation_times: _confirmation(not_on_or_after=NOW - HOUR),
    checks.session_not_over: lambda a: replace(a, session_ends_at=NOW - HOUR),
    checks.level: lambda a: replace(a, levels=("http://eidas.europa.eu/LoA/low",)),
}
MESSAGE = Message(
    issuer=NODE,
    in_response_to="ID-request-lipowo",
    issued_at=NOW,
    destination=None,
    status=SUCCESS,
    inside=None,
)
MESSAGE_LIES = {
    checks.message_issuer: {"issuer": "evil.example"},
    checks.answers_our_request: {"in_response_to": "ID-request-debina"},
    checks.message_destination: {"destination": DEBINA.acs},
    checks.message_fresh: {"issued_at": NOW - HOUR},
    checks.message_status: {"status": "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"},
}


def _refusing(all_checks, fact):
    found = []
    for check in all_checks:
        try:
            check(fact, LIPOWO.expected(), NOW)
        except SignInRefused:
            found.append(check)
    return found


def test_every_check_of_an_assertion_has_a_lie_here():
    assert set(LIES) == set(checks.ASSERTION_CHECKS)


def test_the_truth_passes_all(truth):
    assert _refusing(checks.ASSERTION_CHECKS, truth) == []


@pytest.mark.parametrize("check", LIES, ids=lambda check: check.__name__)
def test_a_lie_of_an_assertion_is_stopped_by_its_own_check_and_by_no_other(check, truth):
    assert _refusing(checks.ASSERTION_CHECKS, LIES[check](truth)) == [check]


def test_every_check_of_a_response_has_a_lie_here():
    assert set(MESSAGE_LIES) == set(checks.RESPONSE_CHECKS)


@pytest.mark.parametrize("check", MESSAGE_LIES, ids=lambda check: check.__name__)
def test_a_lie_of_a_response_is_stopped_by_its_own_check_and_by_no_other(check):
    assert _refusing(checks.RESPONSE_CHECKS, MESSAGE) == []
    assert _refusing(checks.RESPONSE_CHECKS, replace(MESSAGE, **MESSAGE_LIES[check])) == [check]


def test_an_answer_to_the_artifact_is_asked_for_our_resolve_instead():
    wanted = set(checks.RESPONSE_CHECKS) - {checks.answers_our_request, checks.message_destination}

    assert set(checks.RESOLVED_CHECKS) == wanted | {checks.answers_our_resolve}
    resolved = replace(MESSAGE, in_response_to="ID-resolve-lipowo")
    assert _refusing(checks.RESOLVED_CHECKS, resolved) == []
    assert _refusing(checks.RESOLVED_CHECKS, MESSAGE) == [checks.answers_our_resolve]


def test_an_assertion_nobody_confirms_is_refused(truth):
    assert _refusing(checks.ASSERTION_CHECKS, replace(truth, confirmations=())) == [checks.one_bearer]
