"""What an attacker may do to signatures: each fails by the check that is there for it, before anything is decrypted.

Signature wrapping is in `test_wrapping`.
"""

import hashlib
import hmac
from base64 import b64encode
from copy import deepcopy

import pytest
import signxml
from lxml import etree
from plugins.epuap.tests.forge import LIPOWO, NOW, PERSON, at, pem, signer

from skarbnik.plugin_api import SignInRefused
from skarbnik_epuap import answers, signatures
from skarbnik_epuap.signatures import Profile

DS = "{http://www.w3.org/2000/09/xmldsig#}"
SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


@pytest.fixture
def opened(monkeypatch):
    """What was decrypted: nothing may be before everything is proven."""
    seen = []
    monkeypatch.setattr(answers, "decrypt", lambda *given: seen.append(given))
    return seen


# Unsigned, stripped, moved


@pytest.mark.parametrize("left_out", ["sign_response", "sign_outer"])
def test_an_unsigned_message_is_refused_before_anything_is_decrypted(left_out, opened):
    body = LIPOWO.answer(sealed={left_out: False})

    assert LIPOWO.refusal(body) == ("unproven", "signature_missing")
    assert opened == []


@pytest.mark.parametrize("path", [f"{SAMLP}ArtifactResponse", f"{SAMLP}ArtifactResponse/{SAMLP}Response"])
@pytest.mark.parametrize("how", ["stripped", "doubled", "emptied", "deeper"])
def test_a_signature_that_is_not_one_in_its_place_is_refused(path, how, opened):
    def change(envelope):
        element = envelope[1].find(path)
        signature = element.find(f"{DS}Signature")
        if how == "stripped":
            element.remove(signature)
        elif how == "doubled":
            element.insert(1, deepcopy(signature))
        elif how == "emptied":
            signature.find(f"{DS}SignatureValue").text = ""
        else:
            element.find(f"{SAMLP}Status").append(signature)

    reason, check = LIPOWO.refusal(LIPOWO.answer(at("envelope", change)))
    assert reason == "unproven"
    assert check in {"signature_missing", "signature"}
    assert opened == []


def test_one_changed_letter_breaks_a_signature(opened):
    body = LIPOWO.answer().replace(b'InResponseTo="ID-request-lipowo"', b'InResponseTo="ID-request-Lipowo"')

    assert LIPOWO.refusal(body) == ("unproven", "signature")
    assert opened == []


# Keys and algorithms of the attacker


@pytest.mark.parametrize("who", ["by", "response_signer"])
def test_a_key_that_comes_with_the_message_proves_nothing(who, opened):
    stranger = signer("stranger")
    body = LIPOWO.answer(by=stranger) if who == "by" else LIPOWO.answer(sealed={"response_signer": stranger})

    assert pem(stranger.certificate).split("\n")[1].encode() in body.replace(b"&#13;", b"")
    assert LIPOWO.refusal(body) == ("unproven", "signature")
    assert opened == []


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "",
    ],
)
def test_another_signature_algorithm_is_refused_unseen(algorithm, no_verifier):
    def change(envelope):
        envelope.find(f".//{DS}SignatureMethod").set("Algorithm", algorithm)

    assert LIPOWO.refusal(LIPOWO.answer(at("envelope", change))) == ("unproven", "signature_algorithm")


def test_an_hmac_with_our_certificate_as_its_key_is_refused():
    """Made right: were HMAC allowed with a public key as its secret, this would be believed."""
    secret = pem(signer("node").certificate).encode()

    def change(envelope):
        signature = envelope[1][0].find(f"{DS}Signature")
        signature.find(f".//{DS}SignatureMethod").set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
        said = etree.tostring(signature.find(f"{DS}SignedInfo"), method="c14n", exclusive=True)
        value = hmac.new(secret, said, hashlib.sha256).digest()
        signature.find(f"{DS}SignatureValue").text = b64encode(value).decode()

    assert LIPOWO.refusal(LIPOWO.answer(at("envelope", change))) == ("unproven", "signature_algorithm")


@pytest.mark.parametrize(
    "algorithm", ["http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmlenc#sha512"]
)
def test_another_digest_is_refused_unseen(algorithm, no_verifier):
    def change(envelope):
        envelope.find(f".//{DS}DigestMethod").set("Algorithm", algorithm)

    assert LIPOWO.refusal(LIPOWO.answer(at("envelope", change))) == ("unproven", "signature_algorithm")


def test_an_rsa_signature_is_none_where_ecdsa_was_agreed():
    other = signer("node", Profile.RSA)

    refused = LIPOWO.refusal(LIPOWO.answer(by=other), certificates=(other.certificate,))
    assert refused == ("unproven", "signature_algorithm")


@pytest.fixture
def no_verifier(monkeypatch):
    """No verifier may see it."""

    def never(*given, **more):
        raise AssertionError("a verifier was asked")

    monkeypatch.setattr(signxml.verifier.XMLVerifier, "verify", never)
    monkeypatch.setattr(signatures, "_signed_bytes", never)


# Transforms


def _transform(algorithm, inside=""):
    return etree.fromstring(
        f'<ds:Transform xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm="{algorithm}">{inside}</ds:Transform>'
    )


XSLT = (
    '<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform" version="1.0"><x:template match="/">'
    '<x:for-each select="//. | //@*"><x:value-of select="//."/></x:for-each></x:template></x:stylesheet>'
)
TRANSFORMS = {
    "xslt": [_transform("http://www.w3.org/TR/1999/REC-xslt-19991116", XSLT)],
    "xslt besides": [_transform("http://www.w3.org/TR/1999/REC-xslt-19991116", XSLT), None],
    "xpath": [_transform("http://www.w3.org/TR/1999/REC-xpath-19991116"), None],
    "with comments": [_transform(f"{DS[1:-1]}enveloped-signature"), _transform(f"{EXCLUSIVE}WithComments")],
    "inclusive": [
        _transform(f"{DS[1:-1]}enveloped-signature"),
        _transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
    ],
    "base64": [_transform(f"{DS[1:-1]}base64")],
    "not enveloped": [_transform(EXCLUSIVE)],
    "the other way round": [_transform(EXCLUSIVE), _transform(f"{DS[1:-1]}enveloped-signature")],
    "something inside": [_transform(f"{DS[1:-1]}enveloped-signature"), _transform(EXCLUSIVE, "<x/>")],
    "none": [],
}


@pytest.mark.parametrize("steps", TRANSFORMS.values(), ids=TRANSFORMS)
def test_a_transform_nobody_agreed_on_is_refused_unseen(steps, no_verifier):
    def change(envelope):
        place = envelope.find(f".//{DS}Transforms")
        usual = list(place)
        place[:] = [deepcopy(each) for step in steps for each in (usual if step is None else [step])]

    assert LIPOWO.refusal(LIPOWO.answer(at("envelope", change))) == ("unproven", "signature_transforms")


def test_another_canonicalization_of_the_signed_words_is_refused_unseen(no_verifier):
    def change(envelope):
        envelope.find(f".//{DS}CanonicalizationMethod").set("Algorithm", f"{EXCLUSIVE}WithComments")

    assert LIPOWO.refusal(LIPOWO.answer(at("envelope", change))) == ("unproven", "signature_transforms")


@pytest.mark.parametrize("uri", ["", "#xpointer(/)", "#ID-other", "http://evil.example/x", None])
def test_a_signature_over_something_else_is_refused_unseen(uri, no_verifier):
    def change(envelope):
        reference = envelope.find(f".//{DS}Reference")
        if uri is None:
            del reference.attrib["URI"]
        else:
            reference.set("URI", uri)

    assert LIPOWO.refusal(LIPOWO.answer(at("envelope", change))) == ("unproven", "signature_reference")


def test_a_second_reference_is_refused_unseen(no_verifier):
    def change(envelope):
        reference = envelope.find(f".//{DS}Reference")
        reference.addnext(deepcopy(reference))

    assert LIPOWO.refusal(LIPOWO.answer(at("envelope", change))) == ("unproven", "signature_shape")


def test_what_is_read_is_what_was_signed_and_not_the_tree_that_came(monkeypatch):
    response = etree.fromstring(LIPOWO.answer()).find(f".//{SAMLP}Response")
    signed = f'<p:Response xmlns:p="{SAMLP[1:-1]}" ID="{response.get("ID")}" From="signed"/>'.encode()
    monkeypatch.setattr(signatures, "_signed_bytes", lambda *given: signed)
    trusted = (signer("node").certificate,)

    assert signatures.verify(response, trusted, Profile.NODE, NOW).get("From") == "signed"
    signed = signed.replace(b'ID="', b'ID="other')
    with pytest.raises(SignInRefused):
        signatures.verify(response, trusted, Profile.NODE, NOW)


def test_both_signatures_vouch_for_the_same_response(monkeypatch):
    """Were a verifier to say of the outer message that it holds another response, nobody comes in."""
    other = etree.fromstring(LIPOWO.answer(person=PERSON["maria"])).find(f".//{SAMLP}ArtifactResponse")
    real = answers.verify

    def verify(element, *given):
        return other if element.tag == other.tag else real(element, *given)

    monkeypatch.setattr(answers, "verify", verify)
    assert LIPOWO.refusal(LIPOWO.answer()) == ("unproven", "other_response")
