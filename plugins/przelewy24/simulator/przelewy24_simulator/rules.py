"""What is refused when a transaction is registered or a refund is asked for. Types count: an amount is a number."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

LANGUAGES = {"bg", "cs", "de", "en", "es", "fr", "hr", "hu", "it", "nl", "pl", "pt", "ro", "se", "sk"}
TEXTS = {
    "sessionId": (1, 100),
    "currency": (3, 3),
    "description": (1, 1024),
    "email": (3, 50),
    "country": (2, 2),
    "urlReturn": (1, 250),
    "sign": (96, 96),
}
MAY = {
    "urlStatus": 250,
    "client": 40,
    "address": 80,
    "zip": 10,
    "city": 50,
    "phone": 12,
    "transferLabel": 20,
}


def is_number(value: Any) -> bool:
    return type(value) is int


def is_text(value: Any, shortest: int, longest: int) -> bool:
    return isinstance(value, str) and shortest <= len(value) <= longest


def fits_register(sent: Any) -> bool:
    if not isinstance(sent, dict) or not all(is_number(sent.get(name)) for name in ("merchantId", "posId", "amount")):
        return False
    if not all(is_text(sent.get(name), *lengths) for name, lengths in TEXTS.items()):
        return False
    if not all(is_text(sent[name], 0, longest) for name, longest in MAY.items() if name in sent):
        return False
    limit, channel = sent.get("timeLimit", 0), sent.get("channel", 1)
    return (
        sent["amount"] > 0
        and sent["currency"] == "PLN"
        and sent.get("language") in LANGUAGES
        and "@" in sent["email"]
        and is_number(limit)
        and 0 <= limit <= 99
        and is_number(channel)
        and channel > 0
        and isinstance(sent.get("waitForResult", False), bool)
        and all(
            urlsplit(sent[name]).scheme in {"http", "https"} for name in ("urlReturn", "urlStatus") if sent.get(name)
        )
    )


def _is_address(value: str) -> bool:
    return urlsplit(value).scheme in {"http", "https"}


def fits_code(sent: Any) -> bool:
    if not isinstance(sent, dict) or not is_text(sent.get("token"), 1, 100):
        return False
    code = sent.get("blikCode")
    return isinstance(code, str) and len(code) == 6 and code.isascii() and code.isdigit()


def fits_verify(sent: Any) -> bool:
    numbers = ("merchantId", "posId", "amount", "orderId")
    return (
        isinstance(sent, dict)
        and all(is_number(sent.get(name)) for name in numbers)
        and all(is_text(sent.get(name), 1, 100) for name in ("sessionId", "currency", "sign"))
    )


def fits_refund(sent: Any) -> bool:
    if not isinstance(sent, dict) or not isinstance(sent.get("refunds"), list) or not sent["refunds"]:
        return False
    if not is_text(sent.get("requestId"), 1, 45) or not is_text(sent.get("refundsUuid"), 1, 35):
        return False
    if "urlStatus" in sent and not is_text(sent["urlStatus"], 1, 250):
        return False
    return all(
        isinstance(each, dict)
        and is_number(each.get("orderId"))
        and is_number(each.get("amount"))
        and each["amount"] > 0
        and is_text(each.get("sessionId"), 1, 100)
        and is_text(each.get("description", ""), 0, 35)
        for each in sent["refunds"]
    )
