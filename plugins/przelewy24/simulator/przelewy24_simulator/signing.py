"""Signs, spelled out letter by letter as PHP's json_encode would write the text. Nothing of it comes from a library."""

from __future__ import annotations

from hashlib import sha384

SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def signed_text(*pairs: tuple[str, str | int]) -> str:
    return "{" + ",".join(f'"{name}":{_written(value)}' for name, value in pairs) + "}"


def digest(*pairs: tuple[str, str | int]) -> str:
    return sha384(signed_text(*pairs).encode("utf-8")).hexdigest()


def register_sign(session: str, merchant: int, amount: int, currency: str, crc: str) -> str:
    return digest(
        ("sessionId", session), ("merchantId", merchant), ("amount", amount), ("currency", currency), ("crc", crc)
    )


def verify_sign(session: str, order: int, amount: int, currency: str, crc: str) -> str:
    return digest(("sessionId", session), ("orderId", order), ("amount", amount), ("currency", currency), ("crc", crc))


def notification_sign(told: dict, crc: str) -> str:
    return digest(
        ("merchantId", told["merchantId"]),
        ("posId", told["posId"]),
        ("sessionId", told["sessionId"]),
        ("amount", told["amount"]),
        ("originAmount", told["originAmount"]),
        ("currency", told["currency"]),
        ("orderId", told["orderId"]),
        ("methodId", told["methodId"]),
        ("statement", told["statement"]),
        ("crc", crc),
    )


def refund_sign(told: dict, crc: str) -> str:
    return digest(
        ("orderId", told["orderId"]),
        ("sessionId", told["sessionId"]),
        ("refundsUuid", told["refundsUuid"]),
        ("merchantId", told["merchantId"]),
        ("amount", told["amount"]),
        ("currency", told["currency"]),
        ("status", told["status"]),
        ("crc", crc),
    )


def _written(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return '"' + "".join(_letter(letter) for letter in value) + '"'


def _letter(letter: str) -> str:
    if letter in SHORT:
        return SHORT[letter]
    if ord(letter) < 0x20 or letter in "\u2028\u2029":
        return f"\\u{ord(letter):04x}"
    return letter
