"""What Przelewy24 posts to us: somebody paid, or a refund ended. Pure: no network, no clock.

Nothing but signed values is used. The requestId and timestamp of a refund are not signed.
"""

from __future__ import annotations

import json
import re
from typing import Any

from skarbnik.plugin_api import Forged, NotificationHint, RawNotification
from skarbnik_przelewy24.settings import Przelewy24Settings
from skarbnik_przelewy24.signature import NOTIFICATION, REFUND_NOTIFICATION, check_signature
from skarbnik_przelewy24.transactions import our_id

SESSION = re.compile(r"[!-~]{1,100}")
REFUND = re.compile(r"[!-~]{1,35}")


def read(raw: RawNotification, settings: Przelewy24Settings) -> NotificationHint:
    """Forged unless it is signed with our CRC key, made for our point of sale and can be understood."""
    body = _parse(raw.body)
    if "refundsUuid" in body:
        return _refund_hint(body, settings)
    check_signature(body, NOTIFICATION, settings.crc)
    if (body["merchantId"], body["posId"]) != (int(settings.merchant_id), int(settings.pos_id)):
        raise Forged("the notification is for another point of sale")
    session_id = _word(body, "sessionId", SESSION)
    return NotificationHint(key=f"payment:{_order_id(body)}", transaction_id=our_id(session_id), external_id=session_id)


def _refund_hint(body: dict[str, Any], settings: Przelewy24Settings) -> NotificationHint:
    """A refund names no point of sale: the CRC key, which is the point's own, stands for it."""
    check_signature(body, REFUND_NOTIFICATION, settings.crc)
    if body["merchantId"] != int(settings.merchant_id):
        raise Forged("the notification is for another merchant")
    session_id, refund_id = _word(body, "sessionId", SESSION), _word(body, "refundsUuid", REFUND)
    return NotificationHint(
        key=f"refund:{_order_id(body)}:{refund_id}:{body['status']}",
        transaction_id=our_id(session_id),
        external_id=session_id,
        refund_id=our_id(refund_id),
    )


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Forged("the notification is no JSON object as Przelewy24 writes it") from None  # it may hold anything
    if not isinstance(body, dict):
        raise Forged("the notification is no JSON object")
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that stands twice is read differently by different readers: one checks it, another uses it."""
    body = dict(pairs)
    if len(body) != len(pairs):
        raise ValueError("a name stands twice")
    return body


def _order_id(body: dict[str, Any]) -> int:
    if body["orderId"] <= 0:
        raise Forged("the notification has no orderId we understand")
    order_id: int = body["orderId"]
    return order_id


def _word(body: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value: str = body[name]
    if not pattern.fullmatch(value):
        raise Forged(f"the notification has no {name} we understand")
    return value
