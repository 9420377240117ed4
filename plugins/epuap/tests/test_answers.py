"""A right answer names the person; what it says too little or too much of is refused."""

from copy import deepcopy
from datetime import date, timedelta

import pytest
from lxml import etree
from plugins.epuap.tests.forge import JAN, LIPOWO, NODE, NOW, PERSON, SECOND, Town, at, signer

from skarbnik.plugin_api import Assurance
from skarbnik_epuap.signatures import Profile

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"


@pytest.mark.parametrize("profile", Profile)
def test_a_right_answer_names_the_person(profile):
    town = Town("lipowo", profile)
    person = town.read(town.answer(assertion_id="ID-1", name_id="opaque"))

    assert (person.issuer, person.subject, person.pesel) == (NODE, JAN.identifier, JAN.identifier)
    assert (person.given_name, person.family_name, person.born_on) == ("Jan", "Testowy", date(1987, 2, 22))
    assert person.level is Assurance.SUBSTANTIAL
    assert person.assertion_id == "ID-1"
    assert person.good_until == NOW + timedelta(minutes=50, seconds=90)
    assert '"name": "opaque"' in person.session
    assert '"index": "ID-1"' in person.session


def test_the_key_of_sixteen_bytes_the_node_has_sent_under_the_name_of_a_longer_one_opens():
    assert LIPOWO.read(LIPOWO.answer(bits=128)).pesel == JAN.identifier


def test_an_ordinary_provider_may_not_send_a_key_of_another_length_than_it_says():
    town = Town("lipowo", Profile.RSA)

    assert town.refusal(town.answer(bits=128)) == ("unreadable", "key_size")


def test_while_a_key_is_changed_both_open():
    old, new = LIPOWO.sealing, signer("lipowo next")

    for key in (old, new):
        body = LIPOWO.answer(encryption_certificate=key.certificate)
        assert LIPOWO.read(body, keys=(old.key, new.key)).pesel == JAN.identifier
    assert LIPOWO.refusal(body) == ("unreadable", "key")


def test_the_node_may_change_its_certificate_among_those_we_trust():
    new = signer("node next")
    trusted = (signer("node").certificate, new.certificate)

    assert LIPOWO.read(LIPOWO.answer(by=new), certificates=trusted).pesel == JAN.identifier
    assert LIPOWO.refusal(LIPOWO.answer(by=new)) == ("unproven", "signature")


@pytest.mark.parametrize("days", [-1000, 1000], ids=["over", "not yet"])
def test_a_certificate_counts_only_on_its_days(days):
    other = signer(f"node {days}", since=NOW + timedelta(days=days), days=365)

    assert LIPOWO.refusal(LIPOWO.answer(by=other), certificates=(other.certificate,)) == ("unproven", "signature")


def test_a_name_is_made_fit_to_be_shown():
    def change(assertion):
        assertion.find(f".//{SAML}AttributeValue").text = "  Jan \n\u202e Maria " + "x" * 300

    person = LIPOWO.read(LIPOWO.answer(at("assertion", change)))
    assert person.given_name.startswith("Jan Maria xxx")
    assert len(person.given_name) == 120


def test_blanks_between_elements_are_signed_and_do_not_matter():
    def change(envelope):
        envelope[1].text = envelope[1][0].tail = "\n  "

    assert LIPOWO.read(LIPOWO.answer(at("envelope", change))).pesel == JAN.identifier


def test_whose_level_is_higher_than_asked_comes_in():
    assert LIPOWO.read(LIPOWO.answer(person=PERSON["maria"])).level is Assurance.HIGH


@pytest.mark.parametrize("stage", ["response", "outer", "assertion"])
def test_an_element_nobody_agreed_on_is_refused(stage):
    body = LIPOWO.answer(at(stage, lambda element: etree.SubElement(element, "{urn:x}More")))
    assert LIPOWO.refusal(body) == ("malformed", "layout")


def test_a_condition_nobody_understands_makes_the_assertion_invalid():
    def change(assertion):
        etree.SubElement(assertion.find(f"{SAML}Conditions"), "{urn:x}Condition")

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", change))) == ("malformed", "conditions")


def test_an_answer_without_a_response_or_an_assertion_is_refused():
    def remove(element):
        element.remove(element[-1])

    assert LIPOWO.refusal(LIPOWO.answer(at("outer", remove))) == ("malformed", "no_response")
    assert LIPOWO.refusal(LIPOWO.answer(person=None)) == ("malformed", "no_assertion")


def test_a_fault_of_soap_is_no_answer():
    fault = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault/></s:Body></s:Envelope>'

    assert LIPOWO.refusal(fault) == ("malformed", "layout")
    assert LIPOWO.refusal(b"<html/>") == ("malformed", "envelope")


@pytest.mark.parametrize("name", ["Issuer", "Subject", "Conditions", "AuthnStatement", "AttributeStatement"])
@pytest.mark.parametrize("how", ["missing", "twice"])
def test_an_assertion_with_a_part_missing_or_twice_is_refused(name, how):
    def change(assertion):
        part = assertion.find(f"{SAML}{name}")
        if how == "missing":
            assertion.remove(part)
        else:
            part.addnext(deepcopy(part))

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", change))) == ("malformed", "layout")


@pytest.mark.parametrize("stage", ["response", "outer"])
@pytest.mark.parametrize("name", [f"{SAML}Issuer", f"{SAMLP}Status"])
def test_a_message_with_a_part_missing_or_twice_is_refused(stage, name):
    def missing(message):
        message.remove(message.find(name))

    def twice(message):
        message.find(name).addnext(deepcopy(message.find(name)))

    for change in (missing, twice):
        assert LIPOWO.refusal(LIPOWO.answer(at(stage, change))) == ("malformed", "layout")


def test_an_envelope_without_a_body_is_refused():
    empty = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header/></s:Envelope>'

    assert LIPOWO.refusal(empty) == ("malformed", "layout")


def test_a_value_that_is_too_long_is_refused():
    def change(assertion):
        assertion.find(f"{SAML}Subject/{SAML}NameID").text = "x" * 1001

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", change))) == ("malformed", "length")


def test_only_an_assertion_is_read_as_one():
    def change(assertion):
        assertion.tag = f"{SAML}Advice"

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", change))) == ("malformed", "layout")


def test_another_version_of_saml_is_refused():
    for stage, check in (("response", "layout"), ("outer", "layout"), ("assertion", "assertion_version")):
        body = LIPOWO.answer(at(stage, lambda element: element.set("Version", "1.1")))
        assert LIPOWO.refusal(body) == ("malformed", check)


def test_a_confirmation_without_its_data_is_refused():
    def change(assertion):
        confirmation = assertion.find(f".//{SAML}SubjectConfirmation")
        confirmation.remove(confirmation[0])

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", change))) == ("malformed", "confirmation")


def test_words_for_ending_a_session_are_bounded():
    def change(assertion):
        assertion.find(f"{SAML}AuthnStatement").set("SessionIndex", "x" * 2048)

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", change))) == ("malformed", "session")


@pytest.mark.parametrize("seconds", [0, 20, 120])
def test_an_answer_is_remembered_as_long_as_it_would_be_believed(seconds):
    """One that ends soon, so that its age does not refuse it first."""
    body, skew = LIPOWO.answer(lasts=timedelta(minutes=2)), timedelta(seconds=seconds)
    person = LIPOWO.read(body, skew=skew)

    assert LIPOWO.read(body, person.good_until - SECOND, skew=skew) is not None
    assert LIPOWO.refusal(body, person.good_until, skew=skew) == ("not_now", "conditions_times")


def test_an_answer_that_never_ends_is_remembered_longer_than_it_is_believed():
    body = LIPOWO.answer(lasts=timedelta(days=365 * 100))

    assert LIPOWO.read(body).good_until == NOW + timedelta(hours=12, seconds=90)
    assert LIPOWO.refusal(body, NOW + timedelta(minutes=7)) == ("not_now", "message_age")
