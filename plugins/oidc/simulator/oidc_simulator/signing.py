"""JSON Web Signature by hand, over `cryptography`: what another library reads, this one did not write."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def left_half(text: str) -> str:
    return b64(hashlib.sha256(text.encode()).digest()[:16])


@dataclass(frozen=True)
class Signer:
    """A key pair with its name. RSA signs RS256, a curve ES256."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    kid: str

    @property
    def algorithm(self) -> str:
        return "RS256" if isinstance(self.key, rsa.RSAPrivateKey) else "ES256"

    def jwk(self) -> dict[str, str]:
        public = self.key.public_key()
        base = {"kid": self.kid, "use": "sig", "alg": self.algorithm}
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            return {**base, "kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        point = public.public_numbers()
        x, y = (b64(each.to_bytes(32, "big")) for each in (point.x, point.y))
        return {**base, "kty": "EC", "crv": "P-256", "x": x, "y": y}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        head = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **header}
        signed = text_of({name: value for name, value in head.items() if value is not None}, claims)
        return f"{signed}.{b64(self._signature(signed.encode()))}"

    def _signature(self, data: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def text_of(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """What is signed."""
    return ".".join(b64(json.dumps(each, separators=(",", ":")).encode()) for each in (header, claims))


def unsigned(claims: dict[str, Any]) -> str:
    """The algorithm `none` (RFC 7518, 3.6)."""
    return text_of({"alg": "none", "typ": "JWT"}, claims) + "."


def by_secret(secret: bytes, claims: dict[str, Any], kid: str) -> str:
    """HS256 with a secret that is none: the public key, as in the confusion of algorithms."""
    signed = text_of({"alg": "HS256", "kid": kid, "typ": "JWT"}, claims)
    return f"{signed}.{b64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def make_signer(kid: str, *, curve: bool = False) -> Signer:
    if curve:
        return Signer(ec.generate_private_key(ec.SECP256R1()), kid)
    return Signer(rsa.generate_private_key(public_exponent=65537, key_size=2048), kid)


def read_signer(path: Path | None) -> Signer:
    """The key of a file, or a new one, which goes into that file when one is named."""
    if path is not None and path.exists():
        key = load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return Signer(key, "sim-1")
    signer = make_signer("sim-1")
    if path is not None:
        path.touch(mode=0o600)
        path.write_bytes(signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return signer


def proven(token: str, public_key: str) -> dict[str, Any]:
    """Claims of a client's assertion. ValueError when its key did not sign it."""
    signed, _, signature = token.rpartition(".")
    key = load_pem_public_key(public_key.encode())
    raw = unb64(signature)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(raw, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            pair = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
            key.verify(pair, signed.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise ValueError("not signed by the client") from error
    claims = json.loads(unb64(signed.partition(".")[2]))
    assert isinstance(claims, dict)
    return claims
