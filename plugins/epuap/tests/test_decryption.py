"""What is encrypted otherwise than agreed, for another party, or for another key, is not opened."""

from base64 import b64encode
from copy import deepcopy

import pytest
from plugins.epuap.tests.forge import JAN, LIPOWO, Town, at

from skarbnik_epuap.signatures import Profile

DS = "{http://www.w3.org/2000/09/xmldsig#}"
SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
XENC = "{http://www.w3.org/2001/04/xmlenc#}"
XENC11 = "{http://www.w3.org/2009/xmlenc11#}"
METHOD = f"{XENC}EncryptionMethod"


@pytest.mark.parametrize(("word", "check"), [("party_v", "party_v"), ("party_u", "party_u")])
def test_a_key_agreed_with_another_party_is_refused_though_it_opens(word, check):
    assert LIPOWO.refusal(LIPOWO.answer(**{word: "https://debina.example"})) == ("unreadable", check)


@pytest.mark.parametrize("name", ["PartyUInfo", "PartyVInfo", "AlgorithmID"])
def test_a_key_agreed_with_nobody_in_particular_is_refused(name):
    def change(response):
        del response.find(f".//{XENC11}ConcatKDFParams").attrib[name]

    assert LIPOWO.refusal(LIPOWO.answer(at("response", change))) == ("unreadable", "parties")


def test_more_mixed_into_the_key_than_was_agreed_is_refused():
    def change(response):
        response.find(f".//{XENC11}ConcatKDFParams").set("SuppPubInfo", "00")

    assert LIPOWO.refusal(LIPOWO.answer(at("response", change))) == ("unreadable", "parties")


@pytest.mark.parametrize(
    ("path", "algorithm", "check"),
    [
        (f"{XENC}EncryptedData/{METHOD}", f"{XENC[1:-1]}aes256-cbc", "encryption_algorithm"),
        (f"{XENC}EncryptedData/{METHOD}", f"{XENC11[1:-1]}aes128-gcm", "encryption_algorithm"),
        (f".//{XENC}EncryptedKey/{METHOD}", f"{XENC[1:-1]}rsa-1_5", "agreement_algorithm"),
        (f".//{XENC}EncryptedKey/{METHOD}", f"{XENC[1:-1]}kw-aes128", "agreement_algorithm"),
        (f".//{XENC}AgreementMethod", f"{XENC[1:-1]}dh", "agreement_algorithm"),
        (f".//{XENC11}ConcatKDFParams/{DS}DigestMethod", f"{DS[1:-1]}sha1", "agreement_algorithm"),
    ],
)
def test_other_encryption_than_was_agreed_is_refused(path, algorithm, check):
    def change(response):
        response.find(f"{SAML}EncryptedAssertion").find(path).set("Algorithm", algorithm)

    assert LIPOWO.refusal(LIPOWO.answer(at("response", change))) == ("unreadable", check)


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        (f"{XENC}EncryptionMethod", "http://www.w3.org/2001/04/xmlenc#rsa-1_5"),
        (f"{XENC}EncryptionMethod", "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"),
        (f"{XENC}EncryptionMethod/{DS}DigestMethod", "http://www.w3.org/2000/09/xmldsig#sha1"),
        (f"{XENC}EncryptionMethod/{XENC11}MGF", "http://www.w3.org/2009/xmlenc11#mgf1sha1"),
    ],
)
def test_an_ordinary_provider_wraps_keys_with_oaep_and_sha_256_or_not_at_all(name, algorithm):
    town = Town("lipowo", Profile.RSA)

    def change(response):
        response.find(f".//{XENC}EncryptedKey/{name}").set("Algorithm", algorithm)

    assert town.refusal(town.answer(at("response", change))) == ("unreadable", "agreement_algorithm")


def test_a_point_off_the_curve_opens_nothing():
    def change(response):
        point = response.find(".//{http://www.w3.org/2009/xmldsig11#}PublicKey")
        point.text = b64encode(b"\x04" + b"\x01" * 64).decode()

    assert LIPOWO.refusal(LIPOWO.answer(at("response", change))) == ("unreadable", "key")


def test_a_changed_ciphertext_opens_nothing():
    def change(response):
        value = response.find(f"{SAML}EncryptedAssertion/{XENC}EncryptedData/{XENC}CipherData/{XENC}CipherValue")
        text = "".join(value.text.split())
        value.text = ("A" if text[40] != "A" else "B").join([text[:40], text[41:]])

    assert LIPOWO.refusal(LIPOWO.answer(at("response", change))) == ("unreadable", "ciphertext")


def _sealed(response):
    return response.find(f"{SAML}EncryptedAssertion")


def _refused_when(change):
    return LIPOWO.refusal(LIPOWO.answer(at("response", change)))


@pytest.mark.parametrize("text", ["", "AAAA", b64encode(b"x" * 28).decode()])
def test_a_ciphertext_without_room_for_anything_opens_nothing(text):
    def change(response):
        _sealed(response).find(f"{XENC}EncryptedData/{XENC}CipherData/{XENC}CipherValue").text = text

    assert _refused_when(change) == ("unreadable", "ciphertext")


def test_a_key_may_lie_beside_what_it_opens():
    def change(response):
        sealed = _sealed(response)
        sealed.append(sealed.find(f".//{XENC}EncryptedKey"))

    assert LIPOWO.read(LIPOWO.answer(at("response", change))).pesel == JAN.identifier


@pytest.mark.parametrize("how", ["none", "two", "one more beside"])
def test_there_is_one_key_or_nothing_is_opened(how):
    def change(response):
        key = _sealed(response).find(f".//{XENC}EncryptedKey")
        if how == "none":
            key.getparent().remove(key)
        elif how == "two":
            key.addnext(deepcopy(key))
        else:
            _sealed(response).append(deepcopy(key))

    assert _refused_when(change) == ("unreadable", "encrypted_key")


def test_two_ciphertexts_are_none():
    def change(response):
        data = _sealed(response)[0]
        data.addnext(deepcopy(data))
        data.getnext().set("Id", "another")

    assert _refused_when(change) == ("unreadable", "encryption_layout")


@pytest.mark.parametrize("text", ["%%%", "AAA", "ą"])
def test_what_is_not_base64_opens_nothing(text):
    def change(response):
        _sealed(response).find(f".//{XENC}EncryptedKey/{XENC}CipherData/{XENC}CipherValue").text = text

    assert _refused_when(change) == ("unreadable", "base64")


def test_a_key_on_another_curve_opens_nothing():
    def change(response):
        curve = response.find(".//{http://www.w3.org/2009/xmldsig11#}NamedCurve")
        curve.set("URI", "urn:oid:1.3.132.0.34")

    assert _refused_when(change) == ("unreadable", "curve")


def test_content_of_an_element_is_not_an_element():
    def change(response):
        _sealed(response)[0].set("Type", f"{XENC[1:-1]}Content")

    assert _refused_when(change) == ("unreadable", "encryption_algorithm")
