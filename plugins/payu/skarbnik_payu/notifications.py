"""What PayU posts to us: an order that changed or a refund that ended. Pure: no network, no clock."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from skarbnik.plugin_api import Forged, NotificationHint, RawNotification
from skarbnik_payu.answers import text
from skarbnik_payu.orders import our_id
from skarbnik_payu.settings import PayuSettings
from skarbnik_payu.signature import check_signature

NUMBER = re.compile(r"[A-Za-z0-9_-]{1,60}")
STATUS = re.compile(r"[A-Z_]{1,40}")


def read(raw: RawNotification, settings: PayuSettings) -> NotificationHint:
    """Forged unless it is signed with our second key, made for our POS and can be understood."""
    check_signature(raw.headers, raw.body, settings.second_key)
    body = _parse(raw.body)
    if isinstance(body.get("order"), dict):
        return _order_hint(body["order"], settings, happened_at=_moment(body.get("localReceiptDateTime")))
    if isinstance(body.get("refund"), dict):
        return _refund_hint(body, settings)
    raise Forged("the notification is about neither an order nor a refund")


def _order_hint(order: dict[str, Any], settings: PayuSettings, *, happened_at: datetime | None) -> NotificationHint:
    if text(order, "merchantPosId") != settings.pos_id:
        raise Forged("the notification is for another POS")
    order_id = _word(order, "orderId", NUMBER)
    return NotificationHint(
        key=f"order:{order_id}:{_word(order, 'status', STATUS)}",
        transaction_id=our_id(order.get("extOrderId")),
        external_id=order_id,
        happened_at=happened_at,
    )


def _moment(value: object) -> datetime | None:
    """When the payer paid. PayU sends it only with COMPLETED; what cannot be read is no reason to lose the news."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _refund_hint(body: dict[str, Any], settings: PayuSettings) -> NotificationHint:
    """Refunds carry the orderId beside them and no POS: the second key, which is the POS's own, stands for it."""
    refund = body["refund"]
    if body.get("merchantPosId", settings.pos_id) != settings.pos_id:
        raise Forged("the notification is for another POS")
    return NotificationHint(
        key=f"refund:{_word(refund, 'refundId', NUMBER)}:{_word(refund, 'status', STATUS)}",
        transaction_id=our_id(body.get("extOrderId")),
        external_id=_word(body, "orderId", NUMBER),
        refund_id=our_id(refund.get("extRefundId")),
    )


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw.decode())
    except (ValueError, RecursionError):
        raise Forged("the notification is signed and is no JSON") from None  # its text may hold personal data
    if not isinstance(body, dict):
        raise Forged("the notification is signed and is no JSON object")
    return body


def _word(body: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = text(body, name)
    if value is None or not pattern.fullmatch(value):
        raise Forged(f"the notification has no {name} we understand")
    return value
