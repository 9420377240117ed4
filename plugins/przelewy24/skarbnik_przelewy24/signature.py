"""How Przelewy24 signs: SHA-384 over a JSON text of some values in a fixed order, with the CRC key as the last one.

What is signed are values, not the bytes that carried them. The text is what PHP writes with JSON_UNESCAPED_UNICODE and
JSON_UNESCAPED_SLASHES: no spaces, numbers bare, Polish letters as they are.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

from skarbnik.plugin_api import Forged

REGISTER = ("sessionId", "merchantId", "amount", "currency")
VERIFY = ("sessionId", "orderId", "amount", "currency")
NOTIFICATION = (
    "merchantId",
    "posId",
    "sessionId",
    "amount",
    "originAmount",
    "currency",
    "orderId",
    "methodId",
    "statement",
)
REFUND_NOTIFICATION = ("orderId", "sessionId", "refundsUuid", "merchantId", "amount", "currency", "status")

TEXTS = frozenset({"sessionId", "currency", "statement", "refundsUuid"})
LARGEST = 2**63 - 1
LINE_ENDS = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029"})  # PHP escapes these two all the same


def sign(values: Mapping[str, object], names: tuple[str, ...], crc: str) -> str:
    signed = {name: values[name] for name in names} | {"crc": crc}
    text = json.dumps(signed, separators=(",", ":"), ensure_ascii=False).translate(LINE_ENDS)
    return hashlib.sha384(text.encode()).hexdigest()


def check_signature(body: Mapping[str, object], names: tuple[str, ...], crc: str) -> None:
    """Forged unless `sign` in the body was made with this key from exactly the values that stand there.

    A number must have come as a number: "100", 100.0 and true are other texts than 100, whatever they are equal to.
    """
    if not crc:
        raise Forged("without a CRC key nothing is signed")
    for name in names:
        if not _is_signable(name, body.get(name)):
            raise Forged(f"{name} is missing or of another type than Przelewy24 sends")
    given = body.get("sign")
    if not isinstance(given, str):
        raise Forged("there is no sign")
    try:
        made = sign(body, names, crc)
    except UnicodeEncodeError:
        raise Forged("half a character cannot have been signed") from None
    if not hmac.compare_digest(made.encode(), given.encode("utf-8", "replace")):
        raise Forged("the sign does not fit the values")


def _is_signable(name: str, value: object) -> bool:
    if name in TEXTS:
        return isinstance(value, str)
    return type(value) is int and abs(value) <= LARGEST
