"""What goes over the wire, and what does not: addresses of the settings only, nothing in logs, errors without words."""

import json
import logging
import traceback
from base64 import b64decode
from datetime import timedelta
from uuid import uuid4

import pytest
from lxml import etree
from plugins.epuap.tests.forge import JAN, LIPOWO, NODE, NOW, Town, at, settings_for

from skarbnik.clock import stopped_at
from skarbnik.plugin_api import (
    Assurance,
    BrowserAnswer,
    ExternalSystemError,
    HttpAnswer,
    HttpClient,
    Misconfigured,
    Nonsense,
    Refused,
    SignInRefused,
    SignOutRequest,
)
from skarbnik.testing.gateways import ScriptedHttp
from skarbnik.testing.identity import pending, sign_in_request
from skarbnik_epuap.provider import EpuapProvider, saml_id
from skarbnik_epuap.signatures import Profile

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"
ARTIFACT = "AAQAAMh48/1oXIM+sDo7Dh2qMp1HM4IF5DaRNmDj6RdUmllwn9jJHyEgIi8="
ADDRESSES = {
    "sso_url": "https://node.example/login/SingleSignOnService",
    "ars_url": "https://services.example/ars",
    "slo_url": "https://services.example/slo",
}


class Node:
    """Answers an ArtifactResolve as the node would, in the process of the test. `town` is whom it answers."""

    def __init__(self, town=LIPOWO, touch=None, **words):
        self.town, self.touch, self.words = town, touch, words
        self.asked = []

    def request(self, method, url, *, headers, body):
        self.asked.append((method, url, headers, body))
        resolve = etree.fromstring(body)[0][0]
        words = {"resolve_id": resolve.get("ID"), "request_id": self.request_id, **self.words}
        more = {} if self.touch is None else {"touch": self.touch}
        return HttpAnswer(200, {}, self.town.answer(**more, **words))


def _begun(http, town=LIPOWO, **changes):
    provider = EpuapProvider(settings_for(town, **{**ADDRESSES, **changes}), http)
    request = sign_in_request(town.acs, begun_at=NOW)
    http.request_id = saml_id(request.request_id)
    return provider, request


def _finish(provider, request, *fields):
    row = pending(request, provider.begin(request))
    brought = fields or (("SAMLart", ARTIFACT), ("RelayState", request.handle))
    return provider.finish(row, BrowserAnswer("POST", brought))


@pytest.fixture(autouse=True)
def noon():
    with stopped_at(NOW):
        yield


@pytest.mark.parametrize("profile", Profile)
def test_somebody_signs_in_at_the_time_of_our_clock(profile):
    provider, request = _begun(Node(Town("lipowo", profile)), Town("lipowo", profile))

    assert _finish(provider, request).pesel == JAN.identifier
    with stopped_at(NOW + timedelta(hours=1)), pytest.raises(SignInRefused) as refused:
        _finish(provider, request)
    assert refused.value.check == "message_age"


def test_the_artifact_goes_to_the_address_of_the_settings_whatever_it_says():
    node = Node()
    provider, request = _begun(node)
    _finish(provider, request, ("SAMLart", ARTIFACT), ("RelayState", "https://evil.example/"))

    (method, url, headers, body) = node.asked[0]
    assert (method, url) == ("POST", "https://services.example/ars")
    assert headers["Content-Type"].startswith("text/xml")
    assert headers["SOAPAction"] == '""'
    assert etree.fromstring(body).findtext(f".//{SAMLP}Artifact") == ARTIFACT


def test_nobody_is_asked_about_an_artifact_that_cannot_be_one():
    for artifact in ("", "x", "a" * 1025, "<a/>" * 8, "a b" * 10, "http://evil.example/"):
        provider, request = _begun(ScriptedHttp())
        with pytest.raises(SignInRefused):
            _finish(provider, request, ("SAMLart", artifact), ("RelayState", "x"))


def test_hosts_and_origins_are_those_of_the_settings():
    settings = settings_for(LIPOWO, **ADDRESSES)

    assert EpuapProvider.hosts(settings) == {"services.example"}
    assert EpuapProvider.origins(settings) == {"https://node.example"}
    assert EpuapProvider.client_certificate(settings) is None


def test_a_certificate_for_the_connection_is_shown_where_there_is_one():
    settings = settings_for(LIPOWO, **ADDRESSES)
    both = settings_for(LIPOWO, **ADDRESSES, tls_key=settings.signing_key, tls_certificate=settings.signing_certificate)
    shown = EpuapProvider.client_certificate(both)

    assert (shown.certificate, shown.key) == (settings.signing_certificate, settings.signing_key)
    assert settings.signing_key not in repr(shown)
    HttpClient(EpuapProvider.hosts(both), client_certificate=shown)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, Nonsense),
        (401, Misconfigured),
        (403, Misconfigured),
        (404, ExternalSystemError),
        (500, ExternalSystemError),
        (503, ExternalSystemError),
    ],
)
def test_another_status_than_200_signs_nobody_in(status, error):
    http = ScriptedHttp(HttpAnswer(status, {"Location": "http://evil.example/"}, b"<secret/>"))
    provider, request = _begun(http)
    with pytest.raises(error) as raised:
        _finish(provider, request)
    assert "secret" not in str(raised.value)
    assert "evil" not in str(raised.value)


def test_nothing_of_a_person_is_written_down_whatever_happens(caplog):
    """Also not by the libraries below, with everything switched on."""
    caplog.set_level(logging.DEBUG)
    told = []
    lies = [{}, {"level": "low"}, {"audience": "https://evil.example"}, {"status": "AuthnFailed"}, {"bits": 128}]
    for words in lies:
        provider, request = _begun(Node(**words))
        try:
            told.append(repr(_finish(provider, request)))
        except SignInRefused as error:
            told += [str(error), repr(error), *traceback.format_exception(error)]
    everything = caplog.text + " ".join(told)

    for secret in (ARTIFACT, JAN.identifier, JAN.family_name, request.handle, "EncryptedAssertion", "SignedInfo"):
        assert secret not in everything


def test_the_request_says_what_the_node_wants_to_know():
    provider, request = _begun(Node(), provider_name="Gmina Lipowo & spółka", sp_type="public")
    start = provider.begin(request)
    fields = dict(start.go.fields)
    root = etree.fromstring(b64decode(fields["SAMLRequest"]))

    assert start.go.address == ADDRESSES["sso_url"]
    assert fields["RelayState"] == request.handle
    assert "ForeignAuthentication" not in fields
    assert start.kept == ""
    assert root.tag == f"{SAMLP}AuthnRequest"
    assert {name: root.get(name) for name in root.attrib} == {
        "ID": f"ID-{request.request_id}",
        "Version": "2.0",
        "IssueInstant": "2026-11-27T12:00:00.000Z",
        "Destination": ADDRESSES["sso_url"],
        "ForceAuthn": "true",
        "AssertionConsumerServiceURL": LIPOWO.acs,
        "ProtocolBinding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact",
        "ProviderName": "Gmina Lipowo & spółka",
    }
    assert [etree.QName(each).localname for each in root] == [
        "Issuer",
        "Signature",
        "Extensions",
        "NameIDPolicy",
        "RequestedAuthnContext",
    ]
    assert [
        each.get("FriendlyName") for each in root.iter("{http://eidas.europa.eu/saml-extensions}RequestedAttribute")
    ] == [
        "FirstName",
        "FamilyName",
        "DateOfBirth",
        "PersonIdentifier",
    ]
    assert root.findtext(f".//{SAML}AuthnContextClassRef") == "http://eidas.europa.eu/LoA/substantial"


def test_asking_the_same_again_means_the_same():
    provider, request = _begun(Node())
    first, second = (
        etree.fromstring(b64decode(dict(provider.begin(request).go.fields)["SAMLRequest"])) for _ in range(2)
    )

    assert dict(first.attrib) == dict(second.attrib)


@pytest.mark.parametrize(("context", "tag"), [("coi", "CoiOperationContext"), ("kir", "OperationContext")])
def test_a_context_stands_last_among_the_extensions(context, tag):
    told = {"context_class": "c", "context_description": "d", "context_document": "1"}
    provider, request = _begun(
        Node(), context=context, foreign_authentication=True, destination="https://prod/", **told
    )
    fields = dict(provider.begin(request).go.fields)
    root = etree.fromstring(b64decode(fields["SAMLRequest"]))
    last = root.find(f"{SAMLP}Extensions")[-1]

    assert etree.QName(last).localname == tag
    assert dict(last.attrib) == {"ContextClass": "c", "ContextDescription": "d", "DocumentID": "1"}
    assert root.get("Destination") == "https://prod/"
    assert fields["ForeignAuthentication"] == "true"


@pytest.mark.parametrize(
    ("office", "core", "asked"),
    [("low", "substantial", "substantial"), ("high", "low", "high"), ("substantial", "substantial", "substantial")],
)
def test_the_higher_of_two_levels_is_asked_for_and_checked(office, core, asked):
    node = Node(level="low")
    provider, request = _begun(node, level=office)
    request = sign_in_request(LIPOWO.acs, level=Assurance(core), begun_at=NOW)
    root = etree.fromstring(b64decode(dict(provider.begin(request).go.fields)["SAMLRequest"]))

    assert root.findtext(f".//{SAML}AuthnContextClassRef").endswith(asked)
    node.request_id = saml_id(request.request_id)
    with pytest.raises(SignInRefused) as refused:
        _finish(provider, request)
    assert refused.value.check == "level"


def test_another_provider_tells_who_it_is_under_names_of_its_own():
    names = {
        "given_name_attribute": "urn:oid:2.5.4.42",
        "family_name_attribute": "urn:oid:2.5.4.4",
        "birth_attribute": "birth",
        "identifier_attribute": "pesel",
    }

    def rename(assertion):
        for each, name in zip(assertion.iter(f"{SAML}Attribute"), names.values(), strict=True):
            each.set("Name", name)

    town = Town("lipowo", Profile.RSA)
    provider, request = _begun(Node(town, at("assertion", rename)), town, **names)
    person = _finish(provider, request)

    assert (person.given_name, person.family_name, person.pesel) == ("Jan", "Testowy", JAN.identifier)


def test_the_id_of_the_node_in_the_encryption_may_be_another():
    provider, request = _begun(Node(party_u="wk"), idp_party="wk")
    assert _finish(provider, request).pesel == JAN.identifier


@pytest.mark.parametrize("session", ["", "{}", "[]", "null", '{"name": 1}'])
def test_a_session_without_words_is_not_ended(session):
    provider, _ = _begun(Node())
    with pytest.raises(Refused):
        provider.end(SignOutRequest(uuid4(), session))


def test_the_end_of_a_session_is_asked_for_with_its_words():
    http = ScriptedHttp(HttpAnswer(500, {}, b""))
    provider = EpuapProvider(settings_for(LIPOWO, **ADDRESSES), http)
    session = json.dumps({"name": "opaque", "format": "urn:x", "index": "ID-1"})
    with pytest.raises(ExternalSystemError):
        provider.end(SignOutRequest(uuid4(), session))
    (_, url, more) = http.asked[0]
    root = etree.fromstring(more["body"])[0][0]

    assert url == ADDRESSES["slo_url"]
    assert root.get("NotOnOrAfter") == "2026-11-27T12:05:00.000Z"
    assert (root.findtext(f"{SAML}NameID"), root.find(f"{SAML}NameID").get("Format")) == ("opaque", "urn:x")
    assert root.findtext(f"{SAMLP}SessionIndex") == "ID-1"


def test_a_name_nobody_should_choose_stays_a_text():
    provider, request = _begun(Node(), issuer='https://x/"><evil/>', provider_name="a" * 200)
    root = etree.fromstring(b64decode(dict(provider.begin(request).go.fields)["SAMLRequest"]))

    assert root.findtext(f"{SAML}Issuer") == 'https://x/"><evil/>'


def test_an_answer_of_another_node_is_not_believed():
    provider, request = _begun(Node(issuer="login.gov.pl"), idp_party=NODE)
    with pytest.raises(SignInRefused) as refused:
        _finish(provider, request)
    assert refused.value.check == "message_issuer"
