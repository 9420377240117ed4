"""What Przelewy24's answers mean. `error` is a text or a list, `code` a number or a text, and some pages are HTML.

Only words we know are repeated: the others may carry names, e-mails and account numbers.
"""

from __future__ import annotations

import json
from typing import Any

from skarbnik.plugin_api import ExternalSystemError, HttpAnswer, Misconfigured, NotKnown, OutcomeUnknown, Refused

WRONG_CRC = "Incorrect CRC value"
NOT_FOUND = "Transaction not found"
ALREADY_THERE = "Request already exists"
CONCURRENT = "Concurrent call"
WORDS = (
    WRONG_CRC,
    NOT_FOUND,
    ALREADY_THERE,
    CONCURRENT,
    "Incorrect authentication",
    "Invalid input data",
    "Invalid input parameters",
    "Transaction in wrong status - cannot refund",
    "Insufficient funds available",
    "The amount of refund exceeds available amount for the transaction",
    "Unknown error",
)


class AlreadyThere(Refused):
    """A refund with our ids was accepted by an earlier call."""


class CodeRefused(Refused):
    """A BLIK code was not taken. `number` and `words` say why, where Przelewy24 does."""

    def __init__(self, message: str, number: int | None, words: str) -> None:
        super().__init__(message)
        self.number = number
        self.words = words


def judge_code(answer: HttpAnswer) -> dict[str, Any]:
    """As `judge`, of a call that charges a code: why a code is refused is said with it."""
    try:
        return judge(answer, changes=True)
    except Refused as error:
        body = _body(answer) or {}
        code = body.get("code")
        said = body.get("error")
        number = int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdecimal()) else None
        raise CodeRefused(str(error), number, said if isinstance(said, str) else "") from error


def judge(answer: HttpAnswer, *, changes: bool) -> dict[str, Any]:
    """The body of a good answer; for any other the error it means. `changes`: the call could have had an effect."""
    body = _body(answer)
    unclear = OutcomeUnknown if changes else ExternalSystemError
    said = _words(body)
    words = f"Przelewy24 answered {answer.status} {', '.join(said)}".rstrip()
    if answer.status in {200, 201} and body is not None:
        return body
    if answer.status < 400:
        raise unclear(f"{words}, not what the call answers")
    if answer.status in {401, 403} or WRONG_CRC in said:
        raise Misconfigured(words)
    if answer.status == 408 or answer.status >= 500:
        raise unclear(words)
    if answer.status == 429 or body is None or CONCURRENT in said:
        raise ExternalSystemError(words)
    if answer.status == 404:
        raise NotKnown(words) if NOT_FOUND in said else ExternalSystemError(words)
    raise AlreadyThere(words) if ALREADY_THERE in said else Refused(words)


def data_of(body: dict[str, Any]) -> Any:
    return body.get("data")


def text(body: Any, name: str) -> str | None:
    """A member that is a text with something in it; None for everything else that may stand there."""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) and value else None


def number(body: Any, name: str) -> int | None:
    """A member that is a whole number above zero; None for everything else, true and 1.0 too."""
    value = body.get(name) if isinstance(body, dict) else None
    return value if type(value) is int and value > 0 else None


def _body(answer: HttpAnswer) -> dict[str, Any] | None:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _words(body: dict[str, Any] | None) -> list[str]:
    """The known phrases in `error`, which may be one text, texts, or objects with a `message`."""
    error = (body or {}).get("error")
    found = [text(each, "message") or each for each in (error if isinstance(error, list) else [error])]
    return [word for word in WORDS if any(isinstance(each, str) and word in each for each in found)]
