"""What PayU's answers mean. Its words may be missing, a bare number or a page of HTML; only codes are repeated.

`statusDesc` and bodies never get into a message: they may carry names, e-mails and account numbers.
"""

from __future__ import annotations

import json
import re
from typing import Any

from skarbnik.plugin_api import ExternalSystemError, HttpAnswer, Misconfigured, NotKnown, OutcomeUnknown, Refused

CODE = re.compile(r"[A-Za-z0-9_]{1,60}")


class NotUnique(Refused):
    """The POS already has an order with this extOrderId: an earlier create did arrive. `order_id` names it."""

    def __init__(self, message: str, order_id: str | None) -> None:
        super().__init__(message)
        self.order_id = order_id


def judge(answer: HttpAnswer, *, changes: bool) -> dict[str, Any]:
    """The body of a good answer; for any other the error it means. `changes`: the call could have had an effect."""
    body = _body(answer)
    unclear = OutcomeUnknown if changes else ExternalSystemError
    words = f"PayU answered {answer.status} {' '.join(_codes(body))}".rstrip()
    if answer.status < 400:
        if body is None:
            raise unclear(f"{words}, not JSON")
        return body
    if answer.status in {401, 403}:
        raise Misconfigured(words)
    if answer.status == 408 or answer.status >= 500:
        raise unclear(words)
    if answer.status == 429 or body is None:
        raise ExternalSystemError(words)
    codes = _codes(body)
    if answer.status == 404:
        raise NotKnown(words) if "DATA_NOT_FOUND" in codes else ExternalSystemError(words)
    if "ERROR_ORDER_NOT_UNIQUE" in codes or "ORDER_NOT_UNIQUE" in codes:
        raise NotUnique(words, text(body, "orderId"))
    raise Refused(words)


def text(body: Any, name: str) -> str | None:
    """A member that is a text with something in it; None for everything else that may stand there."""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) and value else None


def _body(answer: HttpAnswer) -> dict[str, Any] | None:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _codes(body: dict[str, Any] | None) -> list[str]:
    """`status` is an object whose members may be absent, and now and then a bare number."""
    status = (body or {}).get("status")
    found = [text(status, name) for name in ("statusCode", "code", "codeLiteral")]
    return [code for code in found if code is not None and CODE.fullmatch(code)]
