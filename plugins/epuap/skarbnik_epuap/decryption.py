"""The encrypted assertion: a key agreed by ECDH-ES (or wrapped with RSA-OAEP), and AES-GCM. Nothing else is tried.

Two things of the node differ from XML Encryption 1.1, seen in its messages: the parameters of ConcatKDF have no octet
of padding bits in front, and a key of 16 bytes has come under the name of aes256-gcm.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from skarbnik.plugin_api import SignInReason, SignInRefused
from skarbnik_epuap.documents import Element, text_of
from skarbnik_epuap.signatures import PrivateKey, Profile
from skarbnik_epuap.words import (
    CONCAT_KDF,
    DS,
    DSIG11,
    ECDH_ES,
    KW_AES256,
    MGF1_SHA256,
    P256,
    RSA_OAEP,
    SHA256,
    XENC,
    XENC11,
    tag,
)

ENCRYPTED_DATA, ENCRYPTED_KEY = tag(XENC, "EncryptedData"), tag(XENC, "EncryptedKey")
KEY_INFO, METHOD, DIGEST = tag(DS, "KeyInfo"), tag(XENC, "EncryptionMethod"), tag(DS, "DigestMethod")
ELEMENT = XENC + "Element"
PARAMETERS = ("AlgorithmID", "PartyUInfo", "PartyVInfo")
NONCE, MARK = 12, 16  # bytes before and behind what AES-GCM encrypts
SIZES = {  # bytes of a key by algorithm
    Profile.NODE: {XENC11 + "aes256-gcm": {16, 32}},
    Profile.RSA: {XENC11 + "aes128-gcm": {16}, XENC11 + "aes256-gcm": {32}},
}


@dataclass(frozen=True)
class Parties:
    """Who the key was agreed between: the provider's id and our issuer."""

    provider: str
    ours: str


def decrypt(sealed: Element, keys: Sequence[PrivateKey], parties: Parties, profile: Profile) -> bytes:
    """What an EncryptedAssertion holds. `keys` are the current one and the next; each is tried."""
    data = _only(sealed, ENCRYPTED_DATA)
    algorithm = _only(data, METHOD).get("Algorithm", "")
    if algorithm not in SIZES[profile] or data.get("Type", ELEMENT) != ELEMENT:
        raise _refused("encryption_algorithm")
    wrapped = _encrypted_key(sealed, data)
    body = _cipher_value(data)
    if len(body) <= NONCE + MARK:
        raise _refused("ciphertext")
    for key in keys:
        content_key = _agreed(wrapped, key, parties) if profile is Profile.NODE else _unwrapped(wrapped, key)
        if content_key is None:
            continue
        if len(content_key) not in SIZES[profile][algorithm]:
            raise _refused("key_size")
        try:
            return AESGCM(content_key).decrypt(body[:NONCE], body[NONCE:], None)
        except InvalidTag as error:
            raise _refused("ciphertext") from error
    raise _refused("key")


def other_info(algorithm: str, parties: Parties) -> tuple[bytes, bytes, bytes]:
    """AlgorithmID, PartyUInfo and PartyVInfo as the node writes them: four bytes of length, then the text."""
    texts = [text.encode() for text in (algorithm, parties.provider, parties.ours)]
    first, second, third = (len(text).to_bytes(4, "big") + text for text in texts)
    return first, second, third


def _encrypted_key(sealed: Element, data: Element) -> Element:
    """Inside the KeyInfo of the data, where the node puts it, or beside the data (SAML 2.0 core, 2.3.4)."""
    inside = _only(data, KEY_INFO).findall(ENCRYPTED_KEY)
    found = inside + sealed.findall(ENCRYPTED_KEY)
    if len(found) != 1:
        raise _refused("encrypted_key")
    return found[0]


def _agreed(wrapped: Element, key: PrivateKey, parties: Parties) -> bytes | None:
    """ECDH-ES with ConcatKDF over SHA-256, then AES key unwrap. None when it was not wrapped for this key."""
    agreement = _only(_only(wrapped, KEY_INFO), tag(XENC, "AgreementMethod"))
    derivation = _only(agreement, tag(XENC11, "KeyDerivationMethod"))
    parameters = _only(derivation, tag(XENC11, "ConcatKDFParams"))
    said = (_only(wrapped, METHOD), agreement, derivation, _only(parameters, DIGEST))
    if [each.get("Algorithm") for each in said] != [KW_AES256, ECDH_ES, CONCAT_KDF, SHA256]:
        raise _refused("agreement_algorithm")
    info = _checked_info(parameters, parties)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        return None
    try:
        shared = key.exchange(ec.ECDH(), _ephemeral_key(agreement))
        derived = ConcatKDFHash(hashes.SHA256(), 32, b"".join(info)).derive(shared)
        return aes_key_unwrap(derived, _cipher_value(wrapped))
    except (InvalidUnwrap, ValueError):
        return None


def _checked_info(parameters: Element, parties: Parties) -> tuple[bytes, bytes, bytes]:
    """What was mixed into the key must be who we are and whom we ask: it is the same answer for nobody else."""
    wanted = other_info(KW_AES256, parties)
    if set(parameters.attrib) != set(PARAMETERS):
        raise _refused("parties")
    for name, check, right in zip(PARAMETERS, ("agreement_algorithm", "party_u", "party_v"), wanted, strict=True):
        if parameters.get(name, "").lower() != right.hex():
            raise _refused(check)
    return wanted


def _ephemeral_key(agreement: Element) -> ec.EllipticCurvePublicKey:
    value = _only(_only(agreement, tag(XENC, "OriginatorKeyInfo")), tag(DS, "KeyValue"))
    point = _only(value, tag(DSIG11, "ECKeyValue"))
    if _only(point, tag(DSIG11, "NamedCurve")).get("URI") != P256:
        raise _refused("curve")
    encoded = _decoded(_only(point, tag(DSIG11, "PublicKey")))
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded)  # ValueError when off the curve


def _unwrapped(wrapped: Element, key: PrivateKey) -> bytes | None:
    """RSA-OAEP with SHA-256 in both places. None when it was not wrapped for this key."""
    method = _only(wrapped, METHOD)
    said = (method, _only(method, DIGEST), _only(method, tag(XENC11, "MGF")))
    if [each.get("Algorithm") for each in said] != [RSA_OAEP, SHA256, MGF1_SHA256] or len(method) != 2:
        raise _refused("agreement_algorithm")
    if not isinstance(key, rsa.RSAPrivateKey):
        return None
    try:
        return key.decrypt(_cipher_value(wrapped), OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None))
    except ValueError:
        return None


def _only(parent: Element, name: str) -> Element:
    found = parent.findall(name)
    if len(found) != 1:
        raise _refused("encryption_layout")
    return found[0]


def _cipher_value(parent: Element) -> bytes:
    return _decoded(_only(_only(parent, tag(XENC, "CipherData")), tag(XENC, "CipherValue")))


def _decoded(element: Element) -> bytes:
    try:
        return b64decode("".join(text_of(element).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused("base64") from error


def _refused(check: str) -> SignInRefused:
    return SignInRefused(SignInReason.UNREADABLE, check)
