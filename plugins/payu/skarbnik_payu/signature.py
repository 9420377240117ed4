"""How PayU signs a notification: a plain hash of the raw body with the second key appended. It is not an HMAC."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from skarbnik.plugin_api import Forged

HEADERS = ("openpayu-signature", "x-openpayu-signature")  # both are sent; the first one present decides

# PayU sends MD5 today: refusing it would refuse every real notification. The vendor's SDK also takes SHA-1; we do not.
ALGORITHMS = {
    "md5": "md5",
    "sha": "sha256",
    "sha256": "sha256",
    "sha-256": "sha256",
    "sha384": "sha384",
    "sha-384": "sha384",
    "sha512": "sha512",
    "sha-512": "sha512",
}


def check_signature(headers: Mapping[str, str], body: bytes, second_key: str) -> None:
    """Forged unless the header carries the signature of exactly these bytes made with this key."""
    if not second_key:
        raise Forged("without a second key nothing is signed")
    parts = _parts(headers)
    algorithm = ALGORITHMS.get(parts.get("algorithm", "").lower())
    if algorithm is None:
        raise Forged("the signature names no algorithm we accept")
    digest = hashlib.new(algorithm, body + second_key.encode(), usedforsecurity=False).hexdigest()
    given = parts.get("signature", "").encode("utf-8", "replace")
    if not hmac.compare_digest(digest.encode(), given):
        raise Forged("the signature does not fit the body")


def _parts(headers: Mapping[str, str]) -> dict[str, str]:
    """`sender=checkout;signature=ab12;algorithm=MD5;content=DOCUMENT`, in any order, maybe with a last semicolon."""
    header = next((headers[name] for name in HEADERS if name in headers), None)
    if header is None:
        raise Forged("there is no signature header")
    parts: dict[str, str] = {}
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name in parts:
            raise Forged("the signature header says something twice")
        if name:
            parts[name] = value
    return parts
