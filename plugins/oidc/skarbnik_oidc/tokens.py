"""A signed token and the keys it may be signed with. Pure.

joserfc does the cryptography. Which algorithm and which key is decided here, before it sees anything: algorithms are
those of the settings, keys those the provider publishes at the address of its metadata. A header chooses among them
and brings none.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from skarbnik.plugin_api import SignInReason, SignInRefused
from skarbnik_oidc.words import Claims, read_object

TOKEN = re.compile(r"([A-Za-z0-9_-]{2,4096})\.([A-Za-z0-9_-]{2,65536})\.([A-Za-z0-9_-]{0,2048})")
# A key that comes along (RFC 7515, 4.1.2-4.1.6), and what has to be understood and is not (4.1.11, RFC 7797)
BRINGS = frozenset({"jwk", "jku", "x5c", "x5u", "crit", "b64"})
PARTS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
MOST_KEYS = 50
LEAST_BITS = 2048  # RFC 7518, 3.3


class _Registry(jws.JWSRegistry):
    max_header_length = 4096
    max_payload_length = 65536
    max_signature_length = 2048


@dataclass(frozen=True)
class Header:
    """What a token says about its signature, and may: the algorithm is one of ours."""

    algorithm: str
    key_id: str | None


@dataclass(frozen=True)
class PublicKey:
    """A key for signatures. `algorithm` binds it where the provider says so; `curve` is None with RSA."""

    key_id: str | None
    algorithm: str | None
    kind: str  # RSA, EC, OKP
    curve: str | None
    key: RSAKey | ECKey | OKPKey = field(repr=False)

    def fits(self, header: Header) -> bool:
        if header.key_id is not None and header.key_id != self.key_id:
            return False
        if self.algorithm not in {None, header.algorithm}:
            return False
        if header.algorithm in CURVES:
            return self.curve == CURVES[header.algorithm]
        return self.kind == "RSA"


def read_header(token: str, algorithms: frozenset[str]) -> Header:
    """The header of a token. SignInRefused unless it is signed by one of `algorithms` and brings no key."""
    found = TOKEN.fullmatch(token)
    if found is None:
        raise SignInRefused(SignInReason.MALFORMED, "token")
    try:
        told = read_object(_decoded(found[1]))
    except ValueError:
        raise SignInRefused(SignInReason.MALFORMED, "token_header") from None
    if BRINGS & told.keys():
        raise SignInRefused(SignInReason.UNPROVEN, "header_brings_key")
    algorithm, key_id, kind = told.get("alg"), told.get("kid"), told.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise SignInRefused(SignInReason.UNPROVEN, "algorithm")
    if not isinstance(key_id, str | None):
        raise SignInRefused(SignInReason.MALFORMED, "token_header")
    if not isinstance(kind, str) or kind.upper() != "JWT":  # an access or logout token is no identity (RFC 8725, 3.11)
        raise SignInRefused(SignInReason.UNPROVEN, "token_type")
    return Header(algorithm, key_id)


def choose_key(keys: tuple[PublicKey, ...], header: Header) -> PublicKey | None:
    """The one key a header means. None when there is none; SignInRefused when it could be several."""
    fitting = [each for each in keys if each.fits(header)]
    if len(fitting) > 1:
        raise SignInRefused(SignInReason.UNPROVEN, "key_not_clear")
    return fitting[0] if fitting else None


def open_token(token: str, header: Header, key: PublicKey) -> Claims:
    """What a token claims. SignInRefused unless `key` signed it."""
    registry = _Registry(algorithms=[header.algorithm], strict_check_header=False)
    try:
        opened = jws.deserialize_compact(token, key.key, registry=registry)
    except (JoseError, ValueError, TypeError):
        raise SignInRefused(SignInReason.UNPROVEN, "signature") from None
    try:
        return read_object(opened.payload or b"")
    except ValueError:
        raise SignInRefused(SignInReason.MALFORMED, "claims") from None


def read_keys(body: bytes) -> tuple[PublicKey, ...]:
    """Keys for signatures in a JWK set (RFC 7517); what we cannot use is left out. ValueError when it is none."""
    told = read_object(body).get("keys")
    if not isinstance(told, list) or len(told) > MOST_KEYS:
        raise ValueError("not a set of keys")
    return tuple(key for each in told if isinstance(each, dict) and (key := _read_key(each)) is not None)


def _read_key(told: Claims) -> PublicKey | None:
    kind, operations = told.get("kty"), told.get("key_ops", ["verify"])
    if not isinstance(kind, str) or kind not in PARTS or told.get("use", "sig") != "sig":
        return None
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    parts = {part: value for part in PARTS[kind] if isinstance(value := told.get(part), str)}
    if len(parts) != len(PARTS[kind]):
        return None
    public: dict[str, str | list[str]] = {"kty": kind, **parts}
    key_id, algorithm = told.get("kid"), told.get("alg")
    if not (isinstance(key_id, str | None) and isinstance(algorithm, str | None)):
        return None
    try:
        key: RSAKey | ECKey | OKPKey
        if kind == "RSA":
            if int.from_bytes(_decoded(parts["n"]), "big").bit_length() < LEAST_BITS:
                return None
            key = RSAKey.import_key(public)
        else:
            key = ECKey.import_key(public) if kind == "EC" else OKPKey.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return PublicKey(key_id, algorithm, kind, parts.get("crv"), key)


def half_hash(text: str, algorithm: str) -> str:
    """The left half of a digest, as `at_hash` has it (OpenID Connect Core 1.0, 3.1.3.6)."""
    size = "512" if algorithm == "EdDSA" else algorithm[2:]
    digest = hashlib.new(f"sha{size}", text.encode()).digest()
    return encoded(digest[: len(digest) // 2])


def name_of(token: str) -> str:
    """A name for the very token: a digest of what was signed, so that no other signature makes another name."""
    return encoded(hashlib.sha256(token.rpartition(".")[0].encode()).digest())


def encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
