"""XML signatures: made with our key, and believed only in the one shape that was agreed on.

The shape is compared before a verifier sees anything: no transform, algorithm or key of a stranger is ever tried. What
counts afterwards is what was signed, read anew from the signed bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from skarbnik.plugin_api import SignInReason, SignInRefused
from skarbnik_epuap.documents import Element, children, open_document, standing_alone
from skarbnik_epuap.words import DS, ENVELOPED, EXC_C14N, SHA256, tag

logging.getLogger("signxml").setLevel(logging.WARNING)  # at DEBUG it writes down whole messages, artifact and all

SIGNATURE, SIGNED_INFO, KEY_INFO = tag(DS, "Signature"), tag(DS, "SignedInfo"), tag(DS, "KeyInfo")
CANONICAL, METHOD, REFERENCE = tag(DS, "CanonicalizationMethod"), tag(DS, "SignatureMethod"), tag(DS, "Reference")
TRANSFORMS, DIGEST_METHOD = tag(DS, "Transforms"), tag(DS, "DigestMethod")

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Profile(StrEnum):
    """Which algorithms are spoken. Nothing else is tried, whatever a message says."""

    NODE = "wk"  # login.gov.pl: ECDSA with P-256, ECDH-ES, AES-GCM
    RSA = "rsa"  # ordinary identity providers: RSA with SHA-256, RSA-OAEP with SHA-256, AES-GCM


METHODS = {Profile.NODE: SignatureMethod.ECDSA_SHA256, Profile.RSA: SignatureMethod.RSA_SHA256}


def fits(key: object, profile: Profile) -> bool:
    """Whether a public or private key is of the kind the profile signs with."""
    if profile is Profile.NODE:
        is_ec = isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey)
        return is_ec and isinstance(key.curve, ec.SECP256R1)  # type: ignore[attr-defined]  # an EC key has a curve
    return isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey) and key.key_size >= 2048


def check_shape(element: Element, profile: Profile) -> None:
    """One signature, a child of what it signs, in the agreed algorithms, over exactly its parent."""
    signatures = [child for child in element if child.tag == SIGNATURE]
    if len(signatures) != 1:
        raise SignInRefused(SignInReason.UNPROVEN, "signature_missing")
    try:
        parts = children(signatures[0], once=(SIGNED_INFO, tag(DS, "SignatureValue")), perhaps=(KEY_INFO,))
        said = children(parts[SIGNED_INFO], once=(CANONICAL, METHOD, REFERENCE))
        inside = children(said[REFERENCE], once=(TRANSFORMS, DIGEST_METHOD, tag(DS, "DigestValue")))
    except SignInRefused as error:
        raise SignInRefused(SignInReason.UNPROVEN, "signature_shape") from error
    if _algorithm(said[CANONICAL]) != (EXC_C14N, 0):
        raise SignInRefused(SignInReason.UNPROVEN, "signature_transforms")
    if not element.get("ID") or said[REFERENCE].get("URI") != f"#{element.get('ID')}":
        raise SignInRefused(SignInReason.UNPROVEN, "signature_reference")
    algorithms = (_algorithm(said[METHOD]), _algorithm(inside[DIGEST_METHOD]))
    if algorithms != ((METHODS[profile].value, 0), (SHA256, 0)):
        raise SignInRefused(SignInReason.UNPROVEN, "signature_algorithm")
    _check_transforms(inside[TRANSFORMS])


def _algorithm(element: Element) -> tuple[str | None, int]:
    return element.get("Algorithm"), len(element)


def _check_transforms(transforms: Element) -> None:
    steps = [(each.tag, each.get("Algorithm")) for each in transforms]
    if steps != [(tag(DS, "Transform"), ENVELOPED), (tag(DS, "Transform"), EXC_C14N)]:
        raise SignInRefused(SignInReason.UNPROVEN, "signature_transforms")
    enveloped, canonical = transforms
    allowed = [tag(EXC_C14N, "InclusiveNamespaces")]
    if len(enveloped) or [each.tag for each in canonical] not in ([], allowed):
        raise SignInRefused(SignInReason.UNPROVEN, "signature_transforms")


def verify(element: Element, certificates: Sequence[x509.Certificate], profile: Profile, now: datetime) -> Element:
    """What was signed, as a document of its own. `certificates` are pinned; those of today are tried.

    KeyInfo is taken away before anybody looks: a key that comes with a message proves nothing.
    """
    lone = standing_alone(element)
    check_shape(lone, profile)
    for each in lone.findall(f"{SIGNATURE}/{KEY_INFO}"):
        each.getparent().remove(each)  # type: ignore[union-attr]  # it was found below its parent
    agreed = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=frozenset({METHODS[profile]}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        verification_time=now,
    )
    for certificate in certificates:
        signed = _signed_bytes(lone, certificate, agreed) if fits(certificate.public_key(), profile) else None
        if signed is None:
            continue
        found = open_document(signed)
        if (found.tag, found.get("ID")) == (element.tag, element.get("ID")):
            return found
    raise SignInRefused(SignInReason.UNPROVEN, "signature")


def _signed_bytes(lone: Element, certificate: x509.Certificate, agreed: SignatureConfiguration) -> bytes | None:
    try:
        result = XMLVerifier().verify(lone, x509_cert=certificate, id_attribute="ID", expect_config=agreed)
    except Exception:  # whatever a verifier makes of a stranger's bytes, they are not proven
        return None
    return result.signed_data if isinstance(result, VerifyResult) else None


def sign(element: Element, key: PrivateKey, certificate: x509.Certificate, profile: Profile) -> Element:
    """The element with a signature right after its Issuer, which must be its first child."""
    place = etree.Element(SIGNATURE, nsmap={"ds": DS}, Id="placeholder")  # with its prefix, or signing may rename it
    element.insert(1, place)
    signer = XMLSigner(
        signature_algorithm=METHODS[profile],
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    return signer.sign(element, key=key, cert=[certificate], reference_uri=f"#{element.get('ID')}", id_attribute="ID")
