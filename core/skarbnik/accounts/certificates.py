"""Certificates and keys of the gmina's own, as the office's page shows and joins them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from skarbnik.errors import Invalid


@dataclass(frozen=True)
class Dated:
    """Whose certificate it is, who made it, and until when it is good."""

    subject: str
    maker: str
    until_at: datetime
    number: str


def read_dated(text: str) -> list[Dated]:
    """Certificates of a PEM text in their order. Invalid when one cannot be read."""
    try:
        return [
            Dated(
                each.subject.rfc4514_string(),
                each.issuer.rfc4514_string(),
                each.not_valid_after_utc,
                f"{each.serial_number:x}",
            )
            for each in x509.load_pem_x509_certificates(text.encode())
        ]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Invalid("a certificate cannot be read") from error


def belongs(certificate: str, key: str) -> bool:
    """Whether a certificate is of this key. Invalid when either cannot be read, or there are several certificates."""
    try:
        (one,) = x509.load_pem_x509_certificates(certificate.encode())
        public = [one.public_key(), load_pem_private_key(key.encode(), None).public_key()]
        first, second = (each.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for each in public)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Invalid("a certificate or a key cannot be read") from error
    return bool(first == second)
