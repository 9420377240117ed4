"""Keys and certificates: made, read from settings, and watched before they run out."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from cryptography.x509.oid import NameOID

from skarbnik.plugin_api import ExpiryWarning, Misconfigured, NewKey
from skarbnik_epuap.settings import EpuapSettings
from skarbnik_epuap.signatures import PrivateKey, Profile, fits

BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----")
SOON = timedelta(days=45)  # a new certificate from a commercial authority, and the node's change of it, take weeks


@dataclass(frozen=True)
class Keys:
    """What the settings hold, read and found to fit together."""

    signing: PrivateKey = field(repr=False)
    signing_certificate: x509.Certificate
    encryption: tuple[PrivateKey, ...] = field(repr=False)  # the current one, then the next
    provider: tuple[x509.Certificate, ...]


def make_key(common_name: str, organisation: str) -> NewKey:
    """A new P-256 key with its certificate request (PKCS #10), for signing or for encryption."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "PL"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return NewKey(plain.decode(), request.public_bytes(Encoding.PEM).decode())


def read_keys(settings: EpuapSettings) -> Keys:
    """Misconfigured when a key or certificate cannot be read, is of the wrong kind, or does not belong to its other."""
    profile = Profile(settings.profile)
    pairs = [(settings.encryption_key, settings.encryption_certificate)]
    if settings.next_encryption_key or settings.next_encryption_certificate:
        pairs.append((settings.next_encryption_key, settings.next_encryption_certificate))
    certificates = tuple(read_certificates(settings.idp_certificates))
    if not all(fits(each.public_key(), profile) for each in certificates):
        raise Misconfigured("a certificate of the provider is not of the kind that was agreed on")
    signing, certificate = _pair(settings.signing_key, settings.signing_certificate, profile)
    return Keys(
        signing=signing,
        signing_certificate=certificate,
        encryption=tuple(_pair(key, certificate, profile)[0] for key, certificate in pairs),
        provider=certificates,
    )


def expiries(settings: EpuapSettings, now: datetime) -> Sequence[ExpiryWarning]:
    """Certificates that are over or end within `SOON`. An old one of the node does not matter beside a newer one."""
    ours = [
        ("Certyfikat do podpisu", settings.signing_certificate),
        ("Certyfikat do szyfrowania", settings.encryption_certificate),
        ("Następny certyfikat do szyfrowania", settings.next_encryption_certificate),
        ("Certyfikat do połączenia", settings.tls_certificate),
    ]
    dated = [(what, max(_ends(text))) for what, text in ours if text]
    dated.append(("Certyfikat podpisu węzła", max(_ends(settings.idp_certificates))))
    return [ExpiryWarning(what, ends, over=ends <= now) for what, ends in dated if ends <= now + SOON]


def read_certificates(text: str) -> list[x509.Certificate]:
    """Certificates of a PEM text, one or more, whose keys are of a kind that can be read."""
    try:
        found = [x509.load_der_x509_certificate(body) for label, body in _blocks(text) if label == "CERTIFICATE"]
        keys = [each.public_key() for each in found]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Misconfigured("a certificate cannot be read") from error
    if not keys:
        raise Misconfigured("there is no certificate where one should be")
    return found


def read_key(text: str) -> PrivateKey:
    """A private key without a password. Its lines may have been lost when it was pasted."""
    try:
        (_, body) = next(iter(_blocks(text)))
        return load_der_private_key(body, None)  # type: ignore[return-value]  # `fits` judges its kind
    except (StopIteration, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Misconfigured("a private key cannot be read") from error


def _ends(text: str) -> list[datetime]:
    return [each.not_valid_after_utc for each in read_certificates(text)]


def _blocks(text: str) -> list[tuple[str, bytes]]:
    return [(label, b64decode("".join(body.split()))) for label, body in BLOCK.findall(text)]


def _pair(key_text: str, certificate_text: str, profile: Profile) -> tuple[PrivateKey, x509.Certificate]:
    key, certificates = read_key(key_text), read_certificates(certificate_text)
    if len(certificates) != 1 or not fits(key, profile):
        raise Misconfigured("a key is not of the kind that was agreed on")
    if _public(key.public_key()) != _public(certificates[0].public_key()):
        raise Misconfigured("a private key and its certificate do not belong together")
    return key, certificates[0]


def _public(key: CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
