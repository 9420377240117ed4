"""The node's own key. It is kept in a file, so that gminas may trust it across restarts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from epuap_simulator.sealing import Signer, private_pem


def make_signer(name: str) -> Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return Signer(key, certificate)


def read_signer(path: Path | None, name: str) -> Signer:
    if path is None:
        return make_signer(name)
    if not path.exists():
        made = make_signer(name)
        path.touch(mode=0o600)
        path.write_bytes(private_pem(made.key) + made.certificate.public_bytes(Encoding.PEM))
    body = path.read_bytes()
    key = load_pem_private_key(body, None)
    return Signer(key, x509.load_pem_x509_certificate(body[body.index(b"-----BEGIN CERTIFICATE") :]))
